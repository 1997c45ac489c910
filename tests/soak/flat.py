"""Judges the recording of a soak: did anything of PID 1 grow, and was anything lost?

    python3 tests/soak/flat.py FILE.csv [--page FILE] [--image FILE]

Trends are Theil-Sen slopes over windows of a minute or more: the median of the slopes of all pairs, which a
few odd minutes do not move. Pure but for `main`: rows and facts in, a verdict and its words out.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(REPOSITORY / "tests")]

from soak.recording import Row, read  # noqa: E402

WARM_UP = 900.0
"""Seconds: three rounds of faults and 900 scrapes, in which PID 1 imports what it needs only then, and the
allocator gets its pools for every size."""
WINDOW, WINDOWS = 60.0, 120
"""Seconds of a window at least, and how many there are at most."""
ENOUGH = 20
"""Windows from which a trend says something."""
AFTERMATH = 5.0
"""Seconds after a fault that belong to it: what came late then is not counted as usual."""
Z_95 = 1.96
ZOMBIES = 3
"""Seconds in a row with a zombie, from which somebody has forgotten it."""

Values = Callable[[Sequence[Row]], float | None]


@dataclass(frozen=True)
class Facts:
    """What is known of a run beside its rows."""

    seed: int
    faults: int
    failed: tuple[str, ...]
    exit_code: int
    zookeeper_codes: tuple[int, ...]
    left: tuple[str, ...]
    sent: int
    received: int
    astray: int
    orphans_made: int
    orphans_reaped: int
    wrong: tuple[str, ...]
    bugs: int
    """Tracebacks in the output."""
    output: str = ""

    def write(self, file: Path) -> None:
        """Write it beside the recording."""
        file.write_text(json.dumps(asdict(self), indent=1) + "\n")


def read_facts(file: Path) -> Facts:
    """Return what `Facts.write` wrote."""
    values: dict[str, Any] = json.loads(file.read_text())
    lists: dict[str, Any] = {k: tuple(v) for k, v in values.items() if isinstance(v, list)}
    return Facts(**(values | lists))


def beside(recording: Path) -> Path:
    """Return where the facts of a recording are."""
    return recording.with_suffix(".json")


@dataclass(frozen=True)
class Measure:
    """One thing that must not grow: what a window's value is, and how much more there may be at the end.

    What is infinitely allowed is shown, and not judged.
    """

    name: str
    unit: str
    value: Values
    allowed: float
    share: bool = False
    """Whether `allowed` is a part of the level."""


@dataclass(frozen=True)
class Trend:
    """What became of a measure; `drift` is the slope times the time that was judged, within 95%."""

    measure: Measure
    level: float
    drift: float
    low: float
    high: float
    allowed: float

    @property
    def flat(self) -> bool:
        """Whether it did not grow by more than is allowed, or so little that chance explains it."""
        return self.drift <= self.allowed or self.low <= 0


def median_of(field: str) -> Values:
    """Return the median of a column."""
    return lambda rows: _median([v for row in rows if (v := getattr(row, field)) is not None])


def quantile_of(field: str, share: float) -> Values:
    """Return a quantile of all latencies of a column."""

    def value(rows: Sequence[Row]) -> float | None:
        values = sorted(v for row in rows for v in getattr(row, field))
        return values[min(len(values) - 1, int(share * len(values)))] if values else None

    return value


def rate_of(field: str, scale: float = 1.0) -> Values:
    """Return the growth of a total, per second, over neighbouring rows."""

    def value(rows: Sequence[Row]) -> float | None:
        grown = seconds = 0.0
        for a, b in pairwise(rows):
            before, after = getattr(a, field), getattr(b, field)
            if before is None or after is None or b.at - a.at > 2:
                continue
            # A thread that ended took its share with it.
            grown += max(0.0, after - before)
            seconds += b.at - a.at
        return grown * scale / seconds if seconds else None

    return value


MEASURES = (
    Measure("memory of its own", "kB", median_of("anonymous_kb"), 128),
    # With the pages of files that were not needed before.
    Measure("RSS", "kB", median_of("rss_kb"), 512),
    # It grows when a neighbour that maps the same files ends.
    Measure("PSS", "kB", median_of("pss_kb"), math.inf),
    Measure("descriptors", "", median_of("fds"), 0.5),
    Measure("threads", "", median_of("threads"), 0.5),
    Measure("CPU", "ms/s", rate_of("cpu_s", 1e3), 0.15, share=True),
    Measure("wakeups", "/s", rate_of("switches"), 0.15, share=True),
    Measure("scrape p50", "ms", quantile_of("scrapes_ms", 0.5), 0.25, share=True),
    # Of 60 or 120 answers that is the slowest: it follows the load of the machine, and is shown only.
    Measure("scrape p99", "ms", quantile_of("scrapes_ms", 0.99), math.inf),
    Measure("probe p50", "ms", quantile_of("probes_ms", 0.5), 0.25, share=True),
    Measure("probe p99", "ms", quantile_of("probes_ms", 0.99), math.inf),
)


def attributed(rows: Sequence[Row]) -> tuple[tuple[str, Row], ...]:
    """Return each row with the fault that it belongs to: the one that is on, or was shortly before."""
    found = []
    name, last = "", -math.inf
    for row in rows:
        if row.fault:
            name, last = row.fault, row.at
        elif row.at - last > AFTERMATH:
            name = ""
        found.append((name, row))
    return tuple(found)


def quiet(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the rows in which nothing was done to it, nor shortly before."""
    return tuple(row for name, row in attributed(rows) if not name)


def windows(rows: Sequence[Row], seconds: float) -> Iterator[tuple[float, tuple[Row, ...]]]:
    """Yield the middle of each window and its rows."""
    for number, group in groupby(rows, lambda row: int(row.at / seconds)):
        yield (number + 0.5) * seconds, tuple(group)


def window_seconds(rows: Sequence[Row]) -> float:
    """Return the length of a window: a minute, or what makes so many of them."""
    return max(WINDOW, rows[-1].at / WINDOWS) if rows else WINDOW


def trend(measure: Measure, rows: Sequence[Row]) -> Trend | None:
    """Return the trend after the warm-up; None for a run that is too short for one."""
    judged = quiet([row for row in rows if row.at >= WARM_UP])
    points = [
        (at, value)
        for at, group in windows(judged, window_seconds(rows))
        if (value := measure.value(group)) is not None
    ]
    if len(points) < ENOUGH:
        return None
    slope, low, high = theil_sen(points)
    span = points[-1][0] - points[0][0]
    level = statistics.median(value for _, value in points)
    allowed = measure.allowed * (level if measure.share else 1)
    return Trend(measure, level, slope * span, low * span, high * span, allowed)


def theil_sen(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Return the median slope of all pairs of points in order, and its 95% interval (Sen 1968)."""
    slopes = sorted(
        (y2 - y1) / (x2 - x1) for i, (x1, y1) in enumerate(points) for x2, y2 in points[i + 1 :]
    )
    count = len(points)
    ties = [len(list(group)) for _, group in groupby(sorted(y for _, y in points))]
    variance = count * (count - 1) * (2 * count + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)
    half = Z_95 * math.sqrt(max(0.0, variance / 18)) / 2
    middle = (len(slopes) - 1) / 2
    low = slopes[max(0, math.floor(middle - half))]
    high = slopes[min(len(slopes) - 1, math.ceil(middle + half))]
    return statistics.median(slopes), low, high


def complaints(rows: Sequence[Row], facts: Facts) -> tuple[str, ...]:
    """Return what was lost, left, wrong or forgotten; nothing of that depends on time."""
    last = rows[-1]
    longest = max(
        (len(list(group)) for held, group in groupby(rows, lambda row: row.zombies > 0) if held),
        default=0,
    )
    said = (
        (facts.exit_code != 0, f"Kafka's exit code after TERM is {facts.exit_code}, not 0"),
        (any(facts.zookeeper_codes), f"ZooKeeper's exit codes are {facts.zookeeper_codes}"),
        (bool(facts.left), f"processes are left: {facts.left}"),
        (facts.received != facts.sent or facts.astray > 0,
         f"{facts.sent} messages were sent, {facts.received} received, {facts.astray} out of order"),
        (facts.orphans_reaped < facts.orphans_made,
         f"{facts.orphans_made} orphans were made, {facts.orphans_reaped} reaped"),
        (longest >= ZOMBIES, f"there were zombies for {longest} s"),
        (last.unanswered > 0, f"{last.unanswered} requests had no right answer: {facts.wrong}"),
        (last.not_live > 0, f"/livez failed {last.not_live} times"),
        (not all(row.java for row in rows), "java was gone"),
        (facts.bugs > 0, f"{facts.bugs} tracebacks in the output"),
        (bool(facts.failed), f"faults that could not be carried out: {facts.failed}"),
    )  # fmt: skip
    return tuple(text for wrong, text in said if wrong)


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add where the verdict goes beside standard output."""
    parser.add_argument("--page", type=Path, help="write the page of the documentation too")
    parser.add_argument("--image", type=Path, help="draw it to a PNG too; needs matplotlib")


def tell(recording: Path, facts: Facts, page: Path | None, image: Path | None) -> int:
    """Print the verdict, write and draw what is asked for, and return the exit code."""
    from soak import verdict

    rows = read(recording)
    trends = tuple(trend(measure, rows) for measure in MEASURES)
    wrong = complaints(rows, facts)
    text = verdict.page(rows, facts, trends, wrong)
    sys.stdout.write(text)
    if facts.output:
        sys.stdout.write(f"\nIts output ends:\n{facts.output}\n")
    if page is not None:
        page.write_text(text, encoding="utf-8")
    if image is not None:
        from soak import plot

        plot.draw(rows, image)
    return int(bool(wrong) or any(one is not None and not one.flat for one in trends))


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="tests/soak/flat.py", description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path)
    add_outputs(parser)
    asked = parser.parse_args(argv)
    return tell(asked.file, read_facts(beside(asked.file)), asked.page, asked.image)


if __name__ == "__main__":
    raise SystemExit(main())
