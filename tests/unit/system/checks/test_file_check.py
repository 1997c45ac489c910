from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from entrypoint.system.checks.file import READ_LIMIT
from entrypoint.system.checks.result import CheckResult

Ask = Callable[..., CheckResult]
RUNNING = "## the otter server is running now ......"


def test_a_file_that_is_there(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "f").write_text("")
    assert ask("file", path=str(tmp_path / "f")).detail == "ok"


def test_no_file(tmp_path: Path, ask: Ask) -> None:
    assert ask("file", path=str(tmp_path / "f")).detail == "no such file"


def test_a_link_is_followed_as_kubernetes_mounts_are_links(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "f").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "f")
    assert ask("file", path=str(tmp_path / "link")).ok


def test_a_folder_is_no_file(tmp_path: Path, ask: Ask) -> None:
    assert ask("file", path=str(tmp_path)).detail == "not a regular file"


def test_a_pipe_is_not_waited_for(tmp_path: Path, ask: Ask) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert ask("file", path=str(tmp_path / "pipe")).detail == "not a regular file"


def test_contains_text(tmp_path: Path, ask: Ask) -> None:
    log = tmp_path / "node.log"
    log.write_text("starting\n")
    assert ask("file", path=str(log), contains=RUNNING).detail == f'no "{RUNNING}" in it'
    log.write_text(f"starting\n2026 INFO {RUNNING}\n")
    assert ask("file", path=str(log), contains=RUNNING).ok


def test_text_is_not_a_regular_expression(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "f").write_text("axb")
    assert not ask("file", path=str(tmp_path / "f"), contains="a.b").ok


@pytest.mark.parametrize(("wanted", "ok"), [(r"/^ready in \d+ ms$/", True), ("/^in/", False)])
def test_contains_a_regular_expression(tmp_path: Path, ask: Ask, wanted: str, ok: bool) -> None:
    (tmp_path / "f").write_text("start\nready in 50 ms\nend\n")
    assert ask("file", path=str(tmp_path / "f"), contains=wanted).ok is ok


def test_a_broken_regular_expression(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "f").write_text("x")
    result = ask("file", path=str(tmp_path / "f"), contains="/(/")
    assert result.detail.startswith("cannot ask: expected a regular expression")


@pytest.mark.parametrize(
    ("before", "after", "ok"),
    [
        (0, 3 * READ_LIMIT, True),
        (3 * READ_LIMIT, 0, True),
        (READ_LIMIT // 2, 0, True),
        (3 * READ_LIMIT, 3 * READ_LIMIT, False),
    ],
)
def test_head_and_tail_of_a_large_file_are_read(
    tmp_path: Path, ask: Ask, before: int, after: int, ok: bool
) -> None:
    (tmp_path / "f").write_bytes(b"x" * before + b"wanted" + b"y" * after)
    assert ask("file", path=str(tmp_path / "f"), contains="wanted").ok is ok


def test_text_does_not_match_across_the_gap(tmp_path: Path, ask: Ask) -> None:
    half = READ_LIMIT // 2
    content = b"x" * (half - 3) + b"wan" + b"-" * READ_LIMIT + b"ted" + b"x" * (half - 3)
    (tmp_path / "f").write_bytes(content)
    assert not ask("file", path=str(tmp_path / "f"), contains="wanted").ok


def test_a_file_of_proc_that_says_it_is_empty(ask: Ask) -> None:
    assert ask("file", path="/proc/self/status", contains="Name:").ok


def test_a_sparse_file_costs_no_more_than_the_limit(tmp_path: Path, ask: Ask) -> None:
    with (tmp_path / "f").open("wb") as f:
        f.truncate(1 << 40)
    assert not ask("file", path=str(tmp_path / "f"), contains="wanted").ok
