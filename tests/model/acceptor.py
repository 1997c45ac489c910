"""Whether a run that really took place is one that the pure lifecycle allows, and with the same end.

What is seen of a run from outside is little: the phases and their causes, the exit code, and the one line
of the termination message. `explain` searches for a history of events that makes `lifecycle.machine.step`
say just that: each change of phase in its order, and at the end the same code and the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from entrypoint.errors import Problem
from entrypoint.lifecycle import events as on
from entrypoint.lifecycle import signals
from entrypoint.lifecycle.machine import State, step
from entrypoint.plan.model import Launch

PID = 42
_PHASE = re.compile(r'\bPhase changed from=\S+ to=(\S+) cause=("(?:[^"\\]|\\.)*"|\S+)')
_MESSAGE = re.compile(r"entrypoint: (.*) \[exit (\d+)\]\n", re.DOTALL)


@dataclass(frozen=True)
class Seen:
    """What was seen of a run; `phases` is None where its log could not be read."""

    code: int
    summary: str
    phases: tuple[tuple[str, str], ...] | None
    launch: Launch | None = None
    """What a profile's helper comes to, where it comes to something."""
    signals: frozenset[int] = frozenset()
    """What was sent to us."""
    senders: tuple[int, ...] = (0,)
    fates: frozenset[tuple[int | None, int]] = frozenset()
    """How the application may have ended by itself: exit code, or None and a signal."""
    out_of_memory: bool = False
    fails: bool = False
    """Whether the preparation, a gate or the spawn may have failed."""
    gates_pass: bool = True


def phases(log: str) -> tuple[tuple[str, str], ...]:
    """Return the phases that a log tells of, each with its cause."""
    return tuple(
        (phase, cause.strip('"').replace('\\"', '"')) for phase, cause in _PHASE.findall(log)
    )


def ending(message: str) -> tuple[str, int] | None:
    """Return summary and exit code of a termination message; None where it is none."""
    found = _MESSAGE.match(message)
    return (found[1], int(found[2])) if found else None


def explain(start: State, seen: Seen) -> str:
    """Return "" where a history leads from this state to what was seen, else how far one leads."""
    known = {(start, 0)}
    frontier = [(start, 0)]
    furthest = 0
    ends: set[tuple[int, str]] = set()
    while frontier:
        state, index = frontier.pop()
        for event in _events(state, seen):
            after, actions = step(state, event)
            matched = _match(actions, seen, index)
            if matched is None:
                continue
            if after.phase == "exited":
                end = next(a for a in actions if isinstance(a, on.Exit))
                if seen.phases is not None and matched < len(seen.phases):
                    continue
                if (end.code, end.summary) == (seen.code, seen.summary):
                    return ""
                ends.add((end.code, end.summary))
                continue
            furthest = max(furthest, matched)
            if (after, matched) not in known:
                known.add((after, matched))
                frontier.append((after, matched))
    if seen.phases is not None and furthest < len(seen.phases):
        return f"no history leads to phase {seen.phases[furthest]} after {seen.phases[:furthest]}"
    allowed = ", ".join(f"{code} {summary!r}" for code, summary in sorted(ends)) or "no end at all"
    return f"ended with {seen.code} {seen.summary!r}; the model allows: {allowed}"


def _match(actions: tuple[on.Action, ...], seen: Seen, index: int) -> int | None:
    """Return how many of the seen phases are accounted for after these actions; None for a contradiction."""
    if seen.phases is None:
        return index
    for action in actions:
        if isinstance(action, on.ChangePhase) and action.phase != "exited":
            if seen.phases[index : index + 1] != ((action.phase, action.cause),):
                return None
            index += 1
    return index


def _events(state: State, seen: Seen) -> Iterator[on.Event]:
    """Yield what may happen in this state, by what is known of the run."""
    if state.phase in {"preparing", "waiting"}:
        yield from _preparation(seen)
    if state.phase == "starting" and state.child is None:
        yield on.Spawned(PID)
        if seen.fails:
            yield on.SpawnFailed(Problem("any", seen.summary, exit_code=seen.code))
    if state.phase == "starting" and state.policy.stop:
        yield on.BecameReady()
    for number in seen.signals:
        for sender in seen.senders:
            yield on.SignalReceived(number, sender)
    if state.token:
        yield on.DeadlineReached(state.token)
    if state.child is not None:
        yield from _ends(state, seen)
    if state.outcome is not None:
        yield on.GroupGone()


def _preparation(seen: Seen) -> Iterator[on.Event]:
    if seen.launch is not None:
        yield on.Prepared(seen.launch)
        if seen.gates_pass:
            yield on.GatesPassed()
    if seen.fails:
        yield on.PrepareFailed(seen.code, seen.summary)


def _ends(state: State, seen: Seen) -> Iterator[on.Event]:
    fates = seen.fates | ({(None, signals.KILL)} if state.phase == "killing" else set())
    for code, number in fates:
        killed = number == signals.KILL and seen.out_of_memory
        for left in (False, True):
            yield on.ChildExited(code, number, oom_killed=killed, stragglers=left)
