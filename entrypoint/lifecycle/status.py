"""The status, in words: what the page, the terminal and the JSON say, in one order.

Here: from a snapshot and the last hour to headline, timeline, gauges, checks and gates. Every text is
plain and on one line; colours, columns and escaping are for those who show it. No clock, no input or output.
"""

from __future__ import annotations

import time

from entrypoint.lifecycle import changes
from entrypoint.lifecycle.answers import taken, wrong_answers
from entrypoint.lifecycle.health import is_stale, readyz
from entrypoint.lifecycle.pressure import hang_text, thrash_text
from entrypoint.records import record
from entrypoint.values import format_duration, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final, Literal, TypeAlias

    from entrypoint.lifecycle.health import CheckStatus, GateStatus, Snapshot
    from entrypoint.lifecycle.history import JvmSample, Series
    from entrypoint.lifecycle.previous import Run

    Mark: TypeAlias = Literal["good", "bad", "wait"]

SIGNS: Final[Mapping[str, str]] = {"good": "✓", "bad": "✗", "wait": "…"}
"""What stands beside every word that also has a colour."""


@record
class Status:
    """All that is shown: `now` is monotonic, `time` Unix seconds; `series` ends at `now`."""

    snapshot: Snapshot
    host: str
    now: float
    time: float
    sample: JvmSample | None = None
    series: Mapping[str, Series] | None = None
    resolution: float = 10.0
    plan: str = ""
    remarks: tuple[str, ...] = ()


@record
class Headline:
    """`name   STATE   up 5h47m   restarts …`."""

    name: str
    state: str
    mark: Mark
    up: str
    restarts: str


@record
class Step:
    """A phase of the timeline: when it began, as a clock time in UTC, and how long it took so far."""

    phase: str
    began: str
    took: str
    current: bool


@record
class Row:
    """One check or gate: a sign, its name, a word, what it says, and since when.

    For a gate, which has no roles, `since` is how long was waited for it.
    """

    name: str
    target: str
    mark: Mark
    state: str
    says: str
    since: str
    roles: str = ""


def headline(status: Status) -> Headline:
    """Say who we are, how it is, for how long, and how often it was not."""
    snapshot = status.snapshot
    ready = readyz(snapshot, status.now).ok
    state = f"{snapshot.phase.upper()}, {'ready' if ready else 'not ready'}"
    mark: Mark = "good" if ready else "bad" if snapshot.phase in {"running", "exited"} else "wait"
    if snapshot.phase == "exited" and snapshot.exit is not None:
        state = f"EXITED with {snapshot.exit.child_code}"
    up = f"up {format_duration(max(0.0, status.now - snapshot.started_monotonic))}"
    restarts = "no restart of this container"
    if snapshot.restarts:
        restarts = f"restarts of this container {snapshot.restarts}"
        if snapshot.previous is not None:
            restarts += f" (last: {_short_end(snapshot.previous, status.time)})"
    return Headline(status.host, state, mark, up, restarts)


def last_death(status: Status) -> str:
    """Say how the run before this one ended, in full; "" where there was none."""
    run = status.snapshot.previous
    if run is None:
        return ""
    if run.ended is None or run.code is None:
        began = f"began {utc(run.began)}"
        return f"killed before it could say why, together with entrypoint ({began})"
    lasted = format_duration(max(0.0, run.ended - run.began))
    why = run.summary or f"exit {run.code}"
    return f"{why}, at {utc(run.ended)}, after {lasted} [exit {run.code}]"


def timeline(status: Status) -> tuple[Step, ...]:
    """Return the phases that were entered, in order."""
    history = status.snapshot.phase_history
    steps = []
    for index, (phase, began) in enumerate(history):
        current = index == len(history) - 1
        # The clock of the wall can be set back; the current phase has a better one.
        end = status.time if current else history[index + 1][1]
        took = status.now - status.snapshot.phase_since if current else end - began
        text = "" if current and phase == "exited" else format_duration(max(0.0, took))
        steps.append(Step(phase, utc(began)[11:], text, current))
    return tuple(steps)


def java(status: Status) -> str:
    """Return the name of what the gauges show: `java pid 42`."""
    pid = status.snapshot.child_pid
    if pid is None:
        ended = status.snapshot.phase == "exited"
        return "java has ended" if ended else "java is not started yet"
    return f"java pid {pid}" if status.snapshot.child_alive else f"java pid {pid} has ended"


def trouble(status: Status) -> str:
    """Say what keeps java from getting anywhere; "" where nothing is known to."""
    pressure = status.snapshot.pressure
    if pressure is None or not status.snapshot.child_alive:
        return ""
    found = (
        f"java thrashes: {thrash_text(pressure, status.now)}" if pressure.thrash.on else "",
        f"java hangs: {hang_text(pressure, status.now)}" if pressure.hang.on else "",
    )
    return "; ".join(one for one in found if one)


def span(status: Status) -> float:
    """Return the seconds that the graphs show."""
    points = max((len(values) for values in (status.series or {}).values()), default=0)
    return points * status.resolution


def span_words(status: Status) -> str:
    """Return what the graphs show, as people say it: `the last 10 minutes`, `the last hour`."""
    minutes = round(span(status) / 60)
    return "the last hour" if minutes == 60 else f"the last {minutes} minutes"


def checks(status: Status) -> tuple[Row, ...]:
    """Return the checks, the failed ones first, each with what it says and since when."""
    rows = [_check(one, status.now) for one in status.snapshot.checks]
    order = {"bad": 0, "wait": 1, "good": 2}
    return tuple(sorted(rows, key=lambda row: order[row.mark]))


def _check(check: CheckStatus, now: float) -> Row:
    roles = ", ".join(check.roles)
    since = format_duration(max(0.0, now - check.since))
    name, target = check.name, one_line(check.target)
    if check.ok is None or check.answered is None or check.seconds is None:
        return Row(name, target, "wait", "not asked yet", "", since, roles)
    if is_stale(check, now):
        silent = format_duration(now - check.answered)
        return Row(name, target, "bad", "silent", f"no answer for {silent}", silent, roles)
    if not check.failures_in_a_row:
        return Row(name, target, "good", "ok", taken(check.seconds), since, roles)
    says = wrong_answers(check, check.seconds)
    if check.ok:
        return Row(name, target, "wait", "ok for now", says, since, roles)
    return Row(name, target, "bad", "failed", says, since, roles)


def gates(status: Status) -> tuple[Row, ...]:
    """Return the gates, in the order in which they are asked."""
    return tuple(_gate(one) for one in status.snapshot.gates)


def _gate(gate: GateStatus) -> Row:
    took = format_duration(gate.seconds)
    attempts = f"{gate.attempts} attempt{'' if gate.attempts == 1 else 's'}"
    says = " ".join(part for part in (one_line(gate.detail), f"({attempts})") if part)
    target = one_line(gate.target)
    match gate.status:
        case "passed":
            return Row(gate.name, target, "good", "passed", attempts, took)
        case "timed-out":
            return Row(gate.name, target, "bad", "gave up", says, took)
        case _:
            return Row(gate.name, target, "wait", "waiting", says, took)


def config(status: Status) -> str:
    """Say how the configuration stands to what the plan was made of; "" while nobody has looked."""
    state = status.snapshot.config
    if state is None or not state.looked:
        return ""
    if not state.found:
        return "config unchanged since start"
    if not state.changes:
        return f"config unknown: {changes.words(state.unreadable)}"
    since = utc(min(one.since for one in state.changes))
    verdict = f"; no plan can be made of it: {one_line(state.verdict)}" if state.verdict else ""
    return f"config changed: {changes.words(state.changes)} since {since}{verdict}"


def counted(status: Status) -> tuple[tuple[str, str], ...]:
    """Return what is only ever counted up, as name and number; what is not known is left out."""
    counters = status.snapshot.counters
    sent = ", ".join(f"{name} {count}" for name, count in counters.signals_forwarded)
    pairs = [("orphans reaped", str(counters.orphans_reaped)), ("signals received", sent or "none")]
    if counters.oom_kills is not None:
        pairs.append(("OOM kills", str(counters.oom_kills)))
    return (*pairs, ("log lines dropped", str(counters.log_lines_dropped)))


def utc(seconds: float) -> str:
    """Return a Unix time as `2026-11-24 03:12:44Z`."""
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(seconds))


def _short_end(run: Run, now: float) -> str:
    if run.ended is None or run.code is None:
        return "killed together with entrypoint"
    how = f" {run.how}" if run.how else ""
    return f"exit {run.code}{how}, {format_duration(max(0.0, now - run.ended))} ago"
