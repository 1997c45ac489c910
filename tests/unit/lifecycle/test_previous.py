from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.lifecycle.previous import LIMIT, Run, format_run, how, parse_run
from entrypoint.lifecycle.report import Outcome

ENDED = Run(3, 1795500000.25, 1795500060.5, 137, "oom-killed", "java was killed: out of memory")


@pytest.mark.parametrize("run", [ENDED, Run(1, 1795500000.0), Run(2, 1.0, 2.0, 0)])
def test_what_is_written_is_read(run: Run) -> None:
    assert parse_run(format_run(run)) == run


def test_a_summary_cannot_add_lines() -> None:
    run = parse_run(format_run(Run(1, 5.0, summary="a\nnumber=9\ncode=0\x1b[31m")))
    assert run == Run(1, 5.0, summary="a number=9 code=0 [31m")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 64,
        b"number=1\n",
        b"number=0\nbegan=5\n",
        b"number=-1\nbegan=5\n",
        b"number=1\nbegan=nan\n",
        b"number=1\nbegan=inf\n",
        b"number=1\nbegan=1e300\n",
        b"number=99999999999999999999\nbegan=5\n",
        "number=²\nbegan=5\n".encode(),
    ],
)
def test_what_is_no_such_file_is_no_run(content: bytes) -> None:
    assert parse_run(content) is None


def test_a_code_that_is_none_is_not_believed() -> None:
    assert parse_run(b"number=1\nbegan=5\nended=6\ncode=256\n") == Run(1, 5.0, 6.0)


@given(st.binary(max_size=300))
def test_any_bytes_are_fine(content: bytes) -> None:
    parse_run(content)
    run = parse_run(b"number=4\nbegan=7\n" + content)
    assert run is None or run.began > 0


def test_the_file_stays_small() -> None:
    assert len(format_run(Run(1, 1.0, summary="é" * 10_000))) <= LIMIT


def test_the_word_for_what_a_code_hides() -> None:
    assert how(Outcome(None, 9, oom_killed=True)) == "oom-killed"
    assert how(Outcome(None, 9, killed=True)) == "killed after the grace period"
    assert how(Outcome(1)) == ""
    assert how(None) == ""
