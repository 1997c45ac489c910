"""The report: figures to Markdown, with ratios to peers of the same run and the targets beside them.

Here: tables and words only. No measuring.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from run import Effort, Figures

PEERS = ("tini", "bash startup.sh")
PLAIN, ISOLATED = "entrypoint --exec", "entrypoint --exec, python -I -S"
JVM, OTTER = "entrypoint jvm", "entrypoint otter-manager"
NONE = "-"

OURS = (PLAIN, ISOLATED, JVM, OTTER)
START_TARGETS = ((PLAIN, 20), (ISOLATED, 15), (JVM, 70), (OTTER, 100))
RSS_TARGETS = ((PLAIN, 12), (JVM, 24), (OTTER, 24))
PSS_TARGET = 15
TERM_TARGET = 250
STORM_TARGET = 1.5
"""Times tini's."""


def text(
    figures: dict[str, Figures], machine: str, load: str, effort: Effort, missing: Sequence[str]
) -> str:
    """Return the whole report."""
    lines = [
        "# Benchmark",
        "",
        f"{machine}; {load}.",
        f"{effort.rounds} starts of each program in turn, {effort.stops} stops, {effort.idle:.0f} s idle,",
        f"{effort.orphans} orphans x {effort.storms}, {effort.flood} once, {effort.scrapes} scrapes.",
        'Medians (minimum in brackets); "x tini" is the ratio of medians in this run.',
        "",
        *_programs(figures, effort),
        "",
        *_storms(figures, effort),
        "",
        *_metrics(figures),
        "",
        *_targets(figures, effort),
    ]
    if missing:
        lines += ["", "Not measured, since they are not here: " + ", ".join(missing) + "."]
    return "\n".join(lines) + "\n"


def _programs(figures: dict[str, Figures], effort: Effort) -> list[str]:
    head = [
        "program", "start ms", *(f"x {peer}" for peer in PEERS), "CPU ms", "RSS kB", "PSS kB",
        f"wakeups in {effort.idle:.0f} s", "TERM µs", *(f"x {peer}" for peer in PEERS),
    ]  # fmt: skip
    rows = []
    for name, mine in figures.items():
        direct = name == "direct exec"
        rows.append([
            name, _value(mine.start, 1), *(_ratio(figures, name, peer, "start") for peer in PEERS),
            _value(mine.cpu, 0), NONE if direct else str(mine.rss), NONE if direct else str(mine.pss),
            NONE if direct else str(mine.wakeups), _value(mine.term, 0),
            *(_ratio(figures, name, peer, "term") for peer in PEERS),
        ])  # fmt: skip
    return table(head, rows)


def _storms(figures: dict[str, Figures], effort: Effort) -> list[str]:
    head = ["orphans", f"{effort.orphans:,} ms", "x tini", f"{effort.flood:,} ms", "x tini",
            "largest RSS grew by kB"]  # fmt: skip
    return table(head, [
        [name, _value(mine.storm, 0), _ratio(figures, name, "tini", "storm"), _value(mine.flood, 0),
         _ratio(figures, name, "tini", "flood"), NONE if mine.grown is None else str(mine.grown)]
        for name, mine in figures.items()
        if mine.storm
    ])  # fmt: skip


def _metrics(figures: dict[str, Figures]) -> list[str]:
    rows = [
        [name, f"{quantile(mine.scrape, 0.5):.2f}", f"{quantile(mine.scrape, 0.99):.2f}"]
        for name, mine in figures.items()
        if mine.scrape
    ]
    return table(["GET /metrics", "p50 ms", "p99 ms"], rows)


def _targets(figures: dict[str, Figures], effort: Effort) -> list[str]:
    rows = [
        *(_timed(f"{name}: time to exec", figures[name].start, target, "ms")
          for name, target in START_TARGETS),
        *(_timed(f"{name}: TERM", figures[name].term, TERM_TARGET, "µs") for name in OURS),
        *(_sized(f"{name}: RSS", figures[name].rss, target) for name, target in RSS_TARGETS),
        *(_sized(f"{name}: PSS", figures[name].pss, PSS_TARGET) for name in (JVM, OTTER)),
        *_reaped(figures, effort),
    ]  # fmt: skip
    return [
        *table(["target", "", "measured", "met"], rows),
        "",
        "Times count on an idle machine only: under load look at the ratios, the minimum and CPU ms.",
    ]


def _reaped(figures: dict[str, Figures], effort: Effort) -> list[list[str]]:
    ratios = [
        (f"{name}: {what:,} orphans", _ratio(figures, name, "tini", values))
        for name in OURS
        for what, values in ((effort.orphans, "storm"), (effort.flood, "flood"))
    ]
    return [
        [what, f"≤ {STORM_TARGET} x tini", f"{ratio} x",
         _verdict(float(ratio), float(ratio), STORM_TARGET)]
        for what, ratio in ratios if ratio != NONE
    ]  # fmt: skip


def _timed(what: str, values: Sequence[float], target: float, unit: str) -> list[str]:
    middle, least = statistics.median(values), min(values)
    said = f"{middle:.1f} {unit} ({least:.1f})"
    return [what, f"≤ {target} {unit}", said, _verdict(middle, least, target)]


def _sized(what: str, kilobytes: int, target: float) -> list[str]:
    size = kilobytes / 1024
    return [what, f"≤ {target} MB", f"{size:.1f} MB", _verdict(size, size, target)]


def _verdict(middle: float, least: float, target: float) -> str:
    if middle <= target:
        return "yes"
    return "minimum only" if least <= target else "no"


def _value(values: Sequence[float], digits: int) -> str:
    if not values:
        return NONE
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f})"


def _ratio(figures: dict[str, Figures], name: str, peer: str, what: str) -> str:
    mine: list[float] = getattr(figures[name], what)
    theirs: list[float] = getattr(figures[peer], what) if peer in figures else []
    if not mine or not theirs:
        return NONE
    return f"{statistics.median(mine) / statistics.median(theirs):.1f}"


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that so large a share of the values lies below."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table's lines of Markdown; all columns but the first are figures."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]
