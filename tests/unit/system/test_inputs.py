from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from forked import CLONE_NEWNS, MS_BIND, NOBODY, in_child, mount, needs_mounts, needs_root
from forked import open_folder as opened

from entrypoint.system import inputs
from entrypoint.system.procfs import Mount

ROOT = Mount(1, 0, "/", "/", "ext4", "disk", ())


def problem_of(path: str | Path, limit: int = 1000) -> str:
    found = inputs.read_file(str(path), limit)
    assert found is not None
    assert found.problem == "" or found.content == b""
    return found.problem


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    content = bytes(range(256)) * 1024
    (tmp_path / "file").write_bytes(content)
    found = inputs.read_file(str(tmp_path / "file"))
    assert found is not None
    assert (found.path, found.content, found.problem) == (str(tmp_path / "file"), content, "")


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("nowhere")
    assert inputs.read_file(str(tmp_path / "none")) is None
    assert inputs.read_file(str(tmp_path / "file/below")) is None
    assert inputs.read_file(str(tmp_path / "link")) is None
    assert inputs.read_file("") is None


def test_the_links_of_a_configmap_are_followed(tmp_path: Path) -> None:
    (tmp_path / "..2026_11_24").mkdir()
    (tmp_path / "..2026_11_24/nid").write_text("7")
    (tmp_path / "..data").symlink_to("..2026_11_24")
    (tmp_path / "nid").symlink_to("..data/nid")
    found = inputs.read_file(str(tmp_path / "nid"))
    assert found is not None
    assert found.content == b"7"


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    assert problem_of(tmp_path) == "a directory, not a regular file"
    assert problem_of(tmp_path / "pipe") == "a named pipe, not a regular file"
    assert problem_of(tmp_path / "socket") == "a socket, not a regular file"
    assert problem_of("/dev/zero") == "a device, not a regular file"


def test_the_limit_is_the_last_size_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "fits").write_bytes(b"x" * 1024)
    (tmp_path / "sparse").write_bytes(b"")
    os.truncate(tmp_path / "sparse", 1 << 40)
    assert problem_of(tmp_path / "fits", 1024) == ""
    assert problem_of(tmp_path / "fits", 1023) == "larger than 1023 B"
    assert problem_of(tmp_path / "sparse", 1024) == "larger than 1 KiB"


def test_a_kernel_file_that_says_it_is_empty_is_read_and_bounded() -> None:
    found = inputs.read_file("/proc/version")
    assert found is not None
    assert found.content.startswith(b"Linux")
    assert problem_of("/proc/version", 10) == "larger than 10 B"


def test_bad_paths_have_a_problem(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert problem_of("a\0b") == "the path has a NUL character in it"
    assert problem_of(tmp_path / "loop") == "too many symbolic links"
    assert problem_of(tmp_path / ("n" * 300)) == "the path is too long"
    # Memory that is not mapped: reading it is an input/output error.
    assert problem_of("/proc/self/mem") == inputs._WORDS[5]


@needs_root
def test_a_file_of_somebody_else_has_a_problem() -> None:
    with opened() as folder:
        secret = Path(folder, "secret")
        secret.write_text("x")
        secret.chmod(0o400)
        assert in_child(lambda: problem_of(secret), uid=NOBODY) == "permission denied"


@pytest.mark.parametrize(
    ("changes", "content"), [(1, b"0+"), (2, b"0++"), (3, None)], ids=["once", "twice", "always"]
)
def test_a_file_that_changes_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: int, content: bytes | None
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0")
    read, left = inputs._read_into, changes

    def read_and_change(fd: int, place: memoryview) -> int:
        nonlocal left
        got = read(fd, place)
        if not got and left:
            left -= 1
            with path.open("ab") as file:
                file.write(b"+")
        return got

    monkeypatch.setattr(inputs, "_read_into", read_and_change)
    found = inputs.read_file(str(path), 1000, (ROOT,))
    assert found is not None
    if content is None:
        assert (found.content, found.problem) == (b"", "it changes while it is being read")
    else:
        assert (found.content, found.problem) == (content, "")


def test_a_file_of_the_image_is_not_mounted_and_one_of_a_volume_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume/file").write_text("x")
    (tmp_path / "link").symlink_to("volume/file")
    mounts = (ROOT, Mount(2, 1, "/", str(tmp_path / "volume"), "ext4", "disk", ()))

    def mounted(name: str) -> bool:
        found = inputs.read_file(str(tmp_path / name), 10, mounts)
        assert found is not None
        return found.mounted

    assert not mounted("file")
    assert mounted("volume/file")
    assert mounted("link")


@needs_mounts
def test_a_subpath_file_is_mounted(tmp_path: Path) -> None:
    target, source = tmp_path / "otter.properties", tmp_path / "volume"
    target.write_text("image")
    source.write_text("volume")

    def look() -> tuple[bool, bytes, bool]:
        before = inputs.read_file(str(target))
        mount(str(source), str(target), None, MS_BIND)
        after = inputs.read_file(str(target))
        assert before is not None
        assert after is not None
        return before.mounted, after.content, after.mounted

    assert in_child(look, namespaces=CLONE_NEWNS) == (False, b"volume", True)


def test_collect_takes_what_exists_once_and_in_order(tmp_path: Path) -> None:
    first, second = str(tmp_path / "b"), str(tmp_path / "a")
    Path(first).write_text("1")
    Path(second).write_text("2")
    wanted = [first, str(tmp_path / "none"), second, first, str(tmp_path)]
    found = inputs.collect({"B": "1", "A": ""}, wanted, (("x", "y"),), ("-v",))
    assert found.environment == (("B", "1"), ("A", ""))
    assert [file.path for file in found.files] == [first, second, str(tmp_path)]
    assert [bool(file.problem) for file in found.files] == [False, False, True]
    assert (found.assignments, found.arguments) == ((("x", "y"),), ("-v",))


def test_the_environment_survives_bytes_that_are_not_text() -> None:
    program = (
        "import os; from entrypoint.system.inputs import read_environment\n"
        "found = dict(read_environment())\n"
        "os.write(1, os.fsencode(found['ODD']))"
    )
    environ = {b"ODD": b"caf\xe9 \xff", b"PATH": os.environb[b"PATH"]}
    root = str(Path(inputs.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, cwd=root, capture_output=True, check=True
    )
    assert done.stdout == b"caf\xe9 \xff"
