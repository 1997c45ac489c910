"""Garbage collectors: which one a JVM runs with, and what that one needs outside the heap.

Here: facts of HotSpot, measured on 8 to 25. All sizes in bytes.
"""

from __future__ import annotations

import math

from entrypoint.jvm.memory_options import MIB
from entrypoint.jvm.options import collector as collector_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from entrypoint.jvm.memory_options import MemoryOptions

FLAGS: Final = {"Serial": "UseSerialGC", "Parallel": "UseParallelGC", "G1": "UseG1GC"}
"""The flag of each collector that a JVM chooses by itself."""

_SERVER_MEMORY: Final = 1792 * MIB
_SERVER_CPUS: Final = 2

# Fixed MiB, share of the heap: mark bitmaps, card tables, remembered sets, worker threads.
_STRUCTURES: Final = {
    "Serial": (0, 0.01), "Epsilon": (0, 0.01), "Parallel": (8, 0.04), "CMS": (16, 0.06),
    "G1": (40, 0.05), "ZGC": (64, 0.10), "Shenandoah": (48, 0.08),
}  # fmt: skip
_G1_FROM_20: Final = (32, 0.035)
"""JDK 20 freed G1 of its second mark bitmap."""


def choose(limit: int, cpus: float | None, feature: int, given: MemoryOptions) -> str:
    """Return the collector that options name, else the one that this JDK chooses by itself.

    That is Serial below 1792 MB or two CPUs, else G1, and Parallel on 8: HotSpot's "server class".
    """
    if given.collector is not None:
        return collector_of(given.collector.option)
    if given.aggressive is not None:
        return "Parallel"
    processors = given.processors.amount if given.processors else cpus
    seen = min(limit, given.memory.bytes) if given.memory else limit
    # The JVM rounds a quota up: 1.5 CPUs are two.
    if seen < _SERVER_MEMORY or (processors is not None and math.ceil(processors) < _SERVER_CPUS):
        return "Serial"
    return "Parallel" if feature < 9 else "G1"


def structures(collector: str, feature: int) -> tuple[int, float]:
    """Return what a collector keeps outside the heap: fixed bytes, and a share of the heap."""
    from_20 = collector == "G1" and feature >= 20
    fixed, share = _G1_FROM_20 if from_20 else _STRUCTURES[collector]
    return fixed * MIB, share
