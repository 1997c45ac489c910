"""The lifecycle: what PID 1 does about each event, in each phase.

Here: the phases, the state, and the pure function `step(state, event) -> (state, actions)`. The rules,
before the code:

- Phases go forward only: preparing, waiting, starting, running, draining, stopping, killing, exited.
- TERM or INT asks for a stop. Before there is a child it ends us at once. With a child it climbs the
  stop ladder, rung by rung; a deadline or a second request during the drain moves to the next rung.
- A repeated request is passed on, but the ladder's deadlines keep running. Late deadlines are ignored.
- The rung `leave` is for an application that was ready; without that it is left out. It is over when its
  errand is done, when its time is over, or when a stop is asked for again.
- We may ask for a stop ourselves: that counts as a TERM to a child, unless somebody was faster.
- Every other signal is passed on to the child as it came. Without a child it has no one to reach.
- When the child ends, what it left behind gets TERM, a short wait, then KILL; when all is gone, so
  are we. There is no fixed sleep.
"""

from __future__ import annotations

from entrypoint.errors import EXIT_SIGNAL_BASE
from entrypoint.lifecycle import signals
from entrypoint.lifecycle.events import (
    BecameReady,
    ChangePhase,
    ChildExited,
    DeadlineReached,
    Diagnose,
    DumpThreads,
    EndErrand,
    ErrandDone,
    Exit,
    GatesFailed,
    GatesPassed,
    GroupGone,
    Prepared,
    PrepareEnded,
    PrepareFailed,
    Replanned,
    RunErrand,
    SetDeadline,
    SignalChild,
    SignalReceived,
    Spawn,
    Spawned,
    SpawnFailed,
    StopPreparing,
    StopRequested,
    SweepStragglers,
)
from entrypoint.lifecycle.health import PHASES
from entrypoint.lifecycle.policy import Policy
from entrypoint.lifecycle.report import Outcome, conclude
from entrypoint.records import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.lifecycle.events import Action, Event

STOP_REQUESTS = (signals.TERM, signals.INT)
STRAGGLERS_WAIT = 2.0
KILL_WAIT = 1.0
RESUME_SECONDS = 120.0


@record
class State:
    """Where we are: immutable, made anew by every step."""

    phase: str = "preparing"
    policy: Policy = Policy()
    child: int | None = None
    asked: int = 0
    """The signal that asked for a stop, as it is passed on; 0 while nobody did."""
    reason: str = ""
    """Why we asked for it ourselves; "" where somebody else did."""
    ready: bool = False
    """Whether it ever was: only then there is something to say goodbye to."""
    rung: int = -1
    token: int = 0
    """The deadline that counts; events with another token are late."""
    outcome: Outcome | None = None
    """How the child ended, while we wait for what it left behind."""


def step(state: State, event: Event) -> tuple[State, tuple[Action, ...]]:
    """Return the next state and what to do now; total: every event is fine in every phase."""
    if state.phase == "exited":
        return state, ()
    match event:
        case (
            Prepared()
            | PrepareFailed()
            | PrepareEnded()
            | Replanned()
            | GatesPassed()
            | GatesFailed()
        ):
            return _preparation(state, event)
        case Spawned(pid):
            return (replace(state, child=pid), ()) if state.phase == "starting" else (state, ())
        case SpawnFailed(problem):
            return (
                _exit(state, problem.exit_code, problem.what)
                if state.child is None
                else (state, ())
            )
        case BecameReady():
            return _became_ready(state)
        case SignalReceived() | StopRequested():
            return _asked(state, event)
        case GroupGone() | ErrandDone():
            return _ended(state, event)
        case DeadlineReached(token):
            return _deadline(state) if token == state.token else (state, ())
        case ChildExited():
            return _child_exited(state, event) if state.child is not None else (state, ())


def _ended(state: State, event: GroupGone | ErrandDone) -> tuple[State, tuple[Action, ...]]:
    """Take the end of what is not the child: nothing waits for it any more."""
    if isinstance(event, GroupGone):
        return _conclude(state) if state.outcome else (state, ())
    left = event.errand == "leave" and _is_leaving(state)
    return _climb_on(state, "left") if left else (state, ())


def _preparation(state: State, event: Event) -> tuple[State, tuple[Action, ...]]:
    """What the helper tells counts only while we wait for it."""
    match state.phase, event:
        case "preparing", Prepared(launch):
            waits = bool(launch.gates or launch.registration)
            return _prepared(replace(state, policy=Policy.of(launch)), waits)
        case "waiting", Replanned(launch):
            return replace(state, policy=Policy.of(launch)), ()
        case (
            ("preparing" | "waiting"),
            (PrepareFailed(code, summary) | GatesFailed(code, summary)),
        ):
            return _exit(state, code, summary, StopPreparing())
        case "preparing", PrepareEnded(code):
            return _exit(state, code, "")
        case "waiting", GatesPassed():
            return _enter(state, "starting", "all gates passed", Spawn())
        case _:
            return state, ()


def _prepared(state: State, waits: bool) -> tuple[State, tuple[Action, ...]]:
    if waits:
        return _enter(state, "waiting", "prepared")
    return _enter(state, "starting", "prepared", Spawn())


def _became_ready(state: State) -> tuple[State, tuple[Action, ...]]:
    if state.phase != "starting" or state.child is None:
        return state, ()
    ready, actions = _enter(replace(state, ready=True), "running", "startup checks passed")
    if state.policy.stop_when_ready and not state.asked:
        ready, more = _climb(replace(ready, asked=signals.TERM), "ready, which was all")
        return ready, (*actions, *more)
    if state.policy.resumes and not state.asked:
        return ready, (*actions, RunErrand("resume", RESUME_SECONDS))
    return ready, actions


def _asked(state: State, event: SignalReceived | StopRequested) -> tuple[State, tuple[Action, ...]]:
    """Take what somebody asks for; our own reason counts as a TERM, but not over a stop under way."""
    if isinstance(event, SignalReceived):
        return _signal(state, event.number, event.sender)
    if state.asked or state.child is None:
        return state, ()
    return _signal(replace(state, reason=event.reason), signals.TERM, 0)


def _signal(state: State, number: int, sender: int) -> tuple[State, tuple[Action, ...]]:
    # A stop is one as whatever it is passed on: else nothing would bound it.
    asks = number in STOP_REQUESTS
    number = state.policy.rewritten(number)
    if number == 0:
        return state, ()
    asks = asks or number in STOP_REQUESTS
    if state.phase in {"preparing", "waiting"} or (state.child is None and not state.outcome):
        if asks:
            summary = f"{signals.name(number)} before the application was started: nothing to stop"
            code = 0 if state.policy.stop_is_success else EXIT_SIGNAL_BASE + number
            return _exit(state, code, summary, StopPreparing())
        return state, ()
    if state.child is None:
        return state, ()
    if asks and state.policy.stop:
        return _stop_requested(state, number, sender)
    if asks:
        state = replace(state, asked=state.asked or number)
    if number == signals.QUIT and state.policy.guards_quit:
        return state, (DumpThreads(),)
    return state, (SignalChild(number, state.policy.to_group),)


def _stop_requested(state: State, number: int, sender: int) -> tuple[State, tuple[Action, ...]]:
    if not state.asked:
        cause = state.reason or f"{signals.name(number)} from {sender or 'outside'}"
        return _climb(replace(state, asked=number), cause)
    if state.phase == "draining":
        return _climb(state, f"{signals.name(number)} again")
    return state, (SignalChild(number, state.policy.to_group),)


def _climb(state: State, cause: str) -> tuple[State, tuple[Action, ...]]:
    """Step on the next rung of the stop ladder, and end the errand of the one before it."""
    ending = (EndErrand(),) if _is_leaving(state) else ()
    state, actions = _climb_on(state, cause)
    return state, (*ending, *actions)


def _climb_on(state: State, cause: str) -> tuple[State, tuple[Action, ...]]:
    """Step on the next rung; past the last one the child cannot be ended."""
    rung = state.rung + 1
    if rung >= len(state.policy.stop):
        return _exit(
            state,
            EXIT_SIGNAL_BASE + signals.KILL,
            "the application outlived KILL (in a system call that cannot end)",
            SweepStragglers(signals.KILL),
        )
    step_ = state.policy.stop[rung]
    state = replace(state, rung=rung, token=state.token + 1)
    deadline = SetDeadline(state.token, step_.wait)
    if step_.action == "drain":
        if step_.wait <= 0:
            return _climb_on(state, cause)
        return _enter(state, "draining", cause, deadline)
    if step_.action == "leave":
        if not state.ready:
            return _climb_on(state, cause)
        # The errand last: one that cannot begin is done at once, and sets the next deadline.
        return _enter(state, "draining", cause, deadline, RunErrand("leave", step_.wait))
    if step_.action == "thread-dump":
        return _enter(state, "stopping", cause, Diagnose(step_.wait), deadline)
    number = signals.number(step_.action)
    if number == signals.KILL:
        signal, phase = SignalChild(signals.KILL), "killing"
    else:
        if number == signals.TERM and rung <= _first_signal(state.policy):
            number = state.asked
        signal, phase = SignalChild(number, state.policy.to_group), "stopping"
    state, actions = _enter(state, phase, cause, deadline)
    # Before it is told: that takes longer, and whoever asks sees the phase of the state.
    return state, (signal, *actions)


def _first_signal(policy: Policy) -> int:
    actions = [step_.action for step_ in policy.stop]
    return next(
        (i for i, action in enumerate(actions) if action not in {"drain", "leave", "thread-dump"}),
        -1,
    )


def _is_leaving(state: State) -> bool:
    """Tell whether the rung that we stand on is `leave`, and java is still there."""
    if state.child is None or not 0 <= state.rung < len(state.policy.stop):
        return False
    return state.policy.stop[state.rung].action == "leave"


def _deadline(state: State) -> tuple[State, tuple[Action, ...]]:
    if state.outcome is None:
        return _climb(state, "time is over") if state.asked else (state, ())
    if state.phase == "killing":
        return _conclude(state)
    state = replace(state, token=state.token + 1)
    deadline = SetDeadline(state.token, KILL_WAIT)
    return _enter(state, "killing", "stragglers", SweepStragglers(signals.KILL), deadline)


def _child_exited(state: State, event: ChildExited) -> tuple[State, tuple[Action, ...]]:
    killed = state.phase == "killing" and event.number == signals.KILL
    outcome = Outcome(event.code, event.number, event.oom_killed and not killed, killed)
    state = replace(state, child=None, outcome=outcome)
    if not event.stragglers:
        return _conclude(state)
    state = replace(state, token=state.token + 1)
    number = signals.KILL if state.phase == "killing" else signals.TERM
    wait = KILL_WAIT if state.phase == "killing" else STRAGGLERS_WAIT
    actions = (SweepStragglers(number), SetDeadline(state.token, wait))
    return _enter(state, "stopping", "child exited", *actions)


def _conclude(state: State) -> tuple[State, tuple[Action, ...]]:
    assert state.outcome is not None
    code, summary = conclude(state.policy, state.outcome, state.asked, state.reason)
    return _exit(state, code, summary)


def _exit(
    state: State, code: int, summary: str, *before: Action
) -> tuple[State, tuple[Action, ...]]:
    state, actions = _enter(state, "exited", summary)
    return state, (*before, *actions, Exit(code, summary))


def _enter(
    state: State, phase: str, cause: str, *actions: Action
) -> tuple[State, tuple[Action, ...]]:
    """Go to a phase, forward only: an earlier one leaves the phase as it is."""
    if PHASES.index(phase) <= PHASES.index(state.phase):
        return state, actions
    return replace(state, phase=phase), (ChangePhase(phase, cause), *actions)
