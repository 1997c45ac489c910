from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from forked import CLONE_NEWNS, MS_BIND, in_child, mount, needs_mounts

from entrypoint.system.termination import MESSAGE_LIMIT, cut, write_termination_message


def test_the_message_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("a much longer message of the run before")
    assert write_termination_message(str(path), "entrypoint: java died")
    assert path.read_text() == "entrypoint: java died"


def test_a_file_is_made_where_the_folder_exists(tmp_path: Path) -> None:
    assert write_termination_message(str(tmp_path / "log"), "x")
    assert (tmp_path / "log").read_text() == "x"
    assert not write_termination_message(str(tmp_path / "none/log"), "x")


def test_no_file_is_made_below_dev() -> None:
    path = f"/dev/entrypoint-test-{os.getpid()}"
    assert not write_termination_message(path, "x")
    assert not os.path.lexists(path)
    assert not write_termination_message(f"/dev/../dev/{os.path.basename(path)}", "x")
    assert not os.path.lexists(path)


@needs_mounts
def test_the_file_of_kubernetes_below_dev_is_written(tmp_path: Path) -> None:
    path = tmp_path / "on-the-node"
    path.write_text("")

    def write() -> bool:
        mount("tmpfs", "/dev", "tmpfs")
        Path("/dev/termination-log").touch()
        mount(str(path), "/dev/termination-log", None, MS_BIND)
        return write_termination_message("/dev/termination-log", "why")

    assert in_child(write, namespaces=CLONE_NEWNS)
    assert path.read_text() == "why"


def test_only_regular_files_are_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    (tmp_path / "link").symlink_to("/dev/null")
    for name in ("pipe", "socket", "link", "."):
        assert not write_termination_message(str(tmp_path / name), "x")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert not write_termination_message(str(tmp_path / "pipe"), "x")
        assert os.read(reader, 10) == b""
    finally:
        os.close(reader)


def test_it_never_raises(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for path in ("", "a\0b", str(tmp_path / "loop"), str(tmp_path / ("n" * 300)), "/proc/version"):
        assert not write_termination_message(path, "x")
    assert write_termination_message(str(tmp_path / "log"), "lone \udcff surrogate")
    assert (tmp_path / "log").read_bytes() == b"lone ? surrogate"


@pytest.mark.parametrize("character", ["a", "é", "…", "😀"])
@pytest.mark.parametrize("shift", range(4))
def test_a_long_text_is_cut_between_characters(character: str, shift: int) -> None:
    text = "x" * shift + character * MESSAGE_LIMIT + "x"
    result = cut(text)
    size = len(result.encode())
    assert MESSAGE_LIMIT - len(character.encode()) < size <= MESSAGE_LIMIT
    assert result.endswith("…")
    assert text.startswith(result[:-1])


def test_a_text_that_fits_is_left_alone() -> None:
    assert cut("é" * 2048) == "é" * 2048
