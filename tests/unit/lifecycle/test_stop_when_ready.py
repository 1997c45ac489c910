"""A run that is only there to become ready: it asks for its own stop, and climbs the same ladder."""

from __future__ import annotations

from entrypoint.lifecycle import events as on
from entrypoint.lifecycle import signals
from entrypoint.lifecycle.machine import State, step
from entrypoint.lifecycle.policy import Policy
from entrypoint.plan.model import Launch, StopStep

LADDER = (StopStep("drain", 0), StopStep("TERM", 20), StopStep("KILL", 1))
STARTED = State("starting", Policy(stop=LADDER, stop_when_ready=True), child=42)


def test_ready_is_followed_by_term_and_143_is_a_success() -> None:
    state, actions = step(STARTED, on.BecameReady())
    assert state.phase == "stopping"
    assert state.asked == signals.TERM
    assert [one.phase for one in actions if isinstance(one, on.ChangePhase)] == [
        "running",
        "stopping",
    ]
    assert on.SignalChild(signals.TERM, group=True) in actions
    _, actions = step(state, on.ChildExited(143, 0, stragglers=False))
    assert [one.code for one in actions if isinstance(one, on.Exit)] == [0]


def test_an_application_that_ends_before_it_is_ready_has_failed() -> None:
    _, actions = step(STARTED, on.ChildExited(1, 0, stragglers=False))
    assert [one.code for one in actions if isinstance(one, on.Exit)] == [1]


def test_a_stop_that_was_asked_for_before_is_not_asked_for_again() -> None:
    stopping, _ = step(STARTED, on.SignalReceived(signals.INT, 0))
    assert step(stopping, on.BecameReady()) == (stopping, ())


def test_the_plan_says_so() -> None:
    launch = Launch("a", "0", "/java", ("java",), "/", (), stop=LADDER, stop_when_ready=True)
    assert Policy.of(launch).stop_when_ready
    assert not Policy.of(Launch("a", "0", "/java", ("java",), "/", (), stop=LADDER)).stop_when_ready
