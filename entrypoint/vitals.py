"""The live picture of this run: phase, checks, gates and counters, as snapshots.

Here: the one place where check results and phase changes meet, and what is logged about them. The
main loop, the check threads and the HTTP thread all come here; the lock is held for microseconds.
"""

from __future__ import annotations

import threading
import time

from entrypoint import __version__
from entrypoint.lifecycle.events import BecameReady
from entrypoint.lifecycle.health import (
    REGISTRATION,
    CheckStatus,
    Counters,
    ExitInfo,
    GateStatus,
    Snapshot,
    is_lost,
    observe,
)
from entrypoint.system import process
from entrypoint.system.checks.periodic import CheckLoop
from entrypoint.values import format_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from entrypoint.config import ConfigWatch
    from entrypoint.lifecycle.changes import Watched
    from entrypoint.lifecycle.previous import Run
    from entrypoint.plan.model import Launch
    from entrypoint.supervisor import Supervisor
    from entrypoint.system.checks.result import CheckResult
    from entrypoint.system.log import Log
    from entrypoint.watch import Watch


class Vitals:
    """Collects what happens and gives it out as one immutable `Snapshot`."""

    def __init__(
        self, log: Log, supervisor: Supervisor, oom_kills: Callable[[], int | None]
    ) -> None:
        self._log = log
        self._supervisor = supervisor
        self._oom_kills = oom_kills
        self._lock = threading.Lock()
        self._name = ""
        self._digest = ""
        self._phase: str = "preparing"
        self._phase_since = self._began = time.monotonic()
        self._started = time.time()
        self._history: tuple[tuple[str, float], ...] = (("preparing", self._started),)
        self._checks: dict[str, CheckStatus] = {}
        self._gates: dict[str, GateStatus] = {}
        self._loops: list[CheckLoop] = []
        self._exit: ExitInfo | None = None
        self._told_ready = False
        self._grace: float | None = None
        self._run: Run | None = None
        self._fails_on_thrash = False
        self.watch_of_java: Watch | None = None
        self._config: ConfigWatch | None = None
        self._previous: Run | None = None

    def knows(self, launch: Launch) -> None:
        """Take the names, checks and gates of the plan."""
        with self._lock:
            self._name, self._digest = launch.name, launch.digest
            self._grace = launch.grace_period
            self._fails_on_thrash = launch.fails_on_thrash
            for check in launch.checks:
                stale = 3 * check.interval + check.timeout + 5
                self._checks[check.name] = CheckStatus(
                    check.name,
                    check.target,
                    check.roles,
                    check.failures,
                    since=time.monotonic(),
                    stale_after=stale,
                    lost_after=check.lost_after,
                )
            for gate in launch.gates:
                before_it = self._gates.get(gate.name)
                if before_it is None or before_it.status != "passed":
                    self._gates[gate.name] = GateStatus(gate.name, gate.target)
            if launch.registration is not None and REGISTRATION not in self._gates:
                target = launch.registration.target
                self._gates[REGISTRATION] = GateStatus(REGISTRATION, target, registers=True)

    def watch(self, launch: Launch) -> None:
        """Begin to ask the checks; without startup checks the start is over at once."""
        self._loops = [CheckLoop(check, self.take_result) for check in launch.checks]
        for loop in self._loops:
            try:
                loop.start()
            except RuntimeError:  # a pids limit that is too tight: it stays "not asked yet"
                self._log.error("No thread for a check: raise the pids limit", check=loop.name)
        self._tell_if_ready()

    def watch_files(self, watched: Watched, stops: bool, mask: set[int]) -> None:
        """Take which files the plan was made of; `stops` is whether a change ends us."""
        from entrypoint.config import ConfigWatch  # noqa: PLC0415 - java is on its way

        self._config = ConfigWatch(self._log, self._supervisor, watched, stops, mask)

    def look_at_files(self) -> None:
        """Look at those files again; nothing before they are known, when java no longer waits."""
        if self._config is not None:
            self._config.look()

    def stop_watching(self) -> None:
        """Ask no more."""
        for loop in self._loops:
            loop.stop()

    def take_result(self, name: str, result: CheckResult) -> None:
        """Take one answer of a check; log what changed."""
        now = time.monotonic()
        with self._lock:
            before = self._checks[name]
            after = observe(
                before, result.ok, result.detail, result.seconds, now, said_no=result.said_no
            )
            self._checks[name] = after
        if after.ok and before.ok is not True:
            ran = format_duration(now - before.since)
            self._log.info("Check passed", check=name, target=after.target, after=ran)
        elif before.ok and not after.ok:
            self._log.warning("Check failed", check=name, target=after.target, says=result.detail)
        if is_lost(after) and not is_lost(before) and self._phase == "running":
            gone = format_duration(now - (after.no_since or now))
            self._log.error("Lost", check=name, target=after.target, for_=gone, says=result.detail)
        self._tell_if_ready()

    def take_gate(self, gate: GateStatus) -> None:
        """Take the progress of a gate and tell it."""
        with self._lock:
            self._gates[gate.name] = gate
        seconds = format_duration(gate.seconds)
        match gate.status:
            case "passed" if gate.registers:
                return
            case "waiting" if gate.registers:
                tried = {"since": seconds, "attempts": gate.attempts, "says": gate.detail}
                self._log.info("Registering", at=gate.target, **(tried if gate.attempts else {}))
            case "passed":
                self._log.info(
                    "Ready", for_=gate.target, gate=gate.name, after=seconds, attempts=gate.attempts
                )
            case "waiting" if gate.attempts:
                self._log.info(
                    "Waiting",
                    for_=gate.target,
                    gate=gate.name,
                    since=seconds,
                    attempts=gate.attempts,
                    says=gate.detail,
                )
            case "waiting":
                self._log.info("Waiting", for_=gate.target, gate=gate.name)
            case "timed-out":
                self._log.error(
                    "Gave up", for_=gate.target, gate=gate.name, after=seconds, says=gate.detail
                )

    def take_phase(self, phase: str, cause: str) -> None:
        """Take a change of phase and tell it."""
        with self._lock:
            before, self._phase = self._phase, phase
            self._phase_since = time.monotonic()
            self._history = (*self._history, (phase, time.time()))
        if phase != "exited":
            self._log.info("Phase changed", from_=before, to=phase, cause=cause)

    def take_run(self, run: Run, previous: Run | None) -> None:
        """Take which run of this container this one is, and how the one before it ended."""
        with self._lock:
            self._run, self._previous = run, previous

    @property
    def run(self) -> Run | None:
        """This run, as the next one will read of it; None before the helper has told."""
        return self._run

    def take_exit(self, info: ExitInfo) -> None:
        """Take how it ended."""
        with self._lock:
            self._exit = info

    def _tell_if_ready(self) -> None:
        with self._lock:
            startup = [check for check in self._checks.values() if "startup" in check.roles]
            if self._told_ready or not all(check.passed_once for check in startup):
                return
            self._told_ready = True
        self._supervisor.post(BecameReady())

    def snapshot(self) -> Snapshot:
        """Return everything about us at this moment."""
        supervisor, watch, config = self._supervisor, self.watch_of_java, self._config
        child = supervisor.state.child
        alive = child is not None and process.is_alive(child)
        asked = supervisor.stop_asked_at
        counters = Counters(
            tuple(sorted(supervisor.signals.items())),
            supervisor.orphans,
            self._log.dropped,
            self._oom_kills(),
        )
        with self._lock:
            return Snapshot(
                # Not the one that was told: an answer must not say "ready" after the signal was sent.
                phase=supervisor.state.phase,
                phase_since=self._phase_since,
                phase_history=self._history,
                name=self._name,
                digest=self._digest,
                version=__version__,
                started=self._started,
                started_monotonic=self._began,
                child_pid=child,
                child_alive=alive,
                checks=tuple(self._checks.values()),
                gates=tuple(self._gates.values()),
                counters=counters,
                stop_seconds=None if asked is None else time.monotonic() - asked,
                grace_seconds=self._grace,
                exit=self._exit,
                restarts=0 if self._run is None else self._run.number - 1,
                previous=self._previous,
                pressure=None if watch is None else watch.pressure,
                fails_on_thrash=self._fails_on_thrash,
                config=None if config is None else config.state,
            )
