"""What the JVM's counters and answers mean, as samples for Prometheus.

Here: the table of metrics with their names in three vocabularies, and the function that fills it. No
input or output. Names of pools and collectors are those of the JVM's own MXBeans. A value that the
JVM keeps too late, or not at all, is left out: `pools` has the rules, collector by collector.
"""

from __future__ import annotations

from entrypoint.jvm.heap_info import HeapInfo
from entrypoint.jvm.pools import collectors, heap, metaspace
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final, Literal, TypeAlias

    from entrypoint.jvm.hsperfdata import PerfData
    from entrypoint.jvm.pools import Pool

    Kind: TypeAlias = Literal["counter", "gauge", "info", "summary"]
    Sample: TypeAlias = tuple[str, tuple[tuple[str, str], ...], float]
    """A metric's full name, its labels, and the value."""

VOCABULARIES: Final = ("client-java-1", "client-java-0", "micrometer")
NO_ANSWERS: Final = HeapInfo()


@record
class JvmMetric:
    """One metric: its name in each of the `VOCABULARIES`, "" where that one has no such metric.

    A summary has two samples, `_count` and `_sum`.
    """

    key: str
    kind: Kind
    names: tuple[str, str, str]
    labels: tuple[str, ...]
    help: str


def _same(name: str, micrometer: str) -> tuple[str, str, str]:
    return name, name, micrometer


JVM_METRICS: Final = (
    JvmMetric("info", "info", ("jvm_runtime_info", "jvm_info", "jvm_info"),
        ("version", "vendor", "runtime"), "Version of the JVM, its vendor and its name."),
    JvmMetric("uptime", "gauge", _same("jvm_uptime_seconds", "process_uptime_seconds"), (),
        "Time since the JVM began to start."),
    JvmMetric("area_used", "gauge",
        ("jvm_memory_used_bytes", "jvm_memory_bytes_used", ""), ("area",),
        "Memory used, by area: heap or nonheap."),
    JvmMetric("area_committed", "gauge",
        ("jvm_memory_committed_bytes", "jvm_memory_bytes_committed", ""), ("area",),
        "Memory committed, by area."),
    JvmMetric("area_max", "gauge",
        ("jvm_memory_max_bytes", "jvm_memory_bytes_max", ""), ("area",),
        "Memory that may be used at most, by area; left out where there is no limit."),
    JvmMetric("pool_used", "gauge",
        ("jvm_memory_pool_used_bytes", "jvm_memory_pool_bytes_used", "jvm_memory_used_bytes"),
        ("pool",), "Memory used, by memory pool."),
    JvmMetric("pool_committed", "gauge",
        ("jvm_memory_pool_committed_bytes", "jvm_memory_pool_bytes_committed",
        "jvm_memory_committed_bytes"), ("pool",), "Memory committed, by memory pool."),
    JvmMetric("pool_max", "gauge",
        ("jvm_memory_pool_max_bytes", "jvm_memory_pool_bytes_max", "jvm_memory_max_bytes"),
        ("pool",), "Memory that may be used at most, by memory pool; left out without a limit."),
    JvmMetric("gc", "summary", _same("jvm_gc_collection_seconds", "jvm_gc_pause_seconds"),
        ("gc",), "Garbage collections and the time they took, by collector."),
    JvmMetric("threads_live", "gauge", _same("jvm_threads_current", "jvm_threads_live_threads"),
        (), "Threads of the JVM that are alive."),
    JvmMetric("threads_daemon", "gauge", _same("jvm_threads_daemon", "jvm_threads_daemon_threads"),
        (), "Daemon threads of the JVM that are alive."),
    JvmMetric("threads_peak", "gauge", _same("jvm_threads_peak", "jvm_threads_peak_threads"),
        (), "The most threads that were alive at once."),
    JvmMetric("threads_started", "counter",
        _same("jvm_threads_started_total", "jvm_threads_started_threads_total"),
        (), "Threads started since the JVM began."),
    JvmMetric("classes_loaded", "gauge",
        _same("jvm_classes_currently_loaded", "jvm_classes_loaded_classes"),
        (), "Classes that are loaded now."),
    JvmMetric("classes_loaded_total", "counter", _same("jvm_classes_loaded_total", ""),
        (), "Classes loaded since the JVM began."),
    JvmMetric("classes_unloaded_total", "counter",
        _same("jvm_classes_unloaded_total", "jvm_classes_unloaded_classes_total"),
        (), "Classes unloaded since the JVM began."),
    JvmMetric("compilation", "counter",
        _same("jvm_compilation_time_seconds_total", ""), (), "Time spent compiling to native code."),
    JvmMetric("compilation_ms", "counter", ("", "", "jvm_compilation_time_ms_total"), (),
        "Milliseconds spent compiling to native code."),
    JvmMetric("safepoints", "counter", _same("jvm_safepoints_total", "jvm_safepoints_total"),
        (), "Times that all Java threads were stopped."),
    JvmMetric("safepoint_seconds", "counter",
        _same("jvm_safepoint_seconds_total", "jvm_safepoint_seconds_total"),
        (), "Time for which all Java threads were stopped."),
    JvmMetric("safepoint_sync_seconds", "counter",
        _same("jvm_safepoint_sync_seconds_total", "jvm_safepoint_sync_seconds_total"),
        (), "Time that it took to stop all Java threads."),
)  # fmt: skip
"""In the order in which they are shown. Micrometer's own metrics of a pool have `area` and `id`."""


def samples(
    data: PerfData | None, answers: HeapInfo, now: float, vocabulary: str
) -> Iterator[tuple[JvmMetric, list[Sample]]]:
    """Yield each metric that has a name and a value, with its samples.

    `data` is None where the JVM keeps no counters, `answers` is empty where it cannot be asked. `now`
    is Unix time. Raises ValueError for an unknown vocabulary.
    """
    column = VOCABULARIES.index(vocabulary)
    found: dict[str, list[tuple[tuple[str, ...], float]]] = {}
    for key, labels, value in _values(data, answers, now):
        found.setdefault(key, []).append((labels, value))
    for metric in JVM_METRICS:
        name = metric.names[column]
        if name and metric.key in found:
            rows = found[metric.key]
            yield metric, list(_named(metric, name, rows, is_micrometer=column == 2))


def _named(
    metric: JvmMetric,
    name: str,
    rows: Iterable[tuple[tuple[str, ...], float]],
    is_micrometer: bool,
) -> Iterator[Sample]:
    for number, (values, value) in enumerate(rows):
        labels = (*zip(metric.labels, values, strict=False),)
        if metric.labels == ("pool",) and is_micrometer:
            labels = (("area", values[1]), ("id", values[0]))
        suffix = ("_count", "_sum")[number % 2] if metric.kind == "summary" else ""
        yield name + suffix, labels, value


def _values(
    data: PerfData | None, answers: HeapInfo, now: float
) -> Iterator[tuple[str, tuple[str, ...], float]]:
    """Yield (key, label values, value); of a summary the count and then the sum."""
    yield from _memory(data, answers)
    if data is None:
        return
    frequency = data.number("sun.os.hrt.frequency") or 0
    if frequency > 0:
        for name, count, ticks in collectors(data):
            yield "gc", (name,), count
            yield "gc", (name,), ticks / frequency
        for key, counter in _TIMES:
            if (ticks_or_none := data.number(counter)) is not None:
                yield key, (), ticks_or_none / frequency
                if key == "compilation":
                    yield "compilation_ms", (), ticks_or_none * 1000 / frequency
    yield from _numbers(data)
    yield from _identity(data, frequency, now)


_TIMES: Final = (
    ("compilation", "java.ci.totalTime"),
    ("safepoint_seconds", "sun.rt.safepointTime"),
    ("safepoint_sync_seconds", "sun.rt.safepointSyncTime"),
)
_COUNTS: Final = (
    ("threads_live", "java.threads.live"),
    ("threads_daemon", "java.threads.daemon"),
    ("threads_peak", "java.threads.livePeak"),
    ("threads_started", "java.threads.started"),
    ("safepoints", "sun.rt.safepoints"),
)


def _numbers(data: PerfData) -> Iterator[tuple[str, tuple[str, ...], float]]:
    for key, counter in _COUNTS:
        if (count := data.number(counter)) is not None:
            yield key, (), count
    # Classes of a class-data archive are counted apart; the JVM's own bean adds them up.
    loaded = _sum(data, "java.cls.loadedClasses", "java.cls.sharedLoadedClasses")
    unloaded = _sum(data, "java.cls.unloadedClasses", "java.cls.sharedUnloadedClasses")
    if loaded is not None:
        yield "classes_loaded_total", (), loaded
    if unloaded is not None:
        yield "classes_unloaded_total", (), unloaded
    if loaded is not None and unloaded is not None:
        yield "classes_loaded", (), loaded - unloaded


def _identity(
    data: PerfData, frequency: int, now: float
) -> Iterator[tuple[str, tuple[str, ...], float]]:
    ticks = data.number("sun.os.hrt.ticks")
    began = data.number("sun.rt.createVmBeginTime")
    if ticks is not None and frequency > 0:
        yield "uptime", (), ticks / frequency
    elif began:
        yield "uptime", (), max(0.0, now - began / 1000)
    names = (
        "java.property.java.version",
        "java.property.java.vm.vendor",
        "java.property.java.vm.name",
    )
    texts = (*[data.text(name) for name in names],)
    if all(texts):
        yield "info", texts, 1


def _memory(
    data: PerfData | None, answers: HeapInfo
) -> Iterator[tuple[str, tuple[str, ...], float]]:
    heap_pools, total = heap(data, answers)
    other_pools = metaspace(data, answers)
    for area, pools in (("heap", heap_pools), ("nonheap", other_pools)):
        for pool in pools:
            for key, value in _figures("pool", pool):
                yield key, (pool.name, area), value
    for key, value in _figures("area", total):
        yield key, ("heap",), value
    # The bean's sum counts the class space twice, as it is a part of the metaspace; so do we. Without
    # the code heaps it is no sum.
    if answers.code and {pool.name for pool in other_pools} > {"Metaspace"}:
        for key, values in (
            ("area_used", [pool.used for pool in other_pools]),
            ("area_committed", [pool.committed for pool in other_pools]),
        ):
            known = [value for value in values if value is not None]
            if len(known) == len(values):
                yield key, ("nonheap",), sum(known)


def _figures(prefix: str, pool: Pool) -> Iterator[tuple[str, float]]:
    for name, value in (
        ("used", pool.used),
        ("committed", pool.committed),
        ("max", pool.maximum),
    ):
        if value is not None:
            yield f"{prefix}_{name}", value


def _sum(data: PerfData, *names: str) -> int | None:
    numbers = [data.number(name) for name in names]
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None
