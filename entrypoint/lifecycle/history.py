"""The last hour of the JVM, in a ring of fixed size: what the graphs are drawn from.

Here: samples in, series out, down-sampling. What was not measured is None from end to end: a gap is
drawn as a gap, never as 0. No clock, no input or output; who calls from two threads holds a lock.
"""

from __future__ import annotations

from array import array

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, TypeAlias

    Series: TypeAlias = tuple[float | None, ...]
    """Equally spaced values, the newest last; None where nothing is known."""

RESOLUTION: Final = 10.0
"""Seconds between two points, and the interval at which samples are taken."""
POINTS: Final = 360
WINDOWS: Final = (60, 180, POINTS)
"""Points that a graph shows: ten minutes while there is no more to see, then thirty, then an hour."""

NAMES: Final = ("heap", "gc", "full_gcs", "threads", "cpu", "rss", "memory")
"""heap, rss, memory: bytes. gc: share of time, 0 to 1. full_gcs: how many. cpu: CPUs in use."""

_GAP: Final = float("nan")


@record
class JvmSample:
    """What was measured of java at the monotonic time `at`; None is "not known".

    Sizes are bytes. `gc_seconds`, `full_gcs` and `cpu_seconds` are totals since java's start.
    `memory_used` and `memory_limit` are the container's, without the cache that can be dropped.
    `old_used` is the old generation's, as of the last collection where the JVM tells no later one.
    """

    at: float
    heap_used: float | None = None
    heap_max: float | None = None
    gc_seconds: float | None = None
    full_gcs: float | None = None
    threads: float | None = None
    cpu_seconds: float | None = None
    rss: float | None = None
    memory_used: float | None = None
    memory_limit: float | None = None
    young_gcs: float | None = None
    old_used: float | None = None
    old_max: float | None = None
    metaspace: float | None = None


class History:
    """The last hour: 360 points of 10 s each, and the latest sample; about 10 KB, whatever happens."""

    def __init__(self, resolution: float = RESOLUTION, points: int = POINTS) -> None:
        self.resolution = resolution
        self.points = points
        self.latest: JvmSample | None = None
        self._rings = {name: array("f", [_GAP]) * points for name in NAMES}
        self._origin = 0.0
        self._newest = -1

    def add(self, sample: JvmSample) -> None:
        """Take a sample; of two in one slot the later counts, and a slot without one is a gap.

        Samples come in the order of time: one that is older than the latest is dropped.
        """
        before = self.latest
        if before is None:
            self._origin = sample.at
        elif sample.at < before.at:
            return
        # Rounded, not cut: a thread that wakes a little early or late stays in its slot.
        slot = round((sample.at - self._origin) / self.resolution)
        self._skip_to(slot)
        for name, value in _point(before, sample).items():
            # A rate over no time says nothing: the value that is there stays.
            if value is not None:
                self._rings[name][slot % self.points] = value
        self.latest = sample

    def series(self, name: str, now: float, points: int = POINTS) -> Series:
        """Return the last values of a name up to the slot of `now`, gaps as None."""
        if self.latest is None:
            return (None,) * points
        last = round((now - self._origin) / self.resolution)
        # At the end of the newest slot its successor has begun, but nobody has missed its sample yet.
        last = self._newest if last == self._newest + 1 else max(last, self._newest)
        ring = self._rings[name]
        found: list[float | None] = []
        for slot in range(last - points + 1, last + 1):
            known = max(0, self._newest - self.points + 1) <= slot <= self._newest
            value = ring[slot % self.points] if known else _GAP
            found.append(value if value == value else None)  # noqa: PLR0124 - NaN
        return tuple(found)

    def _skip_to(self, slot: int) -> None:
        """Make every slot between the newest one and this one, and this one itself, a gap."""
        first = max(self._newest + 1, slot - self.points + 1)
        for passed in range(first, slot + 1):
            for ring in self._rings.values():
                ring[passed % self.points] = _GAP
        self._newest = max(self._newest, slot)


def _point(before: JvmSample | None, sample: JvmSample) -> dict[str, float | None]:
    apart = 0.0 if before is None else sample.at - before.at
    gc = full_gcs = cpu = None
    if before is not None and apart > 0:
        gc = _rate(before.gc_seconds, sample.gc_seconds, apart)
        full_gcs = _rate(before.full_gcs, sample.full_gcs, 1.0)
        cpu = _rate(before.cpu_seconds, sample.cpu_seconds, apart)
    return {
        "heap": sample.heap_used,
        # The totals of two clocks: a window that was all collection comes out a little above 1.
        "gc": None if gc is None else min(gc, 1.0),
        "full_gcs": full_gcs,
        "threads": sample.threads,
        "cpu": cpu,
        "rss": sample.rss,
        "memory": sample.memory_used,
    }


def _rate(before: float | None, after: float | None, apart: float) -> float | None:
    """Return growth per second; None where a total is unknown, or has fallen: it is another one."""
    if before is None or after is None or after < before:
        return None
    return (after - before) / apart


def window(seconds: float, resolution: float = RESOLUTION) -> int:
    """Return how many points a graph should show of a run that is `seconds` old."""
    return next((points for points in WINDOWS if seconds <= points * resolution), WINDOWS[-1])


def downsample(values: Sequence[float | None], width: int) -> Series:
    """Return `width` values: of each part the largest, so that no peak is lost; gaps stay gaps.

    A series that is not longer than `width` is returned as it is.
    """
    count = len(values)
    if count <= width:
        return tuple(values)
    parts = (values[i * count // width : (i + 1) * count // width] for i in range(width))
    return tuple(
        max((value for value in part if value is not None), default=None) for part in parts
    )
