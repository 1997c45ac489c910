"""The folder of archives: which may be used, what is removed, and the digest of a class path."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from forked import NOBODY, in_child, needs_root, open_folder

from entrypoint.jvm.sharing import MAGIC
from entrypoint.system.sharing import archives, class_path, seal, tidy

A, B, C = (f"classes-{letter * 16}.jsa" for letter in "abc")
CACHE = f"classes-{'d' * 16}.aot"


def put(folder: Path, name: str, size: int = 100, age: int = 0, magic: int | None = None) -> Path:
    kind = name.rpartition(".")[2]
    number = MAGIC.get(kind, 0) if magic is None else magic
    file = folder / name
    file.write_bytes(number.to_bytes(4, sys.byteorder) + bytes(size - 4))
    file.chmod(0o644)
    os.utime(file, (1_700_000_000 - age, 1_700_000_000 - age))
    (folder / f"{name}.seal").write_text(f"{size}\n")
    return file


def test_whole_archives_are_found(tmp_path: Path) -> None:
    put(tmp_path, A, 100)
    put(tmp_path, CACHE, 200)
    put(tmp_path, "other.jsa")
    put(tmp_path, f"{CACHE}.config")
    assert archives(str(tmp_path)) == ((A, 100), (CACHE, 200))
    assert archives(f"{tmp_path}/none") == ()


def test_without_its_seal_or_cut_after_it_an_archive_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, A)
    (tmp_path / f"{A}.seal").unlink()
    assert archives(str(tmp_path)) == ()
    assert seal(f"{tmp_path}/{A}") == 100
    assert archives(str(tmp_path)) == ((A, 100),)
    os.truncate(tmp_path / A, 50)
    assert archives(str(tmp_path)) == ()


def test_only_a_whole_archive_gets_a_seal(tmp_path: Path) -> None:
    assert seal(f"{tmp_path}/{A}") is None
    assert seal(f"{tmp_path}/none/{A}") is None
    (tmp_path / A).write_bytes(bytes(100))
    assert seal(f"{tmp_path}/{A}") is None
    assert not (tmp_path / f"{A}.seal").exists()


def test_what_is_half_or_no_file_or_anybodys_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, A, magic=0)  # killed while it wrote: the head comes last
    put(tmp_path, B, magic=MAGIC["aot"])
    put(tmp_path, C).chmod(0o666)
    (tmp_path / CACHE).symlink_to(put(tmp_path, "elsewhere", magic=MAGIC["aot"]))
    os.mkfifo(tmp_path / f"classes-{'e' * 16}.jsa")
    (tmp_path / f"classes-{'f' * 16}.jsa").mkdir()
    assert archives(str(tmp_path)) == ()
    (tmp_path / f"classes-{'0' * 16}.jsa").touch()
    assert archives(str(tmp_path)) == ()


def test_a_folder_that_everybody_may_write_to_is_not_believed(tmp_path: Path) -> None:
    put(tmp_path, A)
    tmp_path.chmod(0o777)
    assert archives(str(tmp_path)) == ()


@needs_root
def test_somebody_elses_archive_is_passed_over_and_roots_is_used() -> None:
    with open_folder() as folder:
        put(Path(folder), A)
        assert in_child(lambda: archives(folder), uid=NOBODY) == ((A, 100),)
        os.chown(f"{folder}/{A}", NOBODY, NOBODY)
        assert archives(folder) == ()


def test_room_is_made_for_the_new_one_the_oldest_first(tmp_path: Path) -> None:
    put(tmp_path, A, 100, age=3)
    put(tmp_path, B, 100, age=2)
    put(tmp_path, CACHE, 100, age=1)
    (said,) = tidy(f"{tmp_path}/{C}", 200)
    assert sorted(os.listdir(tmp_path)) == [B, f"{B}.seal", CACHE, f"{CACHE}.seal"]
    assert A in said
    assert tidy(f"{tmp_path}/{C}", 200) == ()


def test_remains_go_and_nothing_that_is_not_ours(tmp_path: Path) -> None:
    put(tmp_path, A, magic=0)
    (tmp_path / f"{CACHE}.config").touch()
    (tmp_path / f"{CACHE}.seal").touch()
    put(tmp_path, B)
    (tmp_path / "data.jsa").touch()
    (tmp_path / "folder").mkdir()
    assert tidy(f"{tmp_path}/{B}", 200) == ()
    assert sorted(os.listdir(tmp_path)) == ["data.jsa", "folder"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert tidy(f"{tmp_path}/none/{A}", 0) == (
        f"cannot look into {tmp_path}/none: no such file or directory",
    )


@pytest.fixture
def jars(tmp_path: Path) -> Path:
    for name in ("a.jar", "b.JAR", "note.txt"):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (1_700_000_000, 1_700_000_000))
    return tmp_path


def digest(*entries: object) -> str:
    return class_path(map(str, entries), ()).digest


def test_the_digest_changes_with_the_jars_and_only_with_them(jars: Path) -> None:
    first = digest(f"{jars}/*")
    (jars / "note.txt").write_text("changed")
    assert digest(f"{jars}/*") == first
    os.utime(jars / "a.jar", (1_700_000_001, 1_700_000_001))
    second = digest(f"{jars}/*")
    (jars / "a.jar").write_text("longer than it was")
    os.utime(jars / "a.jar", (1_700_000_001, 1_700_000_001))
    third = digest(f"{jars}/*")
    (jars / "c.jar").touch()
    assert len({first, second, third, digest(f"{jars}/*")}) == 4
    assert digest(jars / "a.jar", jars / "c.jar") != digest(jars / "c.jar", jars / "a.jar")
    assert digest(jars / "none.jar") != digest(f"{jars}/none/*")


def test_the_jars_of_a_folder_have_the_order_of_their_names(
    jars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (jars / "c.jar").touch()
    named = tuple(f"{jars}/{name}" for name in ("a.jar", "b.JAR", "c.jar"))
    first = class_path(["/x.jar", f"{jars}/*"], ())
    assert first.jars == ("/x.jar", *named)
    in_disk_order = os.listdir(jars)
    monkeypatch.setattr(os, "listdir", lambda _: in_disk_order[::-1])
    assert class_path(["/x.jar", f"{jars}/*"], ()) == first


def test_a_folder_with_files_on_the_class_path_is_named(jars: Path) -> None:
    empty = jars / "empty"
    empty.mkdir()
    assert class_path([f"{jars}/*", f"{jars}/a.jar", str(empty)], ()).folder == ""
    assert class_path([str(empty), f"{jars}/"], ()).folder == str(jars)
    assert class_path([f"{jars}/none", str(empty)], {f"{jars}/none"}).folder == f"{jars}/none"
