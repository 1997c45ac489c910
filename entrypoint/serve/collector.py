"""What /metrics says: the table of metrics, filled from a snapshot, the container, and java.

Here: the collector, which prometheus_client asks on every scrape, and the samples of each subject. Only
`metrics` imports this module, once java runs. What is not known is left out: a 0 that nobody measured
is a lie.
"""

from __future__ import annotations

import psutil

from entrypoint.lifecycle.health import PHASES, Snapshot, readyz
from entrypoint.serve.metric_table import METRICS
from entrypoint.system import cgroup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Final, TypeAlias

    from prometheus_client.metrics_core import Metric

    from entrypoint.imports.prometheus import Client
    from entrypoint.jvm.metrics import JvmMetric
    from entrypoint.jvm.metrics import Sample as JvmSample
    from entrypoint.serve.jvm import JvmReader
    from entrypoint.serve.metric_table import MetricSpec
    from entrypoint.system.cgroup import Usage, UsageReader

    Sample: TypeAlias = tuple[str, tuple[str, ...], float]
    """A metric's name, its label values in the table's order, and the value."""


class Collector:
    """What prometheus_client's registry asks on every scrape; it keeps no numbers of its own."""

    def __init__(
        self,
        client: Client,
        snapshot: Callable[[], Snapshot],
        clock: Callable[[], float],
        pid: int,
        jvm: JvmReader,
    ) -> None:
        self.client = client
        self.registry = client.registry(auto_describe=False)
        self.registry.register(self)
        self._snapshot = snapshot
        self._clock = clock
        self._ourselves = psutil.Process(pid)
        self.jvm = jvm
        self._container: UsageReader = cgroup.UsageReader()
        self._child: psutil.Process | None = None

    def collect(self) -> Iterable[Metric]:
        """Yield one family for each row of the table that has samples now."""
        snapshot = self._snapshot()
        child = self._child_of(snapshot)
        reading = None if child is None else self.jvm.read(child.pid)
        found: dict[str, list[tuple[tuple[str, ...], float]]] = {}
        for samples in (
            _lifecycle(snapshot, self._clock()),
            _checks(snapshot),
            _gates(snapshot),
            _counters(snapshot),
            _pressure(snapshot),
            _configuration(snapshot),
            self._process(self._ourselves, "entrypoint_process"),
            _container(self._container.read()),
            self._process(child, "process"),
        ):
            for name, labels, value in samples:
                found.setdefault(name, []).append((labels, value))
        if reading is not None:
            found["entrypoint_jvm_metrics_up"] = [((), reading.has_counters)]
            if self.jvm.may_attach:
                found["entrypoint_jvm_attach_up"] = [((), reading.has_answered)]
        for spec in METRICS:
            if spec.name in found:
                yield self._family(spec, found.pop(spec.name))
        assert not found, f"metrics without a row in the table: {sorted(found)}"
        if reading is not None:
            for metric, jvm_samples in reading.metrics:
                yield self._jvm_family(metric, jvm_samples)

    def _family(self, spec: MetricSpec, samples: list[tuple[tuple[str, ...], float]]) -> Metric:
        suffix = {"counter": "_total", "info": "_info", "gauge": ""}[spec.kind]
        family = self.client.metric(spec.name.removesuffix(suffix), spec.help, spec.kind)
        for labels, value in samples:
            family.add_sample(spec.name, dict(zip(spec.labels, labels, strict=True)), value)
        return family

    def _jvm_family(self, metric: JvmMetric, samples: list[JvmSample]) -> Metric:
        name = samples[0][0]
        suffixes = {"counter": "_total", "info": "_info", "gauge": "", "summary": "_count"}
        family = self.client.metric(
            name.removesuffix(suffixes[metric.kind]), metric.help, metric.kind
        )
        for sample, labels, value in samples:
            family.add_sample(sample, dict(labels), value)
        return family

    def _child_of(self, snapshot: Snapshot) -> psutil.Process | None:
        if snapshot.child_pid is None or not snapshot.child_alive:
            self._child = None
        elif self._child is None or self._child.pid != snapshot.child_pid:
            try:
                self._child = psutil.Process(snapshot.child_pid)
            except psutil.Error:
                self._child = None
        return self._child

    def _process(self, process: psutil.Process | None, prefix: str) -> Iterator[Sample]:
        """Read a process; each value that the kernel refuses, or that is gone, is left out."""
        # is_running compares start times: the pid may be somebody else's by now.
        if process is None or not process.is_running():
            return
        with process.oneshot():
            if process.status() == psutil.STATUS_ZOMBIE:
                return  # Its files and memory are gone: the kernel would say 0.
            for name, read in _PROCESS_READERS:
                full = f"{prefix}_{name}"
                if full not in _NAMES:
                    continue
                try:
                    value = read(process)
                except (psutil.Error, OSError):
                    continue
                if value is not None:
                    yield full, (), value


_NAMES: Final = frozenset(spec.name for spec in METRICS)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _max_fds(process: psutil.Process) -> float | None:
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
    if snapshot.grace_seconds is not None:
        yield "entrypoint_stop_grace_period_seconds", (), snapshot.grace_seconds
    previous = snapshot.previous
    if previous is not None and previous.code is not None:
        how = previous.how or "exited"
        yield "entrypoint_previous_exit_info", (str(previous.code), how), 1


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


def _pressure(snapshot: Snapshot) -> Iterator[Sample]:
    pressure = snapshot.pressure
    if pressure is None:
        return
    for name, episode in (("thrashing", pressure.thrash), ("hung", pressure.hang)):
        yield f"entrypoint_java_{name}", (), episode.on
        yield f"entrypoint_java_{name}_episodes_total", (), episode.count


def _configuration(snapshot: Snapshot) -> Iterator[Sample]:
    config = snapshot.config
    if config is None or not config.looked:
        return
    changed, unreadable = len(config.changes), len(config.unreadable)
    yield "entrypoint_config_changed", (), changed > 0
    yield "entrypoint_config_files", ("changed",), changed
    yield "entrypoint_config_files", ("unreadable",), unreadable
    yield "entrypoint_config_files", ("unchanged",), config.unchanged


def _container(usage: Usage) -> Iterator[Sample]:
    for name, value in (
        ("memory_usage_bytes", usage.memory),
        ("memory_working_set_bytes", usage.working_set),
        ("memory_limit_bytes", usage.memory_limit),
        ("cpu_seconds_total", usage.cpu_seconds),
        ("cpu_limit", usage.cpu_limit),
        ("cpu_periods_total", usage.periods),
        ("cpu_throttled_periods_total", usage.throttled_periods),
        ("cpu_throttled_seconds_total", usage.throttled_seconds),
    ):
        if value is not None:
            yield f"entrypoint_container_{name}", (), value
