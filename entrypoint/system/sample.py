"""One look at java from outside: what the last hour's graphs are made of.

Here: the kernel's numbers of one process and of this container, and the heap from java's own counters.
What cannot be had is None. How often, and what becomes of it, is for the sampler.
"""

from __future__ import annotations

import os

from entrypoint.jvm.pools import collectors, heap
from entrypoint.lifecycle.history import JvmSample
from entrypoint.records import replace
from entrypoint.system.procfs import at, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from entrypoint.jvm.heap_info import HeapInfo
    from entrypoint.jvm.hsperfdata import PerfData
    from entrypoint.system.cgroup import Usage

FULL: Final = ("MarkSweepCompact", "PS MarkSweep", "G1 Old Generation")
"""Collectors that stop everything and go through the whole heap; the others have no such count."""

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def process_sample(pid: int, now: float, usage: Usage, root: str = "/") -> JvmSample:
    """Return what the kernel knows of a process and of its container; a zombie has no numbers."""
    text = read_text(at(root, f"/proc/{pid}/stat"))
    # The name in brackets may hold spaces and brackets itself.
    fields = text.rpartition(")")[2].split()
    # Without the page cache that the kernel can drop: that is nearer to what an OOM kill looks at.
    used = usage.memory if usage.working_set is None else usage.working_set
    limit = usage.memory_limit
    known = JvmSample(now, memory_used=used, memory_limit=limit)
    if len(fields) < 22 or fields[0] in {"Z", "X"}:
        return known
    try:
        user, system, threads, pages = (int(fields[at][:20]) for at in (11, 12, 17, 21))
    except ValueError:
        return known
    return replace(
        known,
        threads=float(threads),
        cpu_seconds=(user + system) / _TICKS,
        rss=float(pages * _PAGE),
    )


def with_heap(sample: JvmSample, data: PerfData | None, answers: HeapInfo) -> JvmSample:
    """Return the sample with what java itself says: heap, collections, and its own count of threads."""
    _, total = heap(data, answers)
    sample = replace(sample, heap_used=total.used, heap_max=total.maximum)
    if data is None:
        return sample
    frequency = data.number("sun.os.hrt.frequency") or 0
    found = (*collectors(data),)
    full = [count for name, count, _ in found if name in FULL]
    return replace(
        sample,
        gc_seconds=sum(ticks for *_, ticks in found) / frequency
        if found and frequency > 0
        else None,
        full_gcs=float(sum(full)) if full else None,
        threads=data.number("java.threads.live") or sample.threads,
        young_gcs=data.number("sun.gc.collector.0.invocations") if full else None,
        old_used=data.number("sun.gc.generation.1.space.0.used") if full else None,
        old_max=data.number("sun.gc.generation.1.space.0.maxCapacity") if full else None,
        # 0 before the first collection, which is not true.
        metaspace=data.number("sun.gc.metaspace.used") or None,
    )
