"""Runs the detector over what `record.py` recorded: none of these JVMs is sick, so every alarm is false.

    python tests/soak/judge.py FILE [--markdown]

Also says how near each came: the longest run of bad windows, and what a rule without each of its three
conditions would have made of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY)]

from entrypoint.jvm.heap_info import HeapInfo  # noqa: E402
from entrypoint.jvm.hsperfdata import PerfData  # noqa: E402
from entrypoint.lifecycle.history import JvmSample  # noqa: E402
from entrypoint.lifecycle.pressure import (  # noqa: E402
    OLD_SHARE,
    Pressure,
    Signs,
    is_thrashing,
    observe,
)
from entrypoint.system.sample import with_heap  # noqa: E402

INTERVAL = 9.5
"""Seconds between two looks of the real sampler, and a little less."""


def main() -> int:
    file = Path(sys.argv[1])
    jvms: dict[str, list[JvmSample]] = {}
    for line in file.read_text().splitlines():
        row = json.loads(line)
        sample = with_heap(JvmSample(row["at"]), PerfData(row["values"]), HeapInfo())
        jvms.setdefault(row["jvm"], []).append(sample)
    print("| JVM | Samples | Collecting, worst window | Full GCs | Windows: full GC and old ≥ 85%"
          " | bad windows | in a row | alarms at 3 s | at 10 s |")  # fmt: skip
    print("|---" * 9 + "|")
    alarms = 0
    for name, samples in jvms.items():
        row, found = judge(samples)
        alarms += found
        print(f"| {name} | {row} |")
    spans = [samples[-1].at - samples[0].at for samples in jvms.values()]
    print(f"\n{len(jvms)} JVMs, {min(spans) / 60:.0f} minutes: {alarms} false alarms")
    return alarms > 0


def judge(samples: Sequence[JvmSample]) -> tuple[str, int]:
    """Return a row of the table, and the number of alarms."""
    windows = list(pairwise(samples))
    gc = max(((b.gc_seconds or 0) - (a.gc_seconds or 0)) / (b.at - a.at) for a, b in windows)
    full = (samples[-1].full_gcs or 0) - (samples[0].full_gcs or 0)
    near = sum(
        (b.full_gcs or 0) > (a.full_gcs or 0)
        and (b.old_used or 0) >= OLD_SHARE * (b.old_max or 1e18)
        for a, b in windows
    )
    bad = [is_thrashing(a, b) for a, b in windows]
    longest = run = 0
    for one in bad:
        run = run + 1 if one else 0
        longest = max(longest, run)
    fine, coarse = alarms(samples), alarms(tuple(thinned(samples)))
    cells = (len(samples), f"{gc:.0%}", f"{full:.0f}", near, sum(bad), longest, fine, coarse)
    return " | ".join(map(str, cells)), fine + coarse


def alarms(samples: Sequence[JvmSample]) -> int:
    """Return how many episodes of thrashing the detector sees."""
    pressure = Pressure()
    for sample in samples:
        pressure = observe(pressure, sample, Signs())
    return pressure.thrash.count


def thinned(samples: Sequence[JvmSample]) -> Iterator[JvmSample]:
    """Yield the samples that the real sampler would have taken, ten seconds apart."""
    last = float("-inf")
    for sample in samples:
        if sample.at - last >= INTERVAL:
            last = sample.at
            yield sample


if __name__ == "__main__":
    raise SystemExit(main())
