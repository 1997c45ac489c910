"""Draws the recording of a soak: PID 1 over the time, with the moments at which something was done to it.

Here: the picture only. Needs matplotlib (the dependency group `plots`), which nothing else here does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot

from soak import flat
from soak.recording import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]
BLUE, ORANGE, GREEN, GREY = "#1f5fa8", "#c2571a", "#2e7d4f", "#8a8f98"
SHADE = "#f3e3c8"
PANELS = (1.2, 1.0, 1.2, 1.4, 1.2, 1.0, 2.0)


def draw(rows: Sequence[Row], image: Path) -> None:
    """Write the picture as a PNG."""
    figure, axes = pyplot.subplots(
        len(PANELS), 1, figsize=(11, 14), sharex=True, height_ratios=PANELS, layout="constrained"
    )
    seconds = flat.window_seconds(rows)
    memory, counts, cpu, scrapes, probes, messages, faults = axes
    _each(memory, rows, "rss_kb", "RSS", BLUE, 1 / 1024)
    _each(memory, rows, "pss_kb", "PSS", GREEN, 1 / 1024)
    _each(memory, rows, "anonymous_kb", "its own", ORANGE, 1 / 1024)
    _label(memory, "PID 1: memory", "MB")
    _each(counts, rows, "fds", "descriptors", BLUE)
    _each(counts, rows, "threads", "threads", ORANGE)
    _label(counts, "PID 1: descriptors, threads", "count")
    _windows(cpu, rows, seconds, flat.rate_of("cpu_s", 1e3), "CPU, ms per s", BLUE)
    _windows(cpu, rows, seconds, flat.rate_of("switches"), "wakeups per s", ORANGE)
    _label(cpu, "PID 1: work, faults included", "per second")
    for axis, field, title in (
        (scrapes, "scrapes_ms", "GET /metrics, once a second"),
        (probes, "probes_ms", "GET /livez and /readyz, twice a second"),
    ):
        every = [(row.at / 60, value) for row in rows for value in getattr(row, field)]
        _line(axis, every, "each", GREY, "", ".")
        for share, color in ((0.5, BLUE), (0.99, ORANGE)):
            value = flat.quantile_of(field, share)
            _windows(
                axis, flat.quiet(rows), seconds, value, f"p{share * 100:.0f}, no fault on", color
            )
        axis.set_yscale("log")
        _label(axis, title, "ms")
    _windows(messages, rows, seconds, flat.rate_of("received"), "messages per s", GREEN)
    _line(messages, [(row.at / 60, row.load) for row in rows], "load of the machine", GREY)
    _label(messages, "Kafka: messages that came out; the machine", "per second, load")
    _timeline(faults, rows)
    for axis in axes[:-1]:
        for name, begin, end in spans(rows):
            if name:
                axis.axvspan(begin / 60, end / 60, color=SHADE, lw=0, zorder=0)
    faults.set_xlabel("minutes since Kafka was ready; shaded: a fault was on")
    figure.savefig(image, dpi=110, facecolor="white")
    pyplot.close(figure)


def spans(rows: Sequence[Row]) -> list[tuple[str, float, float]]:
    """Return each fault, and "" for none between them, with its first second and the end of its last."""
    found = []
    for name, group in groupby(rows, lambda row: row.fault):
        every = list(group)
        found.append((name, every[0].at, every[-1].at + 1))
    return found


def _each(
    axis: Axes, rows: Sequence[Row], field: str, label: str, color: str, scale: float = 1.0
) -> None:
    points = [(row.at / 60, v * scale) for row in rows if (v := getattr(row, field)) is not None]
    _line(axis, points, label, color)


def _windows(
    axis: Axes, rows: Sequence[Row], seconds: float, value: flat.Values, label: str, color: str
) -> None:
    points = [
        (at / 60, found)
        for at, group in flat.windows(rows, seconds)
        if (found := value(group)) is not None
    ]
    _line(axis, points, label, color)


def _line(
    axis: Axes, points: Sequence[Point], label: str, color: str, style: str = "-", marker: str = ""
) -> None:
    x, y = zip(*points, strict=True) if points else ((), ())
    axis.plot(x, y, style, color=color, label=label, lw=1.4, marker=marker or None, ms=2)


def _label(axis: Axes, title: str, unit: str) -> None:
    axis.set_title(title, loc="left", fontsize=10)
    axis.set_ylabel(unit)
    axis.margins(x=0.01)
    if axis.get_yscale() == "linear":
        axis.set_ylim(bottom=0)
    axis.grid(visible=True, color="#e4e6ea", lw=0.6)
    # Above the panel: no line is behind it.
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1), fontsize=8, ncols=3, frameon=False)


def _timeline(axis: Axes, rows: Sequence[Row]) -> None:
    """One line for each kind of fault."""
    found = [span for span in spans(rows) if span[0]]
    names = sorted({name for name, _, _ in found}, reverse=True)
    for number, name in enumerate(names):
        bars = [
            (begin / 60, max(0.1, (end - begin) / 60)) for kind, begin, end in found if kind == name
        ]
        axis.broken_barh(bars, (number - 0.35, 0.7), color=ORANGE)
    axis.set_yticks(range(len(names)), names)
    axis.set_title("What was done to it", loc="left", fontsize=10)
    axis.grid(visible=True, axis="x", color="#e4e6ea", lw=0.6)
