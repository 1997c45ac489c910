"""The lifecycle walked exhaustively: every sequence of events up to a bound, every invariant at each step.

The walk visits every reachable (state, history) once: states that were seen before with the same remaining
depth are not walked again, so that the bound is deep enough for a whole stop ladder with stragglers.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from entrypoint.errors import Problem
from entrypoint.lifecycle import events as on
from entrypoint.lifecycle import signals
from entrypoint.lifecycle.health import PHASES
from entrypoint.lifecycle.machine import State, step
from entrypoint.lifecycle.policy import Policy
from entrypoint.plan.model import CheckPlan, ExitRule, Launch, Registration, StopStep
from entrypoint.records import replace

GATE = CheckPlan("db", "tcp", "db:1", (("address", "db:1"),), ("gate",))
OTTER = Registration("otter", "http://manager:8080", (), ("nid",), ("nid",), resumes=True)
LADDER = (
    StopStep("drain", 5),
    StopStep("TERM", 20),
    StopStep("thread-dump", 2),
    StopStep("KILL", 1),
)
PID = 42


LEAVE = StopStep("leave", 3)


def launch(
    *, gates: bool = True, drain: bool = True, registers: bool = False, **more: object
) -> Launch:
    if registers:
        more = {"registration": OTTER, **more}
    ladder = LADDER if drain else LADDER[1:]
    return Launch(
        name="app",
        digest="0",
        executable="/bin/java",
        argv=("java",),
        cwd="/",
        environment=(),
        gates=(GATE,) if gates else (),
        stop=(*ladder[:-3], LEAVE, *ladder[-3:]) if registers else ladder,
        **more,  # type: ignore[arg-type]
    )


def events_for(state: State) -> Iterator[on.Event]:
    """Everything that may happen now, and much that should not: `step` is total."""
    yield on.Prepared(launch())
    yield on.Prepared(launch(gates=False, drain=False))
    yield on.Prepared(launch(gates=False, registers=True))
    yield on.Replanned(launch(registers=True, drain=False))
    yield on.PrepareFailed(78, "wrong")
    yield on.PrepareEnded(0)
    yield on.GatesPassed()
    yield on.GatesFailed(69, "db")
    yield on.Spawned(PID)
    yield on.SpawnFailed(Problem("x", "y", exit_code=127))
    yield on.BecameReady()
    for number in (signals.TERM, signals.INT, signals.HUP, signals.QUIT, 10):
        yield on.SignalReceived(number, 0)
    for code, number in ((0, 0), (1, 0), (143, 0), (None, 9), (None, 15)):
        yield on.ChildExited(code, number, stragglers=False)
        yield on.ChildExited(code, number, stragglers=True)
    yield on.GroupGone()
    yield on.ErrandDone("leave")
    yield on.ErrandDone("resume")
    yield on.StopRequested("configuration changed: /a changed")
    for token in {0, state.token, state.token - 1}:
        yield on.DeadlineReached(token)


def check(  # noqa: PLR0912 - one invariant a line
    before: State, event: on.Event, after: State, actions: tuple[on.Action, ...]
) -> None:
    kinds = [type(action) for action in actions]
    assert PHASES.index(after.phase) >= PHASES.index(before.phase), "phases go forward only"
    if before.phase == "exited":
        assert not actions and after == before, "nothing happens after the end"
        return
    assert kinds.count(on.Exit) == (after.phase == "exited"), "one exit, at the end"
    if on.Exit in kinds:
        assert kinds[-1] is on.Exit, "the end comes last"
    if on.Spawn in kinds:
        assert before.phase in {"preparing", "waiting"}, "java is spawned once"
        assert after.phase == "starting"
    for action in actions:
        match action:
            case on.SignalChild() | on.DumpThreads() | on.Diagnose():
                assert before.child is not None, "no signal to a pid that was reaped"
            case on.SetDeadline(token, seconds):
                assert token == after.token, "the deadline that is set is the one that counts"
                assert seconds > 0
            case on.RunErrand(errand, seconds):
                assert before.child is not None and seconds > 0
                assert kinds[-1] is on.RunErrand, "it may be done at once: nothing comes after it"
                assert after.ready, "who was never ready has nothing to say goodbye to"
                assert (errand == "leave") == bool(after.asked), "resume is for who stays"
            case on.EndErrand():
                assert before.asked, "an errand is only ended for a stop"
            case on.SweepStragglers():
                outlived = before.child is not None and after.phase == "exited"
                assert outlived or (after.child is None and after.outcome is not None)
            case _:
                pass
    if before.asked:
        assert after.asked == before.asked, "who asked first stays"
        assert after.reason == before.reason, "and so does why"
    if after.reason:
        assert after.asked == signals.TERM, "a reason of ours is one for a stop"
    if isinstance(event, on.SignalReceived) and before.child is not None:
        told = {on.SignalChild, on.DumpThreads, on.Diagnose, on.SetDeadline} & set(kinds)
        if isinstance(event, on.SignalReceived) and event.number in (signals.TERM, signals.INT):
            assert after.rung > before.rung or on.SignalChild in kinds
        assert told, "every signal reaches the child, or climbs the ladder"
    if after.phase in {"draining", "killing"} and after.phase != before.phase:
        assert on.SetDeadline in kinds, "no phase of the stop lasts for ever"


def walk(depth: int) -> int:
    seen: dict[State, int] = {}
    steps = 0
    frontier = [(State(), depth)]
    while frontier:
        state, left = frontier.pop()
        if left == 0 or seen.get(state, 0) >= left:
            continue
        seen[state] = left
        for event in events_for(state):
            after, actions = step(state, event)
            check(state, event, after, actions)
            assert step(state, event) == (after, actions), "the same input, the same decision"
            steps += 1
            frontier.append((after, left - 1))
    return steps


def test_every_history_up_to_ten_events_keeps_the_invariants() -> None:
    assert walk(10) > 10_000


def drive(state: State, *events: on.Event) -> tuple[State, list[on.Action]]:
    done: list[on.Action] = []
    for event in events:
        state, actions = step(state, event)
        done.extend(actions)
    return state, done


def running(**more: object) -> State:
    state, _ = drive(
        State(),
        on.Prepared(launch(gates=False, **more)),  # type: ignore[arg-type]
        on.Spawned(PID),
        on.BecameReady(),
    )
    assert state.phase == "running"
    return state


TERM = on.SignalReceived(signals.TERM, 0)


def test_the_ladder_is_climbed_rung_by_rung() -> None:
    state, actions = drive(running(), TERM)
    assert state.phase == "draining"
    assert actions == [on.ChangePhase("draining", "SIGTERM from outside"), on.SetDeadline(1, 5)]
    state, actions = drive(state, on.DeadlineReached(1))
    # It is sent before it is told.
    told = on.ChangePhase("stopping", "time is over")
    assert actions == [on.SignalChild(signals.TERM, True), told, on.SetDeadline(2, 20)]
    state, actions = drive(state, on.DeadlineReached(2))
    assert actions == [on.Diagnose(2), on.SetDeadline(3, 2)]
    state, actions = drive(state, on.DeadlineReached(3))
    assert state.phase == "killing"
    told = on.ChangePhase("killing", "time is over")
    assert actions == [on.SignalChild(signals.KILL), told, on.SetDeadline(4, 1)]
    state, actions = drive(state, on.ChildExited(None, signals.KILL))
    assert actions[-1] == on.Exit(137, "java did not stop in time and was killed (137)")


def test_a_stop_that_we_ask_for_climbs_the_same_ladder_and_says_why() -> None:
    ours = on.StopRequested("configuration changed: /a")
    state, actions = drive(running(), ours)
    assert actions[0] == on.ChangePhase("draining", "configuration changed: /a")
    state, actions = drive(state, TERM)
    assert on.SignalChild(signals.TERM, True) in actions
    _, actions = drive(state, on.ChildExited(143))
    says = "java exited with 143 after SIGTERM (configuration changed: /a)"
    assert actions[-1] == on.Exit(0, says)


def test_a_stop_that_we_ask_for_too_late_or_too_early_is_nobodys() -> None:
    ours = on.StopRequested("configuration changed: /a")
    asked, _ = drive(running(), TERM)
    assert step(asked, ours) == (asked, ())
    for state in (State(), drive(State(), on.Prepared(launch()))[0]):
        assert step(state, ours) == (state, ())


def test_a_child_that_kill_cannot_end_does_not_keep_us() -> None:
    state, _ = drive(running(drain=False), TERM)
    for token in (1, 2, 3):
        state, actions = drive(state, on.DeadlineReached(token))
    assert isinstance(actions[-1], on.Exit) and actions[-1].code == 137


def test_a_child_that_ends_by_itself_as_the_kill_comes_was_not_killed() -> None:
    state, _ = drive(running(drain=False), TERM)
    for token in (1, 2):
        state, _ = drive(state, on.DeadlineReached(token))
    assert state.phase == "killing"
    _, actions = drive(state, on.ChildExited(143))
    assert actions[-1] == on.Exit(0, "java exited with 143 after SIGTERM")
    _, actions = drive(state, on.ChildExited(None, signals.KILL, oom_killed=True))
    assert actions[-1] == on.Exit(137, "java did not stop in time and was killed (137)")


def test_a_second_term_skips_the_drain_and_keeps_later_deadlines() -> None:
    state, actions = drive(running(), TERM, TERM)
    assert state.phase == "stopping" and on.SignalChild(signals.TERM, True) in actions
    token = state.token
    state, actions = drive(state, TERM)
    assert actions == [on.SignalChild(signals.TERM, True)] and state.token == token


def test_a_late_deadline_is_ignored() -> None:
    state, _ = drive(running(), TERM, TERM)
    assert drive(state, on.DeadlineReached(1)) == (state, [])


def test_int_asks_for_a_stop_and_is_what_the_child_gets() -> None:
    _, actions = drive(running(drain=False), on.SignalReceived(signals.INT, 7))
    assert on.SignalChild(signals.INT, True) in actions


@pytest.mark.parametrize("phase_events", [(), (on.Prepared(launch()),)])
def test_a_stop_before_the_start_ends_at_once(phase_events: tuple[on.Event, ...]) -> None:
    state, actions = drive(State(), *phase_events, TERM)
    assert state.phase == "exited"
    assert on.StopPreparing() in actions
    assert isinstance(actions[-1], on.Exit) and actions[-1].code == 0
    assert "before the application was started" in actions[-1].summary


def test_what_the_child_left_behind_gets_term_then_kill() -> None:
    state, actions = drive(running(), on.ChildExited(1, stragglers=True))
    assert on.SweepStragglers(signals.TERM) in actions and state.phase == "stopping"
    state, actions = drive(state, on.DeadlineReached(state.token))
    assert on.SweepStragglers(signals.KILL) in actions
    state, actions = drive(state, on.GroupGone())
    assert actions[-1] == on.Exit(1, "java exited with 1")


def test_we_end_as_soon_as_the_last_straggler_is_gone() -> None:
    state, _ = drive(running(), on.ChildExited(1, stragglers=True))
    _, actions = drive(state, on.GroupGone())
    assert isinstance(actions[-1], on.Exit)


@pytest.mark.parametrize(
    ("asked", "ended", "code"),
    [
        ((), on.ChildExited(0), 70),
        ((), on.ChildExited(1), 1),
        ((), on.ChildExited(143), 143),
        ((), on.ChildExited(None, signals.KILL), 137),
        ((), on.ChildExited(None, 11), 139),
        ((TERM,), on.ChildExited(0), 0),
        ((TERM,), on.ChildExited(143), 0),
        ((TERM,), on.ChildExited(None, signals.TERM), 0),
        ((TERM,), on.ChildExited(1), 1),
        ((TERM,), on.ChildExited(None, signals.KILL), 137),
        ((on.SignalReceived(signals.INT, 0),), on.ChildExited(130), 0),
    ],
)
def test_the_exit_code_is_the_truth(
    asked: tuple[on.Event, ...], ended: on.Event, code: int
) -> None:
    _, actions = drive(running(drain=False), *asked, ended)
    assert isinstance(actions[-1], on.Exit) and actions[-1].code == code


def test_an_exit_rule_of_the_profile_gives_meaning_and_answer() -> None:
    state = running(exits=(ExitRule(3, "ran out of memory", 1),))
    _, actions = drive(state, on.ChildExited(3))
    assert actions[-1] == on.Exit(1, "java exited with 3: ran out of memory")


def test_a_batch_job_may_exit_0() -> None:
    _, actions = drive(running(expects_exit=True), on.ChildExited(0))
    assert isinstance(actions[-1], on.Exit) and actions[-1].code == 0


def test_an_oom_kill_is_told_from_a_plain_kill() -> None:
    _, actions = drive(running(), on.ChildExited(None, signals.KILL, oom_killed=True))
    assert actions[-1] == on.Exit(137, "java was killed by the kernel: out of memory (137)")


def test_quit_for_a_jvm_becomes_a_guarded_thread_dump() -> None:
    _, actions = drive(running(), on.SignalReceived(signals.QUIT, 0))
    assert actions == [on.DumpThreads()]


def test_plain_mode_passes_signals_on_and_rewrites_them() -> None:
    policy = Policy(
        stop=(), guards_quit=False, rewrite=((15, 3), (1, 0)), to_group=False, expects_exit=True
    )
    state = State("starting", policy, child=PID)
    assert drive(state, TERM)[1] == [on.SignalChild(3, False)]
    assert drive(state, on.SignalReceived(1, 0))[1] == []


@pytest.mark.parametrize("pair", [(signals.TERM, signals.QUIT), (signals.HUP, signals.TERM)])
def test_a_stop_is_bounded_as_whatever_it_is_passed_on(pair: tuple[int, int]) -> None:
    policy = Policy(stop=(StopStep("TERM", 5), StopStep("KILL", 1)), rewrite=(pair,))
    state, actions = drive(State("starting", policy, child=PID), on.SignalReceived(pair[0], 0))
    assert on.SignalChild(pair[1], True) in actions and on.SetDeadline(state.token, 5) in actions
    assert on.SignalChild(signals.KILL) in drive(state, on.DeadlineReached(state.token))[1]


def registered(**more: object) -> State:
    state, actions = drive(State(), on.Prepared(launch(gates=False, registers=True)))
    assert state.phase == "waiting" and on.Spawn() not in actions, "without gates too"
    state, _ = drive(
        state,
        on.Replanned(launch(gates=False, registers=True, **more)),  # type: ignore[arg-type]
        on.GatesPassed(),
        on.Spawned(PID),
    )
    assert state.phase == "starting"
    return state


def test_a_registration_is_waited_for_and_its_plan_is_the_one_that_counts() -> None:
    state = registered(exits=(ExitRule(3, "as replanned"),))
    _, actions = drive(state, on.ChildExited(3))
    assert actions[-1] == on.Exit(3, "java exited with 3: as replanned")


def test_a_plan_that_comes_after_the_start_changes_nothing() -> None:
    state, _ = drive(registered(), on.BecameReady())
    assert drive(state, on.Replanned(launch())) == (state, [])


def test_what_ran_is_sent_for_when_ready_and_only_where_that_is_wanted() -> None:
    _, actions = drive(registered(), on.BecameReady())
    assert on.RunErrand("resume", 120.0) in actions
    other = registered(registration=replace(OTTER, resumes=False))
    _, actions = drive(other, on.BecameReady())
    assert not [one for one in actions if isinstance(one, on.RunErrand)]
    asked, _ = drive(registered(), TERM)
    _, actions = drive(asked, on.BecameReady())
    assert on.RunErrand("resume", 120.0) not in actions


def leaving() -> State:
    state, _ = drive(registered(), on.BecameReady(), TERM)
    state, actions = drive(state, on.DeadlineReached(state.token))
    assert on.RunErrand("leave", 3) in actions and state.phase == "draining"
    return state


def test_term_comes_as_soon_as_we_have_left() -> None:
    state, actions = drive(leaving(), on.ErrandDone("leave"))
    assert state.phase == "stopping" and on.SignalChild(signals.TERM, True) in actions
    assert on.EndErrand() not in actions


@pytest.mark.parametrize("event", ["deadline", "term"])
def test_leaving_is_cut_short_by_its_deadline_and_by_a_second_term(event: str) -> None:
    state = leaving()
    done = on.DeadlineReached(state.token) if event == "deadline" else TERM
    state, actions = drive(state, done)
    assert state.phase == "stopping"
    assert actions[0] == on.EndErrand() and on.SignalChild(signals.TERM, True) in actions
    assert drive(state, on.ErrandDone("leave")) == (state, []), "its end is no news by then"


def test_the_end_of_another_errand_is_not_the_end_of_leaving() -> None:
    state = leaving()
    assert drive(state, on.ErrandDone("resume")) == (state, [])


def test_a_child_that_ends_while_we_leave_is_not_waited_for() -> None:
    _, actions = drive(leaving(), on.ChildExited(143))
    assert actions[-1] == on.Exit(0, "java exited with 143 after SIGTERM")


def test_who_was_never_ready_does_not_leave() -> None:
    """What is remembered is from the stop before: it must not be overwritten."""
    state, _ = drive(registered(), TERM)
    state, actions = drive(state, on.DeadlineReached(state.token))
    assert on.SignalChild(signals.TERM, True) in actions
    assert not [one for one in actions if isinstance(one, on.RunErrand)]
