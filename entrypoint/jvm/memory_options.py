"""What options say about memory, whoever set them: heap, metaspace, code cache, stacks, collector.

Here: from options in the order in which the JVM reads them to sizes with their origin, and the heap that
the JVM makes of percentages. What is to be computed from them is in `memory.py`.
"""

from __future__ import annotations

from entrypoint.jvm import options as syntax
from entrypoint.jvm.flags import parse_size
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

KIB = 1 << 10
MIB = 1 << 20

# HotSpot's MaxHeapSize before anybody sets it: 96 MB, scaled by 1.3 on 64 bits.
_USUAL_HEAP = 130_862_280


@record
class Given:
    """An amount that somebody set, with the option that did it and where that option stands."""

    amount: float
    option: str
    origin: str

    @property
    def bytes(self) -> int:
        """The amount as bytes."""
        return int(self.amount)

    def __str__(self) -> str:
        return f"{self.origin} {self.option}" if self.origin else self.option


@record
class MemoryOptions:
    """Everything that options say about memory; None where they say nothing."""

    heap: Given | None = None
    """-Xmx, which beats every share."""
    initial_heap: Given | None = None
    share: Given | None = None
    """Percent of the memory (the amount) that the heap may have; `MaxRAM` and AggressiveHeap count too."""
    small_share: Given | None = None
    """The same for a machine so small that the share would be less than HotSpot's usual heap."""
    memory: Given | None = None
    """-XX:MaxRAM: what the JVM takes for the memory of the machine."""
    aggressive: Given | None = None
    metaspace: Given | None = None
    code_cache: Given | None = None
    direct: Given | None = None
    stack: Given | None = None
    collector: Given | None = None
    """Its option; `name` of the collector is what `options.collector` makes of it."""
    processors: Given | None = None

    @property
    def sets_heap(self) -> bool:
        """Tell whether the largest heap is somebody's decision."""
        return any((self.heap, self.share, self.small_share, self.memory, self.aggressive))


def read(options: Iterable[tuple[str, str]]) -> MemoryOptions:
    """Return what (option, origin) pairs, in the JVM's order, say about memory; the last one wins."""
    found: dict[str, Given] = {}
    for option, origin in options:
        if syntax.collector(option):
            found["Collector"] = Given(1, option, origin)
        for key in syntax.keys(option):
            amount = _amount(key, option)
            if amount is not None:
                found[key] = Given(amount, option, origin)
    aggressive = found.get("AggressiveHeap")
    return MemoryOptions(
        heap=found.get("MaxHeapSize"),
        initial_heap=found.get("InitialHeapSize"),
        share=found.get("MaxRAMPercentage") or found.get("MaxRAMFraction"),
        small_share=found.get("MinRAMPercentage") or found.get("MinRAMFraction"),
        memory=found.get("MaxRAM"),
        aggressive=aggressive,
        metaspace=found.get("MaxMetaspaceSize"),
        code_cache=found.get("ReservedCodeCacheSize"),
        direct=found.get("MaxDirectMemorySize"),
        stack=found.get("ThreadStackSize"),
        collector=found.get("Collector"),
        processors=found.get("ActiveProcessorCount"),
    )


def heap_of(given: MemoryOptions, memory: int) -> Given | None:
    """Return the largest heap in bytes, as the JVM derives it where options decide it; None: ours to do."""
    if given.heap is not None:
        return given.heap
    if not given.sets_heap:
        return None
    seen = min(memory, given.memory.bytes) if given.memory else memory
    if given.aggressive:
        return Given(
            min(seen // 2, seen - 160 * MIB), given.aggressive.option, given.aggressive.origin
        )
    usual = int(seen * (given.share.amount if given.share else 25.0) / 100)
    small = int(seen * (given.small_share.amount if given.small_share else 50.0) / 100)
    size = small if small < _USUAL_HEAP else max(usual, _USUAL_HEAP)
    source = (given.small_share if small < _USUAL_HEAP else given.share) or given.memory
    source = source or given.share or given.small_share
    assert source is not None, "something sets the heap"
    return Given(size, source.option, source.origin)


def _amount(key: str, option: str) -> float | None:
    """Return what an option sets, in bytes, percent or pieces; None for what cannot be read."""
    value = option.partition("=")[2]
    match key:
        case "ThreadStackSize" if value:
            size = parse_size(value)
            return None if size is None else size * KIB  # -XX:ThreadStackSize counts in KiB
        case "MaxHeapSize" | "InitialHeapSize" | "ThreadStackSize" | "MaxRAM" | "MaxMetaspaceSize":
            return parse_size(value or option[4:])
        case "ReservedCodeCacheSize" | "MaxDirectMemorySize":
            return parse_size(value or option.removeprefix("-Xmaxjitcodesize"))
        case "MaxRAMPercentage" | "MinRAMPercentage" | "ActiveProcessorCount":
            return _number(value)
        case "MaxRAMFraction" | "MinRAMFraction":
            pieces = _number(value)
            return 100 / pieces if pieces else None
        case "AggressiveHeap":
            return 1 if option.startswith("-XX:+") else None
        case _:
            return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
