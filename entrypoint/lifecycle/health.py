"""What the kubelet, Prometheus and the status page are told: our health as immutable values.

Here: the snapshot that the main loop publishes, how one answer changes a check, and the three
verdicts. No clock, no input or output: `now` is an argument, and so is every answer.
"""

from __future__ import annotations

from entrypoint.lifecycle.pressure import hang_text, thrash_text
from entrypoint.records import record, replace
from entrypoint.values import format_duration, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from entrypoint.lifecycle.changes import Configuration
    from entrypoint.lifecycle.pressure import Pressure
    from entrypoint.lifecycle.previous import Run

    GateResult: TypeAlias = Literal["waiting", "passed", "timed-out"]

PHASES = (
    "preparing", "waiting", "starting", "running", "draining", "stopping", "killing", "exited",
)  # fmt: skip
"""In the order of time: a phase is never entered twice and never left backwards."""

REGISTRATION = "registration"
"""The name under which a registration is shown, among the gates."""


@record
class CheckStatus:
    """What is known about one check.

    `ok` is None until the first answer. `seconds` is how long the last answer took; `answered` and
    `since` are monotonic times of the last answer and of the last change between ok and failed.
    With `stale_after` a readiness check without an answer for so long counts as failed.
    `no_since` is the monotonic time from which on the peer, which had said yes, says no without a
    break. With `lost_after` liveness fails when that has lasted so long, and for nothing else.
    """

    name: str
    target: str
    roles: tuple[str, ...]
    threshold: int
    ok: bool | None = None
    detail: str = ""
    seconds: float | None = None
    since: float = 0.0
    answered: float | None = None
    failures_in_a_row: int = 0
    runs: int = 0
    failed_runs: int = 0
    changes: int = 0
    passed_once: bool = False
    stale_after: float | None = None
    no_since: float | None = None
    lost_after: float | None = None


@record
class GateStatus:
    """What is known about one gate; `seconds` is the time spent waiting so far."""

    name: str
    target: str
    status: GateResult = "waiting"
    attempts: int = 0
    seconds: float = 0.0
    detail: str = ""
    registers: bool = False
    """Whether it is our registration, not a dependency that is waited for."""


@record
class ExitInfo:
    """How the child ended: its own code (128+n for a signal), what we answer, and why in one line."""

    child_code: int
    answer: int
    cause: str


@record
class Counters:
    """What is only ever counted up; `oom_kills` is None where the kernel does not tell."""

    signals_forwarded: tuple[tuple[str, int], ...] = ()
    orphans_reaped: int = 0
    log_lines_dropped: int = 0
    oom_kills: int | None = None


@record
class Snapshot:
    """Everything about us at one moment, published whole by the main loop and read by any thread.

    `phase_since` and `started_monotonic` are monotonic seconds, `started` and the times in
    `phase_history` Unix seconds. `name` is the profile's, `digest` the plan's. `child_alive` is
    false for a zombie. `stop_seconds` is the time the stop has taken, once one was asked for.
    `grace_seconds` is what the pod is said to have for it. `previous` is the run of this container
    before this one, `restarts` how many there were.
    """

    phase: str
    phase_since: float
    phase_history: tuple[tuple[str, float], ...]
    name: str
    digest: str
    version: str
    started: float
    started_monotonic: float
    child_pid: int | None = None
    child_alive: bool = False
    checks: tuple[CheckStatus, ...] = ()
    gates: tuple[GateStatus, ...] = ()
    counters: Counters = Counters()
    stop_seconds: float | None = None
    grace_seconds: float | None = None
    exit: ExitInfo | None = None
    restarts: int = 0
    previous: Run | None = None
    pressure: Pressure | None = None
    """How java gets on, from its samples; None while it is not watched."""
    fails_on_thrash: bool = False
    config: Configuration | None = None
    """How the files stand that the plan was made of; None while nobody looks."""


@record
class Item:
    """One line of a verdict: `[+]name text` when ok, `[-]name text` when not."""

    name: str
    ok: bool
    text: str


@record
class Verdict:
    """The answer to one probe: ok when every item is."""

    ok: bool
    items: tuple[Item, ...]


def observe(
    status: CheckStatus,
    result_ok: bool,
    detail: str,
    seconds: float,
    now: float,
    *,
    said_no: bool = False,
) -> CheckStatus:
    """Return the status after one more answer; `said_no` when the peer itself answered with no.

    A check that once passed fails after `threshold` wrong answers in a row, so that one lost packet
    does not take a pod out of its Service. A check that never passed has failed until it passes.
    """
    failures = 0 if result_ok else status.failures_in_a_row + 1
    ok = result_ok or (status.ok is True and failures < status.threshold)
    changed = ok is not status.ok
    return replace(
        status,
        ok=ok,
        detail=detail,
        seconds=seconds,
        since=now if changed else status.since,
        answered=now,
        failures_in_a_row=failures,
        runs=status.runs + 1,
        failed_runs=status.failed_runs + (not result_ok),
        changes=status.changes + (changed and status.ok is not None),
        passed_once=status.passed_once or result_ok,
        no_since=_no_since(status, now) if said_no else None,
    )


def _no_since(status: CheckStatus, now: float) -> float | None:
    """Return since when the peer says no, which it does now: what was never there cannot be lost.

    After a time in which nobody could ask (a frozen container) it begins anew: java was frozen too.
    """
    if status.no_since is None or is_stale(status, now):
        return now if status.passed_once else None
    return status.no_since


def startupz(snapshot: Snapshot, now: float) -> Verdict:
    """Say whether the application has started: ok for good once it has been running.

    While it starts, the startup checks are listed too, so that the reader sees what is missing.
    """
    started = has_reached(snapshot, "running")
    items = [Item("phase", started, snapshot.phase)]
    if not started:
        items += _check_items(snapshot, "startup", now)
    return _verdict(items)


def readyz(snapshot: Snapshot, now: float) -> Verdict:
    """Say whether requests may come: running, with a live child, and every readiness check ok."""
    items = [Item("phase", snapshot.phase == "running", snapshot.phase)]
    if snapshot.phase == "waiting":
        items += [_gate_item(gate) for gate in snapshot.gates if gate.status != "passed"]
    if snapshot.phase == "running" and not snapshot.child_alive:
        items.append(_child_item(snapshot))
    items += _check_items(snapshot, "readiness", now)
    return _verdict(items)


def livez(snapshot: Snapshot, now: float) -> Verdict:
    """Say whether a restart would help: the child is gone, or a liveness check has failed.

    Never because of a gate: a dependency that is away would restart every pod at once. Never while
    preparing, waiting or stopping: a restart then only throws away the work. Liveness checks count
    in phase running alone, and only after `threshold` wrong answers, even when they never passed. Those
    with `lost_after` fail when what was there is lost: a peer that does not answer denies nothing.
    """
    items = [Item("phase", True, snapshot.phase)]
    if snapshot.phase in {"starting", "running"}:
        items.append(_child_item(snapshot))
    if snapshot.phase == "running":
        items += [
            _liveness_item(status, now) for status in snapshot.checks if "liveness" in status.roles
        ]
        items += _pressure_items(snapshot, now)
    return _verdict(items)


def _liveness_item(status: CheckStatus, now: float) -> Item:
    if status.lost_after is None:
        failed = status.ok is False and status.failures_in_a_row >= status.threshold
        return Item(status.name, not failed, _check_text(status, now))
    text = _check_text(status, now)
    if status.failures_in_a_row:
        detail = one_line(status.detail) or "no answer"
        text = f"{'cannot tell' if status.passed_once else 'never passed'}: {detail}"
        if status.no_since is not None and status.answered is not None:
            gone = format_duration(status.answered - status.no_since)
            text = f"{detail} for {gone}, lost after {format_duration(status.lost_after)}"
    return Item(status.name, not is_lost(status), text)


def is_lost(status: CheckStatus) -> bool:
    """Say whether what was there has been denied for so long that it will not come back by itself."""
    if status.lost_after is None or status.no_since is None or status.answered is None:
        return False
    return status.answered - status.no_since >= status.lost_after


def _pressure_items(snapshot: Snapshot, now: float) -> list[Item]:
    """Return whether java thrashes or hangs, where the plan makes that a matter of liveness."""
    pressure = snapshot.pressure
    if pressure is None or not snapshot.fails_on_thrash:
        return []
    return [
        Item("thrashing", not pressure.thrash.on, thrash_text(pressure, now)),
        Item("hung", not pressure.hang.on, hang_text(pressure, now)),
    ]


def has_reached(snapshot: Snapshot, phase: str) -> bool:
    """Say whether a phase is or was entered: phases may be skipped, so the order is not enough."""
    return snapshot.phase == phase or any(name == phase for name, _ in snapshot.phase_history)


def _verdict(items: list[Item]) -> Verdict:
    return Verdict(all(item.ok for item in items), tuple(items))


def _child_item(snapshot: Snapshot) -> Item:
    if snapshot.child_pid is None:
        return Item("child", snapshot.phase == "starting", "not there")
    if not snapshot.child_alive:
        return Item("child", False, f"pid {snapshot.child_pid} has ended")
    return Item("child", True, f"pid {snapshot.child_pid}")


def _gate_item(gate: GateStatus) -> Item:
    doing = "registering" if gate.registers else "waiting"
    says = f": {one_line(gate.detail)}" if gate.detail else ""
    return Item(gate.name, False, f"{doing} for {format_duration(gate.seconds)}{says}")


def _check_items(snapshot: Snapshot, role: str, now: float) -> list[Item]:
    return [
        Item(status.name, status.ok is True and not is_stale(status, now), _check_text(status, now))
        for status in snapshot.checks
        if role in status.roles
    ]


def is_stale(status: CheckStatus, now: float) -> bool:
    """Say whether a check has not been answered for so long that its last answer is worth nothing."""
    if status.stale_after is None or status.answered is None:
        return False
    return now - status.answered > status.stale_after


def _check_text(status: CheckStatus, now: float) -> str:
    from entrypoint.lifecycle.answers import taken, wrong_answers  # noqa: PLC0415 - java is first

    if status.ok is None or status.seconds is None or status.answered is None:
        return "not asked yet"
    if is_stale(status, now):
        return f"no answer for {format_duration(now - status.answered)}"
    if not status.failures_in_a_row:
        return f"ok {taken(status.seconds)}"
    if status.ok:
        return f"ok for now: {wrong_answers(status, status.seconds)}"
    since = format_duration(max(0.0, now - status.since))
    return f"failed: {wrong_answers(status, status.seconds)}, since {since}"
