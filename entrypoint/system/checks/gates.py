"""Waiting for what the application depends on, before java starts.

Here: all gates at once, each on its thread with back-off until it passes or its time is over, and
what is told meanwhile. Not here: what is done when a gate does not pass.
"""

from __future__ import annotations

import threading
import time
from queue import Empty, SimpleQueue

from entrypoint.errors import EXIT_DEPENDENCY, Problem
from entrypoint.records import record, replace
from entrypoint.system.checks.backoff import Backoff
from entrypoint.system.checks.run import Kept, run
from entrypoint.values import format_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final, Literal, TypeAlias

    from entrypoint.plan.model import CheckPlan
    from entrypoint.system.checks.result import CheckResult

    GateStatus: TypeAlias = Literal["waiting", "passed", "timed-out"]
    Ask: TypeAlias = Callable[[CheckPlan, Kept], CheckResult]

MILESTONES: Final = (1.0, 5.0, 15.0, 30.0)
"""Seconds after which a gate that still waits is told again; then every 30."""


@record
class GateProgress:
    """Where one gate stands: `detail` is the last answer, empty before the first."""

    name: str
    target: str
    status: GateStatus
    attempts: int = 0
    seconds: float = 0.0
    detail: str = ""


def run_gates(
    gates: Sequence[CheckPlan],
    report: Callable[[GateProgress], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
    ask: Ask = run,
) -> tuple[Problem, ...]:
    """Wait until every gate has passed or timed out; return a problem for each that timed out.

    `report` is called on the calling thread: for each gate at the start, when its answer changes, at
    the end, and while it waits after 1, 5, 15, 30 s and every 30 s. Ending the process ends the wait:
    the threads are daemons and nothing has to be cleaned up.
    """
    news: SimpleQueue[tuple[int, GateProgress]] = SimpleQueue()
    started = clock()
    latest = [GateProgress(gate.name, gate.target, "waiting") for gate in gates]
    for index, gate in enumerate(gates):
        report(latest[index])
        _start(index, gate, news, clock=clock, sleep=sleep, ask=ask)
    milestone = 0
    while any(progress.status == "waiting" for progress in latest):
        until = started + milestone_at(milestone) - clock()
        try:
            index, progress = news.get(timeout=max(0.0, until))
        except Empty:
            milestone += 1
            for progress in latest:
                if progress.status == "waiting":
                    report(replace(progress, seconds=clock() - started))
            continue
        if (progress.status, progress.detail) != (latest[index].status, latest[index].detail):
            report(progress)
        latest[index] = progress
    return tuple(
        timeout_problem(gate, progress)
        for gate, progress in zip(gates, latest, strict=True)
        if progress.status == "timed-out"
    )


def milestone_at(number: int) -> float:
    """Return the seconds of the n-th time that a waiting gate is told again."""
    if number < len(MILESTONES):
        return MILESTONES[number]
    return MILESTONES[-1] * (number - len(MILESTONES) + 2)


def wait_for_gate(
    gate: CheckPlan,
    tell: Callable[[GateProgress], None],
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], object],
    ask: Ask = run,
    seed: int | None = None,
) -> None:
    """Ask until the gate passes or its `at_most` is over; tell after every answer.

    It is asked once in any case, and nothing is waited for beyond `at_most`.
    """
    kept, backoff, started = Kept(), Backoff(seed=seed), clock()
    progress = GateProgress(gate.name, gate.target, "waiting")
    left = gate.at_most
    while progress.status == "waiting":
        timeout = min(gate.timeout, left) if left > 0 else gate.timeout
        result = ask(replace(gate, timeout=timeout), kept)
        progress = replace(
            progress,
            status="passed" if result.ok else "waiting",
            attempts=progress.attempts + 1,
            seconds=clock() - started,
            detail=result.detail,
        )
        if not result.ok:
            tell(progress)
            sleep(max(0.0, min(backoff.next(), gate.at_most - progress.seconds)))
            left = gate.at_most - (clock() - started)
            if left <= 0:
                progress = replace(progress, status="timed-out", seconds=clock() - started)
    kept.close()
    tell(progress)


def timeout_problem(gate: CheckPlan, progress: GateProgress) -> Problem:
    """Return the problem of a gate that did not pass: what, where, last answer, fix."""
    attempts = f"{progress.attempts} attempt{'s' if progress.attempts != 1 else ''}"
    return Problem(
        "gate-timeout",
        f'dependency "{gate.name}" did not come within {format_duration(gate.at_most)}: '
        f"{progress.detail or 'no answer'}",
        (
            ("where", f"gate {gate.name} ({gate.kind}), {gate.target}"),
            ("says", f"{progress.detail or 'nothing'} (last of {attempts})"),
            ("expected", _expected(gate)),
            ("fix", f"{_fix(gate, progress.detail)}; or wait longer: at-most of the gate"),
        ),
        EXIT_DEPENDENCY,
    )


def _start(
    index: int,
    gate: CheckPlan,
    news: SimpleQueue[tuple[int, GateProgress]],
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], object],
    ask: Ask,
) -> None:
    def wait() -> None:
        wait_for_gate(gate, lambda told: news.put((index, told)), clock=clock, sleep=sleep, ask=ask)

    threading.Thread(target=wait, name=f"gate-{gate.name}", daemon=True).start()


def _expected(gate: CheckPlan) -> str:
    match gate.kind, gate.argument("expect"):
        case "tcp", _:
            return "a connection is accepted"
        case "http", _:
            return f"status {gate.argument('status') or 200}"
        case "mysql", _:
            table = gate.argument("table")
            return "a login" + (f", and table {table}" if table else "")
        case "zookeeper", "absent":
            return f"{gate.argument('path')} is gone"
        case "zookeeper", _:
            path = gate.argument("path")
            return f"{path} is there" if path else "a server that serves requests"
        case _:
            return "the file is there, with what it should contain"


def _fix(gate: CheckPlan, detail: str) -> str:
    if gate.kind == "zookeeper" and gate.argument("expect") == "absent":
        return "stop whoever else runs with this identity"
    if "access denied" in detail:
        return "correct user and password, or grant the access"
    if "no table" in detail or "unknown database" in detail:
        return "create the database and load its schema"
    if "unknown host" in detail or "DNS" in detail:
        return f"correct the host name of {gate.target}"
    return f"bring {gate.target} up, or correct its address"
