"""The folder of evidence: kept within its budget, and nothing but our own files ever removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from forked import NOBODY, in_child, needs_root, open_folder

from entrypoint.system.evidence import look, tidy
from entrypoint.system.procfs import read_mounts

KIB = 1024
DUMP = "java_pid8.hprof"


def put(folder: Path, name: str, size: int, age: int) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x" * size)
    os.utime(file, (1_700_000_000 - age, 1_700_000_000 - age))
    return file


def looked(folder: str, asked: bool) -> tuple[str, bool]:
    return look(folder, asked, read_mounts())


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_the_oldest_go_first_until_the_rest_fits(tmp_path: Path) -> None:
    put(tmp_path, "hs_err_pid1.log", KIB, age=1)
    put(tmp_path, "java_pid2.hprof", KIB, age=3)
    put(tmp_path, "gc-a.log.0", KIB, age=2)
    put(tmp_path, "gc-b.log", KIB, age=4)
    (said,) = tidy(str(tmp_path), 2 * KIB)
    assert names(tmp_path) == ["gc-a.log.0", "hs_err_pid1-2023-11-14T22-13-19Z.log"]
    assert "2 KiB: gc-b.log, java_pid2.hprof" in said
    assert f"{tmp_path}" in said


def test_what_a_living_process_has_open_stays(tmp_path: Path) -> None:
    log = put(tmp_path, "gc-live.log", KIB, age=9)
    put(tmp_path, "gc-old.log", KIB, age=8)
    put(tmp_path, "gc-new.log", KIB, age=1)
    with log.open("ab"):
        (said,) = tidy(str(tmp_path), 2 * KIB)
        assert names(tmp_path) == ["gc-live.log", "gc-new.log"]
        assert "gc-old.log" in said
        tidy(str(tmp_path), 0)
        assert names(tmp_path) == ["gc-live.log"]
    tidy(str(tmp_path), 0)
    assert names(tmp_path) == []


def test_what_fits_stays_and_nothing_is_said(tmp_path: Path) -> None:
    put(tmp_path, "gc-a.log", KIB, age=1)
    put(tmp_path, "gc-b.log", KIB, age=1)
    assert tidy(str(tmp_path), 2 * KIB) == ()
    assert names(tmp_path) == ["gc-a.log", "gc-b.log"]


def test_nothing_else_is_removed_or_counted(tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "other", DUMP, 9 * KIB, age=9)
    folder = tmp_path / "evidence"
    kept = ["data.db", "java_pid8.hprof.gz", "2026-11-24"]
    for name in kept:
        put(folder, name, 9 * KIB, age=9)
    (folder / "gc.log").symlink_to(elsewhere)
    (folder / "hs_err_pid1.log").mkdir()
    os.mkfifo(folder / "hs_err_pid2.log")
    put(folder, "gc-own.log", KIB, age=1)
    before = names(folder)
    assert tidy(str(folder), KIB) == ()
    assert names(folder) == before
    tidy(str(folder), 0)
    assert names(folder) == [name for name in before if name != "gc-own.log"]
    assert elsewhere.stat().st_size == 9 * KIB


def test_a_diagnosis_goes_as_a_whole_and_its_links_are_not_followed(tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "other", "precious", KIB, age=9)
    folder = tmp_path / "evidence"
    old, new, foreign = (f"2026-11-2{day}T03-12-44Z" for day in (1, 2, 3))
    for name, age in ((old, 2), (new, 1)):
        put(folder / name, "threads.txt", 2 * KIB, age)
    (folder / old / "link").symlink_to(elsewhere)
    (folder / foreign / "inner").mkdir(parents=True)
    for name, age in ((foreign, 3), (old, 2), (new, 1)):
        os.utime(folder / name, (1_700_000_000 - age, 1_700_000_000 - age))
    (said,) = tidy(str(folder), 3 * KIB)
    assert sorted(os.listdir(folder)) == [new, foreign]
    assert elsewhere.exists()
    assert old in said


def test_a_link_to_a_diagnosis_is_none(tmp_path: Path) -> None:
    put(tmp_path / "other", "threads.txt", KIB, age=9)
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "2026-11-24T03-12-44Z").symlink_to(tmp_path / "other")
    assert tidy(str(folder), 0) == ()
    assert names(tmp_path / "other") == ["threads.txt"]
    assert names(folder) == ["2026-11-24T03-12-44Z"]


def test_a_dump_gets_the_time_of_its_death_so_that_the_next_one_can_be_written(
    tmp_path: Path,
) -> None:
    put(tmp_path, DUMP, KIB, age=0)
    put(tmp_path, "hs_err_pid8.log", KIB, age=0)
    tidy(str(tmp_path), 1 << 30)
    stamp = "2023-11-14T22-13-20Z"
    assert names(tmp_path) == [f"hs_err_pid8-{stamp}.log", f"java_pid8-{stamp}.hprof"]
    put(tmp_path, DUMP, KIB, age=0)
    tidy(str(tmp_path), 1 << 30)  # no second one of the same second is lost
    assert names(tmp_path) == [f"hs_err_pid8-{stamp}.log", f"java_pid8-{stamp}.hprof", DUMP]


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert tidy(str(tmp_path / "none"), 0) == (
        f"cannot look into {tmp_path}/none: no such file or directory",
    )


@needs_root
def test_a_folder_that_cannot_be_changed_is_told() -> None:
    with open_folder() as folder:
        put(Path(folder), "gc.log", KIB, age=0)
        (said,) = in_child(lambda: tidy(folder, 0), uid=NOBODY)
        assert said == f"cannot remove {folder}/gc.log: permission denied"
        put(Path(folder), DUMP, KIB, age=0)
        (said,) = in_child(lambda: tidy(folder, 1 << 30), uid=NOBODY)
        assert said == f"cannot make room in {folder}: permission denied"


@pytest.mark.parametrize("asked", [True, False])
def test_a_folder_that_exists_or_can_be_made_in_its_parent_is_usable(
    tmp_path: Path, asked: bool
) -> None:
    assert looked(str(tmp_path), asked)[0] == ""
    assert looked(f"{tmp_path}/new", asked)[0] == ""


def test_a_folder_that_nobody_asked_for_is_not_made_from_nothing(tmp_path: Path) -> None:
    assert looked(f"{tmp_path}/no/new", asked=False)[0] == f"no folder {tmp_path}/no"
    assert looked(f"{tmp_path}/no/new", asked=True)[0] == ""
    assert looked("/entrypoint-test-absent", asked=False)[0] == "no such folder"
    assert looked("", asked=False) == ("", False)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert looked(f"{tmp_path}/file", asked=True)[0] == f"{tmp_path}/file is no folder"
    assert looked(f"{tmp_path}/file/below", asked=True)[0] == f"{tmp_path}/file is no folder"


@needs_root
def test_a_folder_of_somebody_else_is_told() -> None:
    with open_folder() as folder:
        said = in_child(lambda: looked(folder, asked=True)[0], uid=NOBODY)
        assert said == f"no permission to write to {folder}"


def test_a_folder_in_memory_is_known(tmp_path: Path) -> None:
    assert looked("/dev/shm", asked=True) == ("", True)  # a tmpfs on every Linux
