"""The report of `exporter.py`: figures to Markdown tables, with ratios of the same run.

Here: tables and words only. No measuring.
"""

from __future__ import annotations

import statistics
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

import agents
import scraping
from publish import machine
from report import NONE, quantile, table

from lab import jars

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from exporter import Effort, Figures

JVM_PREFIXES = ("jvm_", "process_")


def text(figures: Sequence[Figures], effort: Effort, init: float | None, load: str) -> str:
    """Return the whole report."""
    groups = [
        list(group)
        for _, group in groupby(figures, lambda one: (one.subject.application, one.subject.jdk))
    ]
    scrapes = effort.batches * effort.batch
    lines = [
        f"Agent of jmx_exporter {jars.JMX_EXPORTER_VERSION}; {machine()}; {load}.",
        f"{scrapes} scrapes in batches of {effort.batch}, in turn, after {effort.warm_up} to warm up;",
        f"{effort.starts} starts of each ({effort.kafka_starts} of Kafka), in turn.",
        "Medians (minimum in brackets).",
        "",
        *_scrapes(groups),
        "",
        *_costs(groups, init),
        "",
        *_trouble(groups),
        "",
        *_coverage(groups),
        "",
        *_names(groups),
    ]
    return "\n".join(lines) + "\n"


def _label(one: Figures) -> str:
    return f"{one.subject.application}, {one.subject.jdk}: {one.subject.variant}"


def _of(group: Iterable[Figures], variant: str) -> Figures:
    return next(one for one in group if one.subject.variant == variant)


def _target(one: Figures) -> scraping.Target:
    assert one.target is not None
    return one.target


def _scrapes(groups: list[list[Figures]]) -> list[str]:
    head = [
        "scrape of", "series", "first ms", "p50 ms", "p99 ms", "x entrypoint", "µs per series",
        "x entrypoint", "CPU ms", "x entrypoint",
    ]  # fmt: skip
    rows = []
    for group in groups:
        ours = _target(_of(group, agents.OURS))
        for one in group:
            if one.target is None:
                continue
            mine = one.target
            middle, base = statistics.median(mine.seconds), statistics.median(ours.seconds)
            each, base_each = middle / mine.series, base / ours.series
            cpu, base_cpu = statistics.median(mine.cpu), statistics.median(ours.cpu)
            rows.append([
                _label(one), str(mine.series), f"{mine.first * 1e3:.0f}", _with_least(mine.seconds, 2),
                f"{quantile(mine.seconds, 0.99) * 1e3:.1f}", f"{middle / base:.1f}",
                f"{each * 1e6:.0f}", f"{each / base_each:.1f}", f"{cpu * 1e3:.2f}", _times(cpu, base_cpu),
            ])  # fmt: skip
    return table(head, rows)


def _with_least(seconds: Sequence[float], digits: int) -> str:
    """Return the median and the minimum, in milliseconds."""
    return f"{statistics.median(seconds) * 1e3:.{digits}f} ({min(seconds) * 1e3:.{digits}f})"


def _times(value: float, base: float) -> str:
    return f"{value / base:.1f}" if base > 0 else NONE


def _costs(groups: list[list[Figures]], init: float | None) -> list[str]:
    head = [
        "memory and start", "java RSS MB", "java PSS MB", "live heap MB", "PID 1 RSS MB", "PID 1 PSS MB",
        "added PSS MB", "start ms", "added ms",
    ]  # fmt: skip
    rows = []
    for group in groups:
        alone = _of(group, agents.ALONE)
        start = statistics.median(alone.subject.starts)
        for one in group:
            own = one.subject.variant == agents.OURS
            # An init stands above java in any case; tini's is not added by us.
            added = one.java[1] - alone.java[1] + (one.pid1[1] - (init or 0.0) if own else 0.0)
            took = statistics.median(one.subject.starts)
            rows.append([
                _label(one), f"{one.java[0]:.0f}", f"{one.java[1]:.0f}", f"{one.live:.1f}",
                f"{one.pid1[0]:.1f}" if own else NONE, f"{one.pid1[1]:.1f}" if own else NONE,
                NONE if one is alone else f"{added:+.1f}", _with_least(one.subject.starts, 0),
                NONE if one is alone else f"{(took - start) * 1e3:+.0f}",
            ])  # fmt: skip
    below = NONE if init is None else f"{init:.1f} MB"
    return [
        *table(head, rows),
        "",
        f"tini in the place of entrypoint: PSS {below}, taken off above.",
    ]


def _trouble(groups: list[list[Figures]]) -> list[str]:
    head = ["java does not get on", "stopped: answered", "after ms", "collecting: answered", "median ms",
            "longest ms"]  # fmt: skip
    rows = []
    for group in groups:
        for one in group:
            if one.target is None:
                continue
            answered = [took for took in one.while_stopped if took is not None]
            collecting = [took for took in one.while_collecting if took is not None]
            rows.append([
                _label(one), f"{len(answered)} of {len(one.while_stopped)}",
                ", ".join(f"{took * 1e3:.0f}" for took in answered) or NONE,
                f"{len(collecting)} of {len(one.while_collecting)}" if one.while_collecting else NONE,
                f"{statistics.median(collecting) * 1e3:.0f}" if collecting else NONE,
                f"{max(collecting) * 1e3:.0f}" if collecting else NONE,
            ])  # fmt: skip
    return table(head, rows)


def _split(group: list[Figures], variant: str) -> tuple[set[str], set[str], set[str]]:
    """Return the families that both have, that only we have, and that only the agent has."""
    ours = scraping.families(_target(_of(group, agents.OURS)).body)
    theirs = scraping.families(_target(_of(group, variant)).body)
    return ours & theirs, ours - theirs, theirs - ours


def _coverage(groups: list[list[Figures]]) -> list[str]:
    head = ["families", "both", "only entrypoint: jvm_, process_", "only entrypoint: entrypoint_",
            "only agent: jvm_, process_", "only agent: others"]  # fmt: skip
    rows = []
    for group in groups:
        for variant in (agents.JVM_ONLY, agents.ALL):
            both, ours, theirs = _split(group, variant)
            rows.append([
                _label(_of(group, variant)), str(len(both)), str(len(_jvm(ours))),
                str(len(ours - _jvm(ours))), str(len(_jvm(theirs))), str(len(theirs - _jvm(theirs))),
            ])  # fmt: skip
    return table(head, rows)


def _jvm(names: Iterable[str]) -> set[str]:
    return {name for name in names if name.startswith(JVM_PREFIXES)}


def _names(groups: list[list[Figures]]) -> Iterator[str]:
    """Yield who has what by name on the first JDK, and what MBeans there are beside."""
    both, ours, theirs = _split(groups[0], agents.JVM_ONLY)
    yield f"- both: {_listed(both)}"
    yield f"- only entrypoint: {_listed(_jvm(ours))}, and {len(ours - _jvm(ours))} of entrypoint_"
    yield f"- only the agent: {_listed(theirs)}"
    for group in groups:
        _, _, everything = _split(group, agents.ALL)
        kinds = Counter(name.split("_")[0] for name in everything - theirs - _jvm(everything))
        others = ", ".join(f"{count} of {kind}_" for kind, count in sorted(kinds.items()))
        yield f"- {_label(_of(group, agents.ALL))}, beyond that: {others or 'nothing'}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "nothing"
