"""The memory budget of a java process in a container: every region, its size, and why.

Here: from the limit, the CPUs, what the profile knows and what options say to a `Budget`, and to the
options that hold java to it. All pure, all sizes in bytes. docs/decisions/0010-memory-budget.md says
where the numbers come from, docs/reference/memory-validation.md how they were tried.
"""

from __future__ import annotations

import math

from entrypoint.jvm import collectors
from entrypoint.jvm.memory_options import KIB, MIB, Given, MemoryOptions, heap_of
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

ENTRYPOINT: Final = 20 * MIB
"""PID 1 itself, with probes and metrics."""
JVM: Final = 44 * MIB
"""libjvm's pages, symbols, class-data archive, and the compilers' working memory (20 to 50 MiB)."""
LEAST_HEAP: Final = 48 * MIB
"""Below it a heap is not worth starting with, unless the profile says otherwise."""
_CLASS: Final = 5800
_CLASSES_BASE: Final = 14_000_000
_TOUCHED_STACK: Final = 200 * KIB
"""What threads use of their stacks, with what the kernel and malloc keep for each of them."""
_JAVA_STACK: Final = 1 * MIB
_HEAP_SHARE: Final = 0.85


@record
class Needs:
    """What is known of the application; None where nothing is, and the limit decides what to assume."""

    classes: int | None = None
    threads: int | None = None
    stack: int | None = None
    direct: int | None = None
    code_cache: int | None = None
    least_heap: int | None = None
    file_cache: float | None = None
    """Percent of the limit to leave for the kernel's cache of the files that it reads and writes."""
    heap_percent: float | None = None
    """Percent of the limit that the operator wants for the heap, instead of what is computed."""
    percent_origin: str = ""
    overcommit: bool = False
    """Whether java is to be started even where the memory does not fit."""


@record
class Region:
    """One part of the budget; `given` tells that somebody set it, `sure` how much is used in any case."""

    name: str
    size: int
    origin: str
    given: bool = False
    sure: int = 0


@record
class Budget:
    """The memory of a container, divided up; the sizes of the regions add up to the limit or more."""

    limit: int
    collector: str
    regions: tuple[Region, ...]
    options: tuple[str, ...]
    heap: int
    least_heap: int
    heap_given: bool

    @property
    def sum(self) -> int:
        """All regions together."""
        return sum(region.size for region in self.regions)

    @property
    def left_over(self) -> int:
        """What no region needs; negative: what is missing."""
        return self.limit - self.sum

    @property
    def spare(self) -> int:
        """What nobody is sure to need: what files in memory may take."""
        return sum(one.size for one in self.regions if one.name == "headroom") + self.left_over

    @property
    def fits(self) -> bool:
        """Whether the regions fit into the limit with a heap worth having."""
        return self.left_over >= 0 and (self.heap_given or self.heap >= self.least_heap)

    @property
    def hopeless(self) -> bool:
        """Whether it cannot fit, even where estimates are twice too high."""
        if not self.heap_given:
            return not self.fits
        return sum(region.sure for region in self.regions) > self.limit


def budget(
    limit: int, cpus: float | None, feature: int, needs: Needs, given: MemoryOptions
) -> Budget:
    """Return how a limit in bytes is divided up; what does not fit is in the answer, not an error."""
    collector = collectors.choose(limit, cpus, feature, given)
    regions = [
        _metaspace(limit, needs, given),
        _code_cache(limit, needs, given),
        _direct(limit, needs, given),
        _threads(limit, needs, given),
        _estimate("JVM itself", JVM, "compilers, symbols, libjvm", sure=JVM),
        _estimate("entrypoint", ENTRYPOINT, "PID 1 with probes and metrics", sure=ENTRYPOINT),
        _estimate("headroom", _headroom(limit), "3% of the limit, 16 to 256 MiB"),
    ]
    fixed, share = collectors.structures(collector, feature)
    outside = sum(region.size for region in regions)
    if needs.file_cache is not None and needs.heap_percent is None and not given.sets_heap:
        files = _file_cache(limit, _room(limit - outside - fixed, share), needs)
        regions += [files] if files.size else []
        outside += files.size
    heap = _heap(limit, outside + fixed, share, collector, needs, given)
    structures = _up(fixed + share * heap.size)
    regions.insert(0, heap)
    regions.insert(
        1, _estimate("collector", structures, f"{collector}: its own structures", sure=structures)
    )
    return Budget(
        limit,
        collector,
        tuple(regions),
        _options(collector, regions, needs, given),
        heap.size,
        needs.least_heap or LEAST_HEAP,
        heap.given,
    )


def smallest_limit(
    cpus: float | None, feature: int, needs: Needs, given: MemoryOptions, above: int
) -> int | None:
    """Return the smallest limit above the given one that would do, in steps of 16 MiB; None: none does.

    With a heap in percent of the limit there may be none.
    """
    step = 16 * MIB

    def fits(limit: int) -> bool:
        return budget(limit, cpus, feature, needs, given).fits

    low, high = above // step, max(above // step * 2, 16)
    while not fits(high * step):
        if high * step > 1 << 46:
            return None
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle * step) else (middle, high)
    return high * step


def _heap(
    limit: int, outside: int, share: float, collector: str, needs: Needs, given: MemoryOptions
) -> Region:
    decided = heap_of(given, limit)
    if decided is not None:
        return Region("heap", decided.bytes, str(decided), given=True, sure=decided.bytes)
    if needs.heap_percent is not None:
        size = _whole(limit * needs.heap_percent / 100)
        origin = f"{needs.percent_origin}: {needs.heap_percent:g}% of the limit"
        return Region("heap", size, origin, given=True, sure=size)
    room = _room(limit - outside, share)
    most = _whole(limit * _HEAP_SHARE)
    rest = f"{_mib(limit)} − {_mib(outside)} outside the heap"
    origin = f"computed: ({rest}) ÷ {1 + share:g} {collector}"
    least = needs.least_heap or LEAST_HEAP
    if room < least and needs.overcommit:
        return Region("heap", least, "the smallest heap worth starting with", sure=least)
    if room > most:
        return Region("heap", most, f"{origin}, at most {_HEAP_SHARE:.0%}")
    return Region("heap", max(room, 0), origin)


def _room(size: int, share: float) -> int:
    """Return the heap in whole MiB for which a size is enough, with the collector's share of it."""
    room = _whole(size / (1 + share))
    return room - MIB if room + _up(share * room) > size else room


def _file_cache(limit: int, room: int, needs: Needs) -> Region:
    """Return what is left to the file cache, which gives way to the smallest heap."""
    wanted = limit * (needs.file_cache or 0) / 100
    size = _whole(max(min(wanted, room - (needs.least_heap or LEAST_HEAP)), 0))
    origin = f"profile: {needs.file_cache:g}% of the limit, for files it reads and writes"
    return Region("file cache", size, origin)


def _metaspace(limit: int, needs: Needs, given: MemoryOptions) -> Region:
    if given.metaspace is not None:
        return _set("metaspace", given.metaspace)
    classes = needs.classes or assumed_classes(limit)
    size = _up(_CLASSES_BASE + classes * _CLASS)
    about = f"about {classes:,} classes, class space included"
    return _estimate("metaspace", size, f"{_known(needs.classes)}: {about}")


def _code_cache(limit: int, needs: Needs, given: MemoryOptions) -> Region:
    if given.code_cache is not None:
        return _set("code cache", given.code_cache)
    if needs.code_cache is not None:
        return _estimate("code cache", needs.code_cache, "profile")
    size = _whole(min(max(32 * MIB, limit // 20), 240 * MIB))
    return _estimate("code cache", size, "computed: 5% of the limit, 32 to 240 MiB")


def _direct(limit: int, needs: Needs, given: MemoryOptions) -> Region:
    if given.direct is not None:
        return _set("direct", given.direct)
    size = needs.direct if needs.direct is not None else assumed_direct(limit)
    return _estimate("direct", size, f"{_known(needs.direct)}: buffers outside the heap")


def _threads(limit: int, needs: Needs, given: MemoryOptions) -> Region:
    threads = needs.threads or assumed_threads(limit)
    stack = given.stack.bytes if given.stack else needs.stack or _JAVA_STACK
    touched = min(stack, _TOUCHED_STACK) if stack else _TOUCHED_STACK
    used = f"{threads} × {touched // KIB} KiB of a {_size(stack or _JAVA_STACK)} stack"
    where = f" ({given.stack})" if given.stack else ""
    return _estimate("threads", _up(threads * touched), f"{_known(needs.threads)}: {used}{where}")


def _headroom(limit: int) -> int:
    return _whole(min(max(16 * MIB, limit * 3 / 100), 256 * MIB))


def assumed_classes(limit: int) -> int:
    """Return the classes of an application that nothing is known of: 16 a MiB of limit, 8,000 to 16,000."""
    return min(max(8000, limit // MIB * 16), 16000)


def assumed_threads(limit: int) -> int:
    """Return the threads of an application that nothing is known of: one for 8 MiB, 40 to 200."""
    return min(max(40, limit // MIB // 8), 200)


def assumed_direct(limit: int) -> int:
    """Return the direct memory of an application that nothing is known of: 1/16, 16 to 64 MiB."""
    return _whole(min(max(16 * MIB, limit // 16), 64 * MIB))


def _options(
    collector: str, regions: list[Region], needs: Needs, given: MemoryOptions
) -> tuple[str, ...]:
    """Return the options that hold java to the budget.

    A region that was only assumed is not capped: a guess must not end an application that has room.
    The collector is always named, so that the JVM cannot come to another one than the sum.
    """
    size = {region.name: region.size // MIB for region in regions}
    made: list[str] = []
    if heap_of(given, 1) is None:
        made += [f"-Xms{size['heap']}m"] if given.initial_heap is None else []
        made.append(f"-Xmx{size['heap']}m")
    if given.collector is None and given.aggressive is None:
        made.append(f"-XX:+{collectors.FLAGS[collector]}")
    if given.metaspace is None and needs.classes is not None:
        made.append(f"-XX:MaxMetaspaceSize={size['metaspace']}m")
    if given.code_cache is None:
        made.append(f"-XX:ReservedCodeCacheSize={size['code cache']}m")
    if given.direct is None and needs.direct is not None:
        made.append(f"-XX:MaxDirectMemorySize={size['direct']}m")
    if given.stack is None and needs.stack is not None:
        made.append(f"-Xss{needs.stack // KIB}k")
    return tuple(made)


def _set(name: str, given: Given) -> Region:
    # A cap that somebody set is no more sure to be reached than one of ours.
    return Region(name, given.bytes, str(given), given=True, sure=given.bytes // 2)


def _estimate(name: str, size: int, origin: str, sure: int | None = None) -> Region:
    return Region(name, size, origin, sure=size // 2 if sure is None else sure)


def _known(value: int | None) -> str:
    return "assumed" if value is None else "profile"


def _whole(size: float) -> int:
    """Return a size cut to whole MiB."""
    return int(size // MIB) * MIB


def _up(size: float) -> int:
    """Return a size rounded up to whole MiB."""
    return math.ceil(size / MIB) * MIB


def _mib(size: float) -> int:
    return math.ceil(size / MIB)


def _size(size: int) -> str:
    return f"{size // KIB} KiB" if size < MIB else f"{size / MIB:g} MiB"
