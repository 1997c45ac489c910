from __future__ import annotations

import os
from pathlib import Path

from entrypoint.jvm.heap_info import HeapInfo, Space
from entrypoint.jvm.hsperfdata import PerfData
from entrypoint.lifecycle.history import JvmSample
from entrypoint.system.cgroup import Usage
from entrypoint.system.sample import process_sample, with_heap

STAT = "42 (a ) b) {state} 1 42 42 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 118 0 7 999 1024 0 0"

G1: dict[str, int | str] = {
    "sun.gc.policy.name": "GarbageFirst",
    "java.property.java.vm.specification.version": "21",
    "sun.os.hrt.frequency": 1_000_000_000,
    "sun.gc.collector.0.invocations": 8,
    "sun.gc.collector.0.time": 1_500_000_000,
    "sun.gc.collector.1.invocations": 2,
    "sun.gc.collector.1.time": 500_000_000,
    "sun.gc.collector.2.invocations": 4,
    "sun.gc.collector.2.time": 100_000_000,
    "sun.gc.generation.0.space.0.used": 10,
    "sun.gc.generation.0.space.0.capacity": 20,
    "sun.gc.generation.0.space.2.used": 1,
    "sun.gc.generation.0.space.2.capacity": 2,
    "sun.gc.generation.1.space.0.used": 30,
    "sun.gc.generation.1.space.0.capacity": 40,
    "sun.gc.generation.1.space.0.maxCapacity": 100,
    "java.threads.live": 31,
}


def stat(root: Path, state: str = "S") -> None:
    folder = root / "proc" / "42"
    folder.mkdir(parents=True)
    (folder / "stat").write_text(STAT.format(state=state))


def test_the_kernels_numbers_of_a_process(tmp_path: Path) -> None:
    stat(tmp_path)
    found = process_sample(42, 7.0, Usage(900, 500, 1000), str(tmp_path))
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    assert found == JvmSample(
        7.0, threads=118, cpu_seconds=200 / ticks, rss=1024 * page, memory_used=500, memory_limit=1000
    )  # fmt: skip


def test_a_zombie_and_a_process_that_is_gone_have_no_numbers(tmp_path: Path) -> None:
    stat(tmp_path, "Z")
    nothing = JvmSample(7.0, memory_used=900)
    assert process_sample(42, 7.0, Usage(900), str(tmp_path)) == nothing
    assert process_sample(43, 7.0, Usage(900), str(tmp_path)) == nothing


def test_ourselves() -> None:
    found = process_sample(os.getpid(), 1.0, Usage())
    assert found.threads is not None and found.threads >= 1
    assert found.rss is not None and found.rss > 1 << 20
    assert found.cpu_seconds is not None


def test_what_java_itself_says() -> None:
    found = with_heap(JvmSample(7.0, threads=40, rss=5), PerfData(G1), HeapInfo())
    heap = (found.heap_used, found.heap_max, found.old_used, found.old_max)
    assert heap == (41, 100, 30, 100)
    assert (found.gc_seconds, found.full_gcs, found.young_gcs) == (2.1, 2, 8)
    assert (found.threads, found.rss) == (31, 5)


def test_without_counters_the_answers_count_and_the_threads_are_the_kernels() -> None:
    found = with_heap(JvmSample(7.0, threads=40), None, HeapInfo(heap=Space(12, 20)))
    assert found == JvmSample(7.0, heap_used=12, threads=40)


def test_a_collector_that_is_not_known_has_no_time_and_not_zero() -> None:
    data = PerfData({"sun.gc.policy.name": "Epsilon", "sun.os.hrt.frequency": 1000})
    found = with_heap(JvmSample(7.0), data, HeapInfo())
    assert found == JvmSample(7.0)


def test_a_frequency_of_zero_divides_nothing() -> None:
    data = PerfData(G1 | {"sun.os.hrt.frequency": 0})
    assert with_heap(JvmSample(7.0), data, HeapInfo()).gc_seconds is None
