"""The numbers for Prometheus: our own, and java's process metrics under their standard names.

Here: one table of metrics, from which both the exporter and docs/reference/metrics.md are made, and
the exporter. prometheus_client and psutil are imported by `load`, never by importing this module:
java is spawned before either. What is not known is left out: a 0 that nobody measured is a lie.
"""

from __future__ import annotations

import os
import threading

from entrypoint.lifecycle.health import PHASES, Snapshot, readyz
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Final, Literal, TypeAlias

    import psutil
    from prometheus_client.metrics_core import Metric

    from entrypoint.serve.prometheus import Client

    Kind: TypeAlias = Literal["counter", "gauge", "info"]
    Sample: TypeAlias = tuple[str, tuple[str, ...], float]
    """A metric's name, its label values in the table's order, and the value."""


@record
class MetricSpec:
    """One metric: its full name as scraped, its type, its label names and its meaning."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


METRICS: Final = (
    MetricSpec("entrypoint_info", "info", ("version", "profile", "plan"),
        "Version of entrypoint, the profile's name and the plan's digest."),
    MetricSpec("entrypoint_start_time_seconds", "gauge", (),
        "Unix time at which entrypoint started."),
    MetricSpec("entrypoint_phase", "gauge", ("phase",),
        "1 for the phase that entrypoint is in, 0 for the others."),
    MetricSpec("entrypoint_phase_start_time_seconds", "gauge", ("phase",),
        "Unix time at which a phase began; phases that were not entered are left out."),
    MetricSpec("entrypoint_ready", "gauge", (),
        "1 when /readyz answers 200, else 0."),
    MetricSpec("entrypoint_child_up", "gauge", (),
        "1 while the child process is alive, else 0."),
    MetricSpec("entrypoint_check_up", "gauge", ("check",),
        "1 when a check is ok, 0 when it has failed; left out before its first answer."),
    MetricSpec("entrypoint_check_duration_seconds", "gauge", ("check",),
        "Time that the last answer of a check took."),
    MetricSpec("entrypoint_check_runs_total", "counter", ("check", "result"),
        "Answers of a check, by result: passed or failed."),
    MetricSpec("entrypoint_check_changes_total", "counter", ("check",),
        "Times that a check went from ok to failed or back."),
    MetricSpec("entrypoint_gate_passed", "gauge", ("gate",),
        "1 when a gate has passed, else 0."),
    MetricSpec("entrypoint_gate_wait_seconds", "gauge", ("gate",),
        "Time spent waiting for a gate."),
    MetricSpec("entrypoint_gate_attempts_total", "counter", ("gate",),
        "Times that a gate was asked."),
    MetricSpec("entrypoint_signals_total", "counter", ("signal",),
        "Signals that entrypoint sent to the child."),
    MetricSpec("entrypoint_orphans_reaped_total", "counter", (),
        "Orphaned processes whose exit status entrypoint collected."),
    MetricSpec("entrypoint_oom_kills_total", "counter", (),
        "Processes of this container that the kernel killed for lack of memory."),
    MetricSpec("entrypoint_log_lines_dropped_total", "counter", (),
        "Log lines of entrypoint dropped because nobody read its standard error."),
    MetricSpec("entrypoint_stop_duration_seconds", "gauge", (),
        "Time that the stop has taken; left out until a stop was asked for."),
    MetricSpec("entrypoint_process_cpu_seconds_total", "counter", (),
        "User and system CPU time of entrypoint itself."),
    MetricSpec("entrypoint_process_resident_memory_bytes", "gauge", (),
        "Resident memory of entrypoint itself."),
    MetricSpec("entrypoint_process_threads", "gauge", (),
        "Threads of entrypoint itself."),
    MetricSpec("entrypoint_process_open_fds", "gauge", (),
        "Open file descriptors of entrypoint itself."),
    MetricSpec("process_cpu_seconds_total", "counter", (),
        "User and system CPU time of the child."),
    MetricSpec("process_start_time_seconds", "gauge", (),
        "Unix time at which the child started."),
    MetricSpec("process_resident_memory_bytes", "gauge", (),
        "Resident memory of the child."),
    MetricSpec("process_virtual_memory_bytes", "gauge", (),
        "Virtual memory of the child."),
    MetricSpec("process_threads", "gauge", (),
        "Threads of the child."),
    MetricSpec("process_open_fds", "gauge", (),
        "Open file descriptors of the child."),
    MetricSpec("process_max_fds", "gauge", (),
        "Limit of open file descriptors of the child."),
)  # fmt: skip
"""In the order in which they are shown. `process_*` are java's, named as java's own client names
them, so that existing dashboards work; ours carry `entrypoint_`."""


class Exporter:
    """Renders the metrics of the latest snapshot; any thread may call it."""

    def __init__(
        self, snapshot: Callable[[], Snapshot], clock: Callable[[], float], pid: int | None = None
    ) -> None:
        self._snapshot = snapshot
        self._clock = clock
        self._pid = os.getpid() if pid is None else pid
        self._lock = threading.Lock()
        self._collector: _Collector | None = None

    def load(self) -> None:
        """Import prometheus_client and psutil, once; call it from a thread after java's spawn."""
        with self._lock:
            if self._collector is None:
                from entrypoint.serve import prometheus  # noqa: PLC0415 - after java's spawn

                self._collector = _Collector(
                    prometheus.load(), self._snapshot, self._clock, self._pid
                )

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the body and its content type: text, or what the Accept header asks for."""
        self.load()
        collector = self._collector
        assert collector is not None
        try:
            encoder, content_type = collector.client.choose_encoder(accept)
        except (TypeError, ValueError):
            # A version that is no number, in the header of some stranger.
            encoder, content_type = collector.client.choose_encoder("")
        return encoder(collector.registry), content_type


class _Collector:
    """What prometheus_client's registry asks on every scrape; it keeps no numbers of its own."""

    def __init__(
        self,
        client: Client,
        snapshot: Callable[[], Snapshot],
        clock: Callable[[], float],
        pid: int,
    ) -> None:
        import psutil  # noqa: PLC0415 - after java's spawn

        self.client = client
        self.registry = client.registry(auto_describe=False)
        self.registry.register(self)
        self._snapshot = snapshot
        self._clock = clock
        self._psutil = psutil
        self._ourselves = psutil.Process(pid)
        self._child: psutil.Process | None = None

    def collect(self) -> Iterable[Metric]:
        """Yield one family for each row of the table that has samples now."""
        snapshot = self._snapshot()
        found: dict[str, list[tuple[tuple[str, ...], float]]] = {}
        for samples in (
            _lifecycle(snapshot, self._clock()),
            _checks(snapshot),
            _gates(snapshot),
            _counters(snapshot),
            self._process(self._ourselves, "entrypoint_process"),
            self._process(self._child_of(snapshot), "process"),
        ):
            for name, labels, value in samples:
                found.setdefault(name, []).append((labels, value))
        for spec in METRICS:
            if spec.name in found:
                yield self._family(spec, found.pop(spec.name))
        assert not found, f"metrics without a row in the table: {sorted(found)}"

    def _family(self, spec: MetricSpec, samples: list[tuple[tuple[str, ...], float]]) -> Metric:
        suffix = {"counter": "_total", "info": "_info", "gauge": ""}[spec.kind]
        family = self.client.metric(spec.name.removesuffix(suffix), spec.help, spec.kind)
        for labels, value in samples:
            family.add_sample(spec.name, dict(zip(spec.labels, labels, strict=True)), value)
        return family

    def _child_of(self, snapshot: Snapshot) -> psutil.Process | None:
        if snapshot.child_pid is None or not snapshot.child_alive:
            self._child = None
        elif self._child is None or self._child.pid != snapshot.child_pid:
            try:
                self._child = self._psutil.Process(snapshot.child_pid)
            except self._psutil.Error:
                self._child = None
        return self._child

    def _process(self, process: psutil.Process | None, prefix: str) -> Iterator[Sample]:
        """Read a process; each value that the kernel refuses, or that is gone, is left out."""
        # is_running compares start times: the pid may be somebody else's by now.
        if process is None or not process.is_running():
            return
        with process.oneshot():
            if process.status() == self._psutil.STATUS_ZOMBIE:
                return  # Its files and memory are gone: the kernel would say 0.
            for name, read in _PROCESS_READERS:
                full = f"{prefix}_{name}"
                if full not in _NAMES:
                    continue
                try:
                    value = read(process)
                except (self._psutil.Error, OSError):
                    continue
                if value is not None:
                    yield full, (), value


def reference() -> str:
    """Return the table as Markdown, for docs/reference/metrics.md."""
    lines = ["| Metric | Type | Labels | Meaning |", "|---|---|---|---|"]
    for spec in METRICS:
        labels = ", ".join(f"`{label}`" for label in spec.labels)
        lines.append(f"| `{spec.name}` | {spec.kind} | {labels} | {spec.help} |")
    return "\n".join(lines) + "\n"


_NAMES: Final = frozenset(spec.name for spec in METRICS)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _max_fds(process: psutil.Process) -> float | None:
    import psutil  # noqa: PLC0415 - loaded by now

    soft, _hard = process.rlimit(psutil.RLIMIT_NOFILE)
    return soft if soft >= 0 else None


_PROCESS_READERS: Final[tuple[tuple[str, Callable[[psutil.Process], float | None]], ...]] = (
    ("cpu_seconds_total", _cpu_seconds),
    ("start_time_seconds", lambda process: process.create_time()),
    # From statm: smaps would wait for java's memory lock, for seconds under load.
    ("resident_memory_bytes", lambda process: process.memory_info().rss),
    ("virtual_memory_bytes", lambda process: process.memory_info().vms),
    ("threads", lambda process: process.num_threads()),
    ("open_fds", lambda process: process.num_fds()),
    ("max_fds", _max_fds),
)


def _lifecycle(snapshot: Snapshot, now: float) -> Iterator[Sample]:
    yield "entrypoint_info", (snapshot.version, snapshot.name, snapshot.digest), 1
    yield "entrypoint_start_time_seconds", (), snapshot.started
    for phase in PHASES:
        yield "entrypoint_phase", (phase,), phase == snapshot.phase
    for phase, began in snapshot.phase_history:
        yield "entrypoint_phase_start_time_seconds", (phase,), began
    yield "entrypoint_ready", (), readyz(snapshot, now).ok
    yield "entrypoint_child_up", (), snapshot.child_pid is not None and snapshot.child_alive
    if snapshot.stop_seconds is not None:
        yield "entrypoint_stop_duration_seconds", (), snapshot.stop_seconds


def _checks(snapshot: Snapshot) -> Iterator[Sample]:
    for check in snapshot.checks:
        if check.ok is not None:
            yield "entrypoint_check_up", (check.name,), check.ok
        if check.seconds is not None:
            yield "entrypoint_check_duration_seconds", (check.name,), check.seconds
        passed = check.runs - check.failed_runs
        yield "entrypoint_check_runs_total", (check.name, "passed"), passed
        yield "entrypoint_check_runs_total", (check.name, "failed"), check.failed_runs
        yield "entrypoint_check_changes_total", (check.name,), check.changes


def _gates(snapshot: Snapshot) -> Iterator[Sample]:
    for gate in snapshot.gates:
        yield "entrypoint_gate_passed", (gate.name,), gate.status == "passed"
        yield "entrypoint_gate_wait_seconds", (gate.name,), gate.seconds
        yield "entrypoint_gate_attempts_total", (gate.name,), gate.attempts


def _counters(snapshot: Snapshot) -> Iterator[Sample]:
    counters = snapshot.counters
    for signal, count in counters.signals_forwarded:
        yield "entrypoint_signals_total", (signal,), count
    yield "entrypoint_orphans_reaped_total", (), counters.orphans_reaped
    yield "entrypoint_log_lines_dropped_total", (), counters.log_lines_dropped
    if counters.oom_kills is not None:
        yield "entrypoint_oom_kills_total", (), counters.oom_kills
