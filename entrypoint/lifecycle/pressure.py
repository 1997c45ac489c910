"""Does java get anywhere? Two signs that it does not, from samples: thrashing, and hanging.

Here: `observe`, from one sample to the next, and the words. No clock, no input or output.

- Thrashing: nearly all time goes into full collections that free nothing. Time alone does not tell: a busy,
  healthy JVM spends 12 to 40% on collections, and a small one collects fully many times a second. A window
  is bad when collections took a tenth of the time, the old generation is at least 85% full at its end,
  and there was a full collection with hardly a young one: in the healthy JVMs of the soak five or more young
  ones came with each full one, in a heap that is full for good less than one.
- Hanging: java is stopped, or does not answer while it neither uses a CPU nor waits for one. A JVM in a long
  collection, or on a node without CPU for it, does not answer either; only after two minutes that counts too.

An episode begins after several bad windows and ends after as many good ones: one good window in between
does not make two episodes of it. Collectors without a count of full collections (ZGC, Shenandoah, CMS) are
never said to thrash.
"""

from __future__ import annotations

from entrypoint.records import record, replace
from entrypoint.values import format_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from entrypoint.lifecycle.history import JvmSample

THRASH_WINDOWS: Final = 6
HUNG_WINDOWS: Final = 3
SILENT_WINDOWS: Final = 12
"""Windows without an answer after which it counts whatever the CPU says."""
OLD_SHARE: Final = 0.85
GC_SHARE: Final = 0.10
YOUNG_PER_FULL: Final = 2
IDLE_CPU: Final = 0.02
STARVED: Final = 0.1
"""Share of the time that java's threads together waited for a CPU, from which it is not idle."""


@record
class Signs:
    """What a sample does not hold: the state's letter, and whether java answered (None: not asked).

    `waited` is the total of seconds that its threads were ready and had no CPU; None where not looked at.
    """

    state: str = ""
    answered: bool | None = None
    waited: float | None = None


@record
class Episode:
    """Something bad that goes on: how many windows speak for it, since when (monotonic), how often.

    `first` is the end of the first window that spoke for it, before we are sure that it goes on.
    """

    windows: int = 0
    since: float | None = None
    count: int = 0
    first: float | None = None

    @property
    def on(self) -> bool:
        """Whether it goes on now."""
        return self.since is not None


@record
class Pressure:
    """What the samples said so far; the two last ones and how both signs stand."""

    thrash: Episode = Episode()
    hang: Episode = Episode()
    silent: int = 0
    before: JvmSample | None = None
    sample: JvmSample | None = None
    signs: Signs = Signs()


def observe(pressure: Pressure, sample: JvmSample, signs: Signs) -> Pressure:
    """Return the pressure after one more sample."""
    before = pressure.sample
    if before is None or sample.at <= before.at:
        return replace(pressure, sample=sample, signs=signs)
    silent = pressure.silent + 1 if signs.answered is False else 0
    return Pressure(
        _count(pressure.thrash, is_thrashing(before, sample), sample.at, THRASH_WINDOWS),
        _count(
            pressure.hang, _is_hanging(pressure, sample, signs, silent), sample.at, HUNG_WINDOWS
        ),
        silent,
        before,
        sample,
        signs,
    )


def is_thrashing(before: JvmSample, sample: JvmSample) -> bool:
    """Tell whether the window between two samples is a bad one."""
    if before.full_gcs is None or sample.full_gcs is None:
        return False
    if not sample.old_max or sample.old_used is None:
        return False
    full = sample.full_gcs - before.full_gcs
    young = (sample.young_gcs or 0) - (before.young_gcs or 0)
    return (
        full >= 1
        and young <= YOUNG_PER_FULL * full
        and sample.old_used >= OLD_SHARE * sample.old_max
        and _share(before.gc_seconds, sample.gc_seconds, sample.at - before.at) >= GC_SHARE
    )


def _is_hanging(pressure: Pressure, sample: JvmSample, signs: Signs, silent: int) -> bool:
    before = pressure.sample
    if signs.state in {"T", "t"} or before is None:
        return before is not None
    apart = sample.at - before.at
    cpu = _share(before.cpu_seconds, sample.cpu_seconds, apart)
    starved = _share(pressure.signs.waited, signs.waited, apart) >= STARVED
    idle = sample.cpu_seconds is not None and cpu < IDLE_CPU and not starved
    return (silent > 0 and idle) or silent >= SILENT_WINDOWS


def _share(before: float | None, after: float | None, apart: float) -> float:
    if before is None or after is None or apart <= 0:
        return 0.0
    return max(0.0, after - before) / apart


def _count(episode: Episode, bad: bool, now: float, enough: int) -> Episode:
    windows = min(enough, episode.windows + 1) if bad else max(0, episode.windows - 1)
    first = now if episode.first is None else episode.first
    if not episode.on and windows == enough:
        return Episode(windows, first, episode.count + 1, first)
    if windows == 0:
        return Episode(0, None, episode.count)
    return replace(episode, windows=windows, first=first)


def thrash_text(pressure: Pressure, now: float) -> str:
    """Say how java stands with its heap, in a few words."""
    if pressure.thrash.since is None:
        return "no"
    sample = pressure.sample
    old = ""
    if sample is not None and sample.old_max and sample.old_used is not None:
        old = f", old generation {sample.old_used / sample.old_max:.0%} full"
    since = format_duration(max(0.0, now - pressure.thrash.since))
    return f"full collections that free nothing, since {since}{old}"


def hang_text(pressure: Pressure, now: float) -> str:
    """Say whether java still moves, in a few words."""
    if pressure.hang.since is None:
        return "no"
    how = "stopped" if pressure.signs.state in {"T", "t"} else "does not answer"
    return f"{how}, since {format_duration(max(0.0, now - pressure.hang.since))}"
