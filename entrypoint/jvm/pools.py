"""Memory pools and collectors as the JVM's MXBeans name them, from what each collector keeps.

Here: the rules for Serial, Parallel, CMS, G1, ZGC and Shenandoah on JDK 8 to 25. No input or output.

What the counters cannot be trusted with, measured on those JDKs:
- Serial, Parallel and CMS sample `used` every 50 ms up to JDK 24; from 25 it is that of the last GC.
  The sampler's own counter, `sun.os.hrt.ticks`, went with it, and so tells the two apart.
- G1 keeps eden up to date; its old generation says 0 until the first GC.
- ZGC keeps what the last GC found. Shenandoah samples `used` about every 100 ms,
  beginning with 0.
- The metaspace is that of the last GC: 0 or an early value before the first one.
- ZGC counts pauses, not cycles. The counts of Shenandoah and of the concurrent part of CMS match nothing.
"""

from __future__ import annotations

from entrypoint.jvm.heap_info import HeapInfo, Space
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from entrypoint.jvm.hsperfdata import PerfData


@record
class Pool:
    """A memory pool in bytes; None is "not known now", or for `maximum` also "no limit"."""

    name: str
    used: int | None = None
    committed: int | None = None
    maximum: int | None = None


UNKNOWN: Final = Pool("")

_YOUNG: Final = {
    "Copy": ("Eden Space", "Survivor Space", "Copy"),
    "ParNew": ("Par Eden Space", "Par Survivor Space", "ParNew"),
    "ParScav": ("PS Eden Space", "PS Survivor Space", "PS Scavenge"),
}
_OLD: Final = {
    ("Copy", "MSC"): ("Tenured Gen", "MarkSweepCompact"),
    ("ParNew", "MSC"): ("Tenured Gen", "MarkSweepCompact"),
    ("ParNew", "CMS"): ("CMS Old Gen", ""),
    ("ParScav", "MSC"): ("PS Old Gen", "PS MarkSweep"),
}
"""By the two halves of `sun.gc.policy.name`: names of pools, and of the collector ("": no match)."""


def family(data: PerfData) -> str:
    """Return generational, g1, zgc, shenandoah, or "" for a collector that is not known."""
    policy = data.text("sun.gc.policy.name")
    if policy == "GarbageFirst":
        return "g1"
    if tuple(policy.split(":")) in _OLD:
        return "generational"
    if data.text("sun.gc.collector.1.name").startswith("Shenandoah"):
        return "shenandoah"
    major = data.text("sun.gc.collector.2.name")
    if major.startswith("Z"):
        return "zgc"
    # JDK 11 to 14: ZGC has one generation with one space, and no collector.
    old = data.text("sun.gc.generation.1.name"), data.text("sun.gc.generation.1.space.0.name")
    alone = not data.text("sun.gc.generation.0.name") and not policy
    return "zgc" if alone and old == ("old", "space") else ""


def feature(data: PerfData) -> int | None:
    """Return the JDK's feature version, such as 8 or 25."""
    words = data.text("java.property.java.vm.specification.version").split(".")
    word = words[1] if words[0] == "1" and len(words) > 1 else words[0]
    return int(word) if word.isascii() and word.isdigit() and len(word) < 5 else None


def heap(data: PerfData | None, answers: HeapInfo) -> tuple[tuple[Pool, ...], Pool]:
    """Return the heap's pools, and the whole heap as the MXBean adds it up."""
    match "" if data is None else family(data):
        case "generational":
            assert data is not None
            return _generational(data, answers)
        case "g1":
            assert data is not None
            return _g1(data, answers)
        case "zgc":
            assert data is not None
            return _zgc(data, answers)
        case "shenandoah":
            assert data is not None
            return _shenandoah(data, answers)
        case _:
            return (), _whole(answers)


def metaspace(data: PerfData | None, answers: HeapInfo) -> tuple[Pool, ...]:
    """Return the pools outside the heap that are known, the code heaps last."""
    found: list[Pool] = []
    # The counters of the metaspace are set by a GC.
    counted = data is not None and _has_collected(data)
    for name, counter, answer in (
        ("Metaspace", "metaspace", answers.metaspace),
        ("Compressed Class Space", "compressedclassspace", answers.class_space),
    ):
        used = committed = most = None
        if data is not None:
            most = data.number(f"sun.gc.{counter}.maxCapacity")
            if counter == "metaspace":
                most = None  # What is reserved; -XX:MaxMetaspaceSize is not among the counters.
            elif most == 0:
                continue  # No compressed class pointers: there is no such pool.
        if answer is not None:
            used, committed = answer.used, answer.committed
        elif data is not None and counted:
            used = data.number(f"sun.gc.{counter}.used")
            committed = data.number(f"sun.gc.{counter}.capacity")
        found.append(Pool(name, used, committed, most))
    found += [
        Pool(name, space.used, space.committed, space.maximum) for name, space in answers.code
    ]
    return tuple(found)


def collectors(data: PerfData) -> Iterator[tuple[str, int, int]]:
    """Yield (name of the MXBean, collections, ticks) of those collectors whose counters match it."""
    for number, name in enumerate(_collector_names(data)):
        count = data.number(f"sun.gc.collector.{number}.invocations")
        ticks = data.number(f"sun.gc.collector.{number}.time")
        if name and count is not None and ticks is not None:
            yield name, count, ticks


def _collector_names(data: PerfData) -> tuple[str, ...]:
    match family(data):
        case "generational":
            young, old = data.text("sun.gc.policy.name").split(":")
            return _YOUNG[young][2], _OLD[young, old][1]
        case "g1":
            # The bean of the concurrent pauses came with JDK 20.
            concurrent = "G1 Concurrent GC" if (feature(data) or 0) >= 20 else ""
            return "G1 Young Generation", "G1 Old Generation", concurrent
        case "zgc" if _is_generational_zgc(data):
            return "ZGC Minor Pauses", "", "ZGC Major Pauses"
        case "zgc":
            return "", "", "ZGC Pauses"
        case _:
            return ()


def _generational(data: PerfData, answers: HeapInfo) -> tuple[tuple[Pool, ...], Pool]:
    """Serial, Parallel, CMS: eden, one survivor space, old."""
    young, old = data.text("sun.gc.policy.name").split(":")
    sampled = data.number("sun.os.hrt.ticks") is not None
    eden = _space(data, 0, 0, sampled)
    survivors = _space(data, 0, 1, sampled), _space(data, 0, 2, sampled)
    # The one in use: the other is empty, and under Parallel may have another size.
    survivor = max(survivors, key=lambda space: (space.used or 0, space.committed or 0))
    tenured = _space(data, 1, 0, sampled)
    eden = _fill(eden, answers.eden)
    survivor = _fill(survivor, answers.survivor)
    tenured = _fill(tenured, answers.old)
    if young == "ParScav":
        # The bean's limits move with the survivor spaces.
        young_max, size = data.number("sun.gc.generation.0.maxCapacity"), survivor.committed
        most = None if young_max is None or size is None else max(0, young_max - 2 * size)
        eden = Pool("", eden.used, eden.committed, most)
        survivor = Pool("", survivor.used, size, size)
    names = (*_YOUNG[young][:2], _OLD[young, old][0])
    spaces = zip(names, (eden, survivor, tenured), strict=True)
    pools = (*[Pool(name, one.used, one.committed, one.maximum) for name, one in spaces],)
    total = _total(pools)
    if young == "ParScav":
        total = Pool("", total.used, total.committed, _parallel_max(data, total.committed))
    return pools, total


def _parallel_max(data: PerfData, committed: int | None) -> int | None:
    """Return the bean's limit: all that is reserved but the largest survivor space, never too little."""
    numbers = [
        data.number(f"sun.gc.generation.{name}.maxCapacity") for name in ("0", "1", "0.space.1")
    ]
    known = [number for number in numbers if number is not None]
    if len(known) < 3 or committed is None:
        return None
    return max(committed, known[0] + known[1] - known[2])


def _g1(data: PerfData, answers: HeapInfo) -> tuple[tuple[Pool, ...], Pool]:
    # Up to JDK 17 each size is one object alignment too large, so that jstat does not divide by 0;
    # the first survivor space is never used and shows how much that is.
    pad = data.number("sun.gc.generation.0.space.1.capacity") or 0
    eden = _space(data, 0, 0, True, pad)
    survivor = _space(data, 0, 2, True, pad)
    old = _space(data, 1, 0, _has_collected(data), pad)
    pools = (
        Pool("G1 Eden Space", eden.used, eden.committed),
        Pool("G1 Survivor Space", survivor.used, survivor.committed),
        Pool("G1 Old Gen", old.used, old.committed, old.maximum),
    )
    total = _total(pools)
    used = total.used
    if used is None and answers.heap is not None:
        used = answers.heap.used
    return pools, Pool("", used, total.committed, old.maximum)


def _zgc(data: PerfData, answers: HeapInfo) -> tuple[tuple[Pool, ...], Pool]:
    most = data.number("sun.gc.generation.1.space.0.maxCapacity")
    whole = _whole(answers)
    if _is_generational_zgc(data):
        # Nobody tells what each generation has now.
        names = "ZGC Young Generation", "ZGC Old Generation"
        pools = tuple(Pool(name, maximum=most) for name in names)
    else:
        pools = (Pool("ZHeap", whole.used, whole.committed, most),)
    return pools, Pool("", whole.used, whole.committed, most)


def _is_generational_zgc(data: PerfData) -> bool:
    return data.text("sun.gc.collector.2.name").startswith("ZGC ")


def _shenandoah(data: PerfData, answers: HeapInfo) -> tuple[tuple[Pool, ...], Pool]:
    space = _space(data, 1, 0, True)
    whole = _whole(answers)
    used = space.used or None if whole.used is None else whole.used
    # The counter of what is committed always says the limit.
    total = Pool("", used, whole.committed, space.maximum)
    if "ShenandoahGCMode=generational" in data.text("java.rt.vmArgs"):
        names = "Shenandoah Young Gen", "Shenandoah Old Gen"
        return tuple(Pool(name, maximum=space.maximum) for name in names), total
    return (Pool("Shenandoah", used, whole.committed, space.maximum),), total


def _space(data: PerfData, generation: int, space: int, fresh: bool, pad: int = 0) -> Pool:
    """Return a space's counters; `used` only where it is fresh."""
    prefix = f"sun.gc.generation.{generation}.space.{space}"
    sizes = [data.number(f"{prefix}.{name}") for name in ("capacity", "maxCapacity")]
    committed, most = (None if size is None else max(0, size - pad) for size in sizes)
    return Pool("", data.number(f"{prefix}.used") if fresh else None, committed, most)


def _fill(pool: Pool, answer: Space | None) -> Pool:
    if answer is None:
        return pool
    return Pool(pool.name, answer.used, answer.committed, pool.maximum)


def _whole(answers: HeapInfo) -> Pool:
    if answers.heap is None:
        return UNKNOWN
    return Pool("", answers.heap.used, answers.heap.committed)


def _total(pools: tuple[Pool, ...]) -> Pool:
    """Add the pools up, as far as all of them tell."""
    used, committed, most = (
        sum(known) if len(known := [v for v in values if v is not None]) == len(values) else None
        for values in zip(*[(p.used, p.committed, p.maximum) for p in pools], strict=True)
    )
    return Pool("", used, committed, most)


def _has_collected(data: PerfData) -> bool:
    counts = [data.number(f"sun.gc.collector.{number}.invocations") or 0 for number in range(3)]
    # ZGC of JDK 11 counts nothing; its metaspace is 0 until the first GC there.
    uncounted = data.number("sun.gc.collector.2.invocations") is None and family(data) == "zgc"
    return sum(counts) > 0 or (uncounted and bool(data.number("sun.gc.metaspace.used")))
