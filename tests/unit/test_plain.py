"""The switches of plain mode, parsed by hand."""

from __future__ import annotations

import pytest

from entrypoint.errors import ProblemsError
from entrypoint.plain import Options, parse
from entrypoint.records import replace

COMMAND = Options(("x", "-y"))


@pytest.mark.parametrize(
    ("switches", "options"),
    [
        ([], COMMAND),
        (["-gs"], replace(COMMAND, subreaper=True)),
        (["-sc"], replace(COMMAND, subreaper=True, to_group=False)),
        (["-gst5s"], replace(COMMAND, subreaper=True, grace=5.0)),
        (["-gst", "5s"], replace(COMMAND, subreaper=True, grace=5.0)),
        (["-sp=TERM"], replace(COMMAND, subreaper=True, parent_death=15)),
        (["-pTERM"], replace(COMMAND, parent_death=15)),
        (["-p", "TERM"], replace(COMMAND, parent_death=15)),
        (["-rHUP:0", "-r", "INT:TERM"], replace(COMMAND, rewrite=((1, 0), (2, 15)))),
        (["-se143:0"], replace(COMMAND, subreaper=True, remap=((143, 0),))),
        (["--subreaper", "--grace=5s"], replace(COMMAND, subreaper=True, grace=5.0)),
    ],
)
def test_switches_stand_alone_or_together(switches: list[str], options: Options) -> None:
    assert parse(["--exec", *switches, "--", "x", "-y"]) == options


@pytest.mark.parametrize(
    ("switch", "problem"),
    [
        ("-gz", "unknown switch -z"),
        ("-g=1", "unknown switch -g=1"),
        ("-s-", "unknown switch --"),
        ("-gt", "switch -t needs a value"),
        ("-gtsoon", "wrong value for --grace: soon"),
        ("--gs", "unknown switch --gs"),
    ],
)
def test_what_is_wrong_is_named(switch: str, problem: str) -> None:
    with pytest.raises(ProblemsError, match=problem):
        parse(["--exec", switch])
