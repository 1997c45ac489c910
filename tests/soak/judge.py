"""Runs the detectors over what `record.py` recorded: these JVMs are healthy, so every alarm is false.

    python tests/soak/judge.py FILE [--page docs/reference/thrash-soak.md]

Also says how near each came, and whether the control, which was stopped at the end, was found. Exits with
1 when there is a false alarm, or none for the control.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY)]

from entrypoint.jvm.heap_info import HeapInfo  # noqa: E402
from entrypoint.jvm.hsperfdata import PerfData  # noqa: E402
from entrypoint.lifecycle.history import JvmSample  # noqa: E402
from entrypoint.lifecycle.pressure import (  # noqa: E402
    HUNG_WINDOWS,
    OLD_SHARE,
    SILENT_WINDOWS,
    THRASH_WINDOWS,
    Pressure,
    Signs,
    is_thrashing,
    observe,
)
from entrypoint.system.sample import with_heap  # noqa: E402

INTERVAL = 9.5
"""Seconds between two looks of the real sampler, and a little less."""
BUSY = 0.02
"""CPUs in use from which the JVM was busy in a window."""
PAGE = """\
# The soak of the detectors of thrashing and hanging

{minutes:.0f} minutes, made by `tests/soak/`, which says how: every one of these JVMs is healthy, so every
alarm would be false. Machine of {cpus} cores, shared with others. Each JVM is flat out for two minutes in
every twelve, two at a time; all together have a third of one core at a low priority, so those that are flat
out are throttled all the time.

**{verdict}** The detectors were run over the looks as they were recorded, every {every:g} s, and over
those that PID 1 would have taken, every 10 s.

## Thrashing

"Bad windows" meet all conditions of the detector; an alarm takes {thrash} of them.

{thrashing}

## Hanging

java is asked at each look, as `entrypoint/watch.py` does: is it stopped, and does it answer within a second?
"Silent" windows had no answer; an alarm takes {hung} of them in which java uses no CPU, or {silent} in a row
whatever it uses. "Waited" is for a CPU, all threads together, as a share of the time.

{hanging}

{control}

Judge it again, with any detector: `python tests/soak/judge.py FILE`.
"""
THRASHING = (
    "JVM", "Looks", "Collecting, worst window", "Full GCs", "Windows: full GC and old ≥ 85%", "bad windows",
    "in a row",
)  # fmt: skip
HANGING = ("JVM", "Flat out", "Asked", "Answer after, p99 ms", "silent", "in a row",
           "silent with CPU", "waited")  # fmt: skip


@dataclass
class Look:
    """One line of the recording."""

    sample: JvmSample
    signs: Signs
    took: float
    waited: float


@dataclass
class Recording:
    """What was seen of one JVM, and since when it was stopped: the control only."""

    looks: list[Look] = field(default_factory=list)
    stopped: float | None = None


def main() -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--page", type=Path, help="write the page of the documentation too")
    asked = parser.parse_args()
    healthy, control = read(asked.file)
    every = interval(next(iter(healthy.values())).looks)
    thrashing, hanging = [
        [row(*names, f"alarms at {every:g} s", "at 10 s"), "|---" * (len(names) + 2) + "|"]
        for names in (THRASHING, HANGING)
    ]
    alarms = 0
    for name, recording in sorted(healthy.items(), key=lambda item: in_order(item[0])):
        fine = alarms_of(recording.looks)
        coarse = alarms_of(tuple(thinned(recording.looks)))
        thrashing.append(row(name, *thrash_cells(recording.looks), fine[0], coarse[0]))
        hanging.append(row(name, *hang_cells(recording.looks), fine[1], coarse[1]))
        alarms += sum(fine) + sum(coarse)
    spans = [one.looks[-1].sample.at - one.looks[0].sample.at for one in healthy.values()]
    found, control_text = judge_control(control)
    count = f"{alarms or 'no'} false alarm{'s' * (alarms != 1)}"
    verdict = f"{len(healthy)} JVMs, {min(spans) / 60:.0f} minutes: {count}."
    page = PAGE.format(
        minutes=min(spans) / 60, cpus=os.cpu_count(), verdict=verdict, every=every,
        thrash=THRASH_WINDOWS, hung=HUNG_WINDOWS, silent=SILENT_WINDOWS,
        thrashing="\n".join(thrashing), hanging="\n".join(hanging), control=control_text,
    )  # fmt: skip
    sys.stdout.write(page)
    if asked.page:
        asked.page.write_text(page)
    return int(alarms > 0 or not found)


def row(*cells: object) -> str:
    """Return a line of a table."""
    return "| " + " | ".join(map(str, cells)) + " |"


def in_order(name: str) -> tuple[str | int, ...]:
    """Return what puts "17 Serial 64m" before "17 Serial 128m"."""
    return tuple(int(word) if word.isdigit() else word for word in re.split(r"(\d+)", name))


def read(file: Path) -> tuple[dict[str, Recording], Recording]:
    """Return the recording of each healthy JVM by name, and that of the control."""
    jvms: dict[str, Recording] = {}
    with file.open() as lines:
        for line in lines:
            row = json.loads(line)
            recording = jvms.setdefault(row["jvm"], Recording())
            if "stopped" in row:
                recording.stopped = row["stopped"]
                continue
            sample = JvmSample(row["at"], cpu_seconds=row["cpu"])
            if row["values"]:
                sample = with_heap(sample, PerfData(row["values"]), HeapInfo())
            # As the watch does: it looks at the waiting only of a JVM that does not answer.
            waited = row["waited"] if row["answered"] is False else None
            signs = Signs(row["state"], row["answered"], waited)
            recording.looks.append(Look(sample, signs, row["took"], row["waited"]))
    controls = [name for name, one in jvms.items() if one.stopped is not None]
    if len(controls) != 1:
        raise SystemExit(f"{file}: {len(controls)} JVMs were stopped at the end, 1 expected")
    return jvms, jvms.pop(controls[0])


def interval(looks: Sequence[Look]) -> float:
    """Return the seconds between two looks, the usual ones."""
    apart = sorted(b.sample.at - a.sample.at for a, b in pairwise(looks))
    return round(apart[len(apart) // 2], 1)


def thrash_cells(looks: Sequence[Look]) -> tuple[object, ...]:
    """Return how near it came to the detector of thrashing."""
    windows = [(a.sample, b.sample) for a, b in pairwise(looks)]
    gc = max(((b.gc_seconds or 0) - (a.gc_seconds or 0)) / (b.at - a.at) for a, b in windows)
    full = (looks[-1].sample.full_gcs or 0) - (looks[0].sample.full_gcs or 0)
    near = sum(
        (b.full_gcs or 0) > (a.full_gcs or 0)
        and (b.old_used or 0) >= OLD_SHARE * (b.old_max or 1e18)
        for a, b in windows
    )
    bad = [is_thrashing(a, b) for a, b in windows]
    return len(looks), f"{gc:.0%}", f"{full:.0f}", near, sum(bad), longest(bad)


def hang_cells(looks: Sequence[Look]) -> tuple[object, ...]:
    """Return how near it came to the detector of hanging."""
    windows = list(pairwise(looks))
    span = looks[-1].sample.at - looks[0].sample.at
    used = [
        ((b.sample.cpu_seconds or 0) - (a.sample.cpu_seconds or 0)) / (b.sample.at - a.sample.at)
        for a, b in windows
    ]
    asked = sorted(look.took for look in looks if look.signs.answered is not None)
    p99 = asked[int(len(asked) * 0.99)] * 1000 if asked else 0
    silent = [look.signs.answered is False for look in looks]
    with_cpu = sum(
        one.signs.answered is False and share >= BUSY
        for (_, one), share in zip(windows, used, strict=True)
    )
    waits = (looks[-1].waited - looks[0].waited) / span
    busy = sum(share >= BUSY for share in used) / len(used)
    return (
        f"{busy:.0%}", len(asked), f"{p99:.0f}", sum(silent), longest(silent), with_cpu, f"{waits:.0%}"
    )  # fmt: skip


def longest(flags: Sequence[bool]) -> int:
    """Return the longest run of true ones."""
    return max((len(list(run)) for flag, run in groupby(flags) if flag), default=0)


def alarms_of(looks: Sequence[Look], *, state: bool = True) -> tuple[int, int]:
    """Return how many episodes of thrashing and of hanging the detectors see."""
    pressure = Pressure()
    for look in looks:
        signs = look.signs if state else Signs("", look.signs.answered)
        pressure = observe(pressure, look.sample, signs)
    return pressure.thrash.count, pressure.hang.count


def judge_control(control: Recording) -> tuple[bool, str]:
    """Tell whether the JVM that was stopped was found, by its state and by its silence, once each."""
    at = control.stopped or 0.0
    before = tuple(thinned([look for look in control.looks if look.sample.at < at]))
    looks = tuple(thinned(control.looks))
    by_state, by_silence = alarms_of(looks)[1], alarms_of(looks, state=False)[1]
    false = alarms_of(before)[1]
    found = (false, by_state, by_silence) == (0, 1, 1)
    seconds = control.looks[-1].sample.at - at
    return found, (
        f"The control, a JVM of the same run that was stopped (SIGSTOP) for the last {seconds:.0f} s,"
        f" gave {false} alarms before,\nand at 10 s {by_state} by its state and {by_silence} by its silence"
        " alone: one each is right."
    )


def thinned(looks: Sequence[Look]) -> Iterator[Look]:
    """Yield the looks that the real sampler would have taken, ten seconds apart."""
    last = float("-inf")
    for look in looks:
        if look.sample.at - last >= INTERVAL:
            last = look.sample.at
            yield look


if __name__ == "__main__":
    raise SystemExit(main())
