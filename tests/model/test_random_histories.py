"""The lifecycle against random histories: long ones, of any ladder and any policy.

The walk in test_lifecycle.py is complete but short. Here histories are long, ladders and policies are of
every form, and two properties need a whole history: a stop is bounded, and the exit code is what java's own
end comes to.
"""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_lifecycle import GATE, OTTER, PID, check

from entrypoint.errors import Problem
from entrypoint.lifecycle import events as on
from entrypoint.lifecycle import signals
from entrypoint.lifecycle.machine import State, step
from entrypoint.lifecycle.policy import Policy
from entrypoint.lifecycle.report import conclude
from entrypoint.plan.model import ExitRule, Launch, StopStep

WAIT = st.sampled_from((0.05, 1.0, 20.0))
SIGNAL = st.sampled_from((signals.TERM, signals.INT, signals.QUIT, signals.HUP, 10, 34, 64))
RUNG = st.one_of(
    st.builds(StopStep, st.sampled_from(("TERM", "INT", "QUIT", "thread-dump", "leave")), WAIT),
    st.builds(StopStep, st.just("drain"), st.sampled_from((0.0, 0.05, 5.0))),
)
LADDER = st.lists(RUNG, max_size=5).map(lambda rungs: (*rungs, StopStep("KILL", 1.0)))
LAUNCH = st.builds(
    Launch,
    name=st.just("app"),
    digest=st.just("0"),
    executable=st.just("java"),
    argv=st.just(("java",)),
    cwd=st.just("/"),
    environment=st.just(()),
    gates=st.sampled_from(((), (GATE,))),
    registration=st.sampled_from((None, OTTER)),
    stop=LADDER,
    exits=st.sampled_from(((), (ExitRule(3, "known"), ExitRule(4, "known", 5)))),
    expects_exit=st.booleans(),
    stop_is_success=st.booleans(),
    stop_when_ready=st.booleans(),
)
PLAIN = st.builds(
    Policy,
    stop=st.one_of(st.just(()), LADDER),
    expects_exit=st.just(True),
    stop_is_success=st.booleans(),
    guards_quit=st.booleans(),
    to_group=st.booleans(),
    rewrite=st.sampled_from(((), ((15, 3),), ((1, 0),), ((2, 15),))),
    remap=st.sampled_from(((), ((143, 0),))),
)
START = st.one_of(st.just(State()), PLAIN.map(lambda policy: State("starting", policy)))
ENDS = st.one_of(
    st.builds(on.ChildExited, st.integers(0, 255), st.just(0), stragglers=st.booleans()),
    st.builds(
        on.ChildExited,
        st.none(),
        st.integers(1, 64),
        oom_killed=st.booleans(),
        stragglers=st.booleans(),
    ),
)
EVENT = st.one_of(
    st.builds(on.Prepared, LAUNCH),
    st.builds(on.Replanned, LAUNCH),
    st.just(on.PrepareFailed(78, "wrong")),
    st.just(on.PrepareEnded(0)),
    st.just(on.GatesPassed()),
    st.just(on.GatesFailed(69, "db")),
    st.just(on.Spawned(PID)),
    st.just(on.SpawnFailed(Problem("x", "y", exit_code=127))),
    st.just(on.BecameReady()),
    st.builds(on.SignalReceived, SIGNAL, st.just(0)),
    ENDS,
    st.just(on.GroupGone()),
    st.sampled_from((on.ErrandDone("leave"), on.ErrandDone("resume"))),
    st.just(on.StopRequested("configuration changed")),
    st.just("deadline"),
    st.integers(-2, 12).map(on.DeadlineReached),
)
# What leads on is drawn more often: a history of noise alone never leaves the preparation.
USUAL = st.one_of(
    st.builds(on.Prepared, LAUNCH),
    st.sampled_from((on.GatesPassed(), on.Spawned(PID), on.BecameReady())),
    st.builds(on.SignalReceived, SIGNAL, st.just(0)),
    st.just("deadline"),
)
HISTORY = st.lists(st.one_of(USUAL, USUAL, EVENT), max_size=60)
MANY = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def follow(state: State, history: list[on.Event | str]) -> tuple[State, list[on.Action]]:
    """Walk a history with every step checked; "deadline" is the one that is set now, if one is."""
    done: list[on.Action] = []
    for one in history:
        if one in ("deadline", on.DeadlineReached(0)) and not state.token:
            continue
        event = on.DeadlineReached(state.token) if isinstance(one, str) else one
        after, actions = step(state, event)
        if state.policy.stop and not state.policy.rewrite:
            check(state, event, after, actions)
        done.extend(actions)
        state = after
    return state, done


@MANY
@given(START, HISTORY)
def test_every_step_of_a_long_history_keeps_the_invariants(
    start: State, history: list[on.Event | str]
) -> None:
    state, done = follow(start, history)
    ends = [action for action in done if isinstance(action, on.Exit)]
    assert len(ends) == (state.phase == "exited"), "one end, and nothing after it"
    phases = [action.phase for action in done if isinstance(action, on.ChangePhase)]
    assert len(phases) == len(set(phases)), "no phase comes twice"


@MANY
@given(START, HISTORY)
def test_a_stop_is_bounded_whatever_java_does(start: State, history: list[on.Event | str]) -> None:
    """From wherever a history led: TERM, and then nothing but time. Each rung, and what was left behind."""
    state, _ = follow(start, history)
    if state.phase == "starting" and state.child is None:
        state, _ = step(state, on.Spawned(PID))
    if not state.policy.stop and state.phase not in {"preparing", "waiting"}:
        return  # plain mode as tini is: it only forwards
    state, _ = step(state, on.SignalReceived(signals.TERM, 0))
    for _ in range(len(state.policy.stop) + 3):
        if state.phase != "exited":
            assert state.token, "a deadline is set, or this would be for ever"
        state, _ = step(state, on.DeadlineReached(state.token))
    assert state.phase == "exited"


@MANY
@given(START, HISTORY, ENDS)
def test_the_exit_code_is_what_javas_own_end_comes_to(
    start: State, history: list[on.Event | str], end: on.ChildExited
) -> None:
    before, _ = follow(start, history)
    if before.child is None or before.phase == "exited":
        return
    state, done = follow(before, [end, "deadline", "deadline", on.GroupGone()])
    exits = [action for action in done if isinstance(action, on.Exit)]
    assert len(exits) == 1 and state.outcome is not None
    code, summary = conclude(before.policy, state.outcome, before.asked, before.reason)
    assert (exits[0].code, exits[0].summary) == (code, summary)
    if not before.asked and not before.policy.exits and not before.policy.remap and end.code:
        assert exits[0].code == end.code, "nobody asked: java's own code, unchanged"
