from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrypoint import background
from entrypoint.lifecycle.previous import FILE, Run


def test_one_run_reads_what_the_one_before_it_wrote(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert background.read_run(folder) is None
    assert background.end_run(folder, Run(1, 5.0), 137, "oom-killed", "java was killed")
    found = background.read_run(folder)
    assert found is not None
    assert (found.number, found.code, found.how) == (1, 137, "oom-killed")
    assert found.ended is not None
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_run_that_nobody_told_of_is_counted_once(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert background.own_run(folder, 10.0) == Run(1, 10.0)
    assert background.own_run("", 10.0) == Run(1, 10.0)
    background.write_run(folder, Run(4, 5.0, 6.0, 1))
    assert background.own_run(folder, 10.0) == Run(5, 10.0)
    background.write_run(folder, Run(4, 5.0))  # killed together with us
    assert background.own_run(folder, 10.0) == Run(5, 10.0)
    background.write_run(folder, Run(5, 10.5))  # the helper was faster than its message
    assert background.own_run(folder, 10.0) == Run(5, 10.5)


@pytest.mark.parametrize("content", [b"", b"\xff" * 9000, b"number=1\n"])
def test_a_broken_file_is_no_run(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert background.read_run(str(tmp_path)) is None


def test_a_pipe_in_its_place_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)
    assert background.read_run(str(tmp_path)) is None
    assert not background.write_run(str(tmp_path), Run(1, 5.0))


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    assert not background.write_run(str(tmp_path / "missing"), Run(1, 5.0))
    assert not background.write_run("", Run(1, 5.0))
