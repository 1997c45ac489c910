"""The judge of real runs is one: it finds a history for what can happen, and none for what cannot."""

from __future__ import annotations

import pytest
from test_lifecycle import launch

from entrypoint.lifecycle import signals
from entrypoint.lifecycle.machine import State
from entrypoint.records import replace
from model.acceptor import Seen, ending, explain, phases

STOPPED = Seen(
    code=0,
    summary="java exited with 143 after SIGTERM",
    phases=(
        ("starting", "prepared"),
        ("running", "startup checks passed"),
        ("stopping", "SIGTERM from outside"),
    ),
    launch=launch(gates=False, drain=False),
    signals=frozenset({signals.TERM}),
    fates=frozenset({(143, 0)}),
)


def test_a_stop_is_explained() -> None:
    assert explain(State(), STOPPED) == ""


@pytest.mark.parametrize(
    "untrue",
    [
        {"code": 143},
        {"code": 1},
        {"summary": "java exited with 143"},
        {"signals": frozenset()},
        {"fates": frozenset({(1, 0)})},
        {"phases": STOPPED.phases[:2]},
        {"phases": tuple(reversed(STOPPED.phases))},
        {"phases": (*STOPPED.phases, ("running", "startup checks passed"))},
        {"phases": (*STOPPED.phases[:2], ("killing", "time is over"))},
        {"phases": (*STOPPED.phases[:2], ("stopping", "SIGINT from outside"))},
        {"launch": launch(gates=True, drain=False)},
        {"launch": None},
    ],
)
def test_what_cannot_have_been_is_not(untrue: dict[str, object]) -> None:
    assert explain(State(), replace_seen(**untrue)) != ""


def replace_seen(**changes: object) -> Seen:
    return Seen(**{**vars(STOPPED), **changes})  # type: ignore[arg-type]


def test_a_kill_of_ours_needs_the_whole_ladder() -> None:
    killed = replace_seen(
        code=137,
        summary="java did not stop in time and was killed (137)",
        phases=(*(STOPPED.phases or ()), ("killing", "time is over")),
        fates=frozenset(),
    )
    assert explain(State(), killed) == ""
    assert explain(State(), Seen(**{**vars(killed), "phases": STOPPED.phases})) != ""


def test_without_a_log_the_end_alone_is_judged() -> None:
    assert explain(State(), replace_seen(phases=None)) == ""
    assert explain(State(), replace_seen(phases=None, code=70)) != ""


def test_log_and_message_are_read() -> None:
    log = (
        "2026 [entrypoint] info Phase changed from=preparing to=starting cause=prepared\n"
        'x\n2026 [entrypoint] info Phase changed from=starting to=running cause="a \\"b\\" c"\n'
    )
    assert phases(log) == (("starting", "prepared"), ("running", 'a "b" c'))
    assert ending("entrypoint: java exited with 3 [exit 3]\nmore\n") == ("java exited with 3", 3)
    assert ending("") is None


def test_the_policy_counts() -> None:
    strict = replace(launch(gates=False, drain=False), stop_is_success=False)
    assert explain(State(), replace_seen(launch=strict)) != ""
    assert explain(State(), replace_seen(launch=strict, code=143)) == ""
