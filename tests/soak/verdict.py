"""The words of a soak: its rows, trends and complaints as the page docs/reference/soak.md.

Here: text only.
"""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from soak import flat
from soak.recording import Row

QUARTER = 900.0
"""Seconds."""
COMMAND = (
    "python3 tests/soak/kafka.py --minutes {minutes:.0f} --seed {seed}"
    " --page docs/reference/soak.md --image docs/images/soak.png"
)
PAGE = """\
# The soak: real Kafka under entrypoint

`{command}`

{minutes:.0f} minutes, Python {python}, Linux {kernel}, {cpus} CPUs shared with others (load average
{load}). Kafka runs under entrypoint as PID 1, ZooKeeper under another; a producer and a consumer use Kafka,
/metrics is scraped every second, the probes are asked twice a second, the status pages every ten. Meanwhile
{faults} faults, one after the other: [tests/soak/README.md](../../tests/soak/README.md) says what each does,
and what the soaks have found.

**{verdict}**

![PID 1 over the run: memory, descriptors, threads, CPU, latencies, messages, faults](../images/soak.png)

## Does it grow?

Values of windows of {window:.0f} s, without the seconds of a fault and the {aftermath:.0f} after it, from
minute {warm_up:.0f} on. The drift is the Theil-Sen slope times the time, in brackets its 95% interval. Grown
is what drifts by more than is allowed, if chance does not explain it. Allowed are 128 kB of memory of its own
(anonymous), half a MB with pages of files that were not needed before, half of one descriptor or thread, and
of times what a shared machine does by itself. Two are shown only: PSS grows when a neighbour with the same
files ends, and the p99 of a minute is its slowest answer or the next, which follows the load of the machine.

{trends}

What is used up on the way shows here: medians of each quarter of an hour, without the seconds of faults.

{quarters}

## Is anything lost?

{lost}

## While a fault was on

The slowest answer of each kind, the seconds after it included. A scrape waits for java for half a second at
most, then answers without what java did not tell; probes wait behind it.

{slowest}

Judge a recording again: `python3 tests/soak/flat.py FILE.csv`.
"""


def page(
    rows: Sequence[Row],
    facts: flat.Facts,
    trends: Sequence[flat.Trend | None],
    wrong: Sequence[str],
) -> str:
    """Return the whole page."""
    minutes = rows[-1].at / 60
    loads = sorted(row.load for row in rows)
    return PAGE.format(
        command=COMMAND.format(minutes=minutes, seed=facts.seed),
        minutes=minutes,
        python=platform.python_version(), kernel=platform.release(), cpus=os.cpu_count(),
        load=f"{loads[0]:.1f} to {loads[-1]:.1f}",
        faults=facts.faults,
        verdict=verdict(trends, wrong),
        window=flat.window_seconds(rows), aftermath=flat.AFTERMATH, warm_up=flat.WARM_UP / 60,
        trends=trend_table(trends),
        quarters=quarter_table(rows),
        lost=lost(rows, facts, wrong),
        slowest=slowest(rows),
    )  # fmt: skip


def verdict(trends: Sequence[flat.Trend | None], wrong: Sequence[str]) -> str:
    """Return the verdict in a sentence."""
    known = [one for one in trends if one is not None]
    grown = [one.measure.name for one in known if not one.flat]
    if not known:
        growth = "Too short to say whether anything grows"
    elif grown:
        growth = f"Grown: {', '.join(grown)}"
    else:
        growth = "Nothing grew"
    return (
        f"{growth}; {'nothing was lost' if not wrong else f'{len(wrong)} complaints, see below'}."
    )


def trend_table(trends: Sequence[flat.Trend | None]) -> str:
    """Return the table of what was judged."""
    lines = ["| PID 1 | level | drift | allowed | grown |", "|---|--:|--:|--:|---|"]
    for one in trends:
        if one is None:
            continue
        unit = f" {one.measure.unit}" if one.measure.unit else ""
        drift = f"{_short(one.drift)} ({_short(one.low)} to {_short(one.high)})"
        part = f" ({one.measure.allowed:.0%})" if one.measure.share else ""
        allowed, told = f"{_short(one.allowed)}{part}", "no" if one.flat else "**yes**"
        if not math.isfinite(one.allowed):
            allowed, told = "not judged", "-"
        lines.append(
            f"| {one.measure.name} | {_short(one.level)}{unit} | {drift} | {allowed} | {told} |"
        )
    return "\n".join(lines) if len(lines) > 2 else "The run was too short for trends."


def quarter_table(rows: Sequence[Row]) -> str:
    """Return what is judged, and the machine's load, for each quarter of an hour."""
    judged = [one for one in flat.MEASURES if math.isfinite(one.allowed)]
    units = (f"{one.name}{f', {one.unit}' if one.unit else ''}" for one in judged)
    lines = [f"| minute | {' | '.join(units)} | load |", "|---" * (len(judged) + 2) + "|"]
    for middle, group in flat.windows(flat.quiet(rows), QUARTER):
        values = [one.value(group) for one in judged]
        cells = ["-" if value is None else _short(value) for value in values]
        load = statistics.median(row.load for row in group)
        begin = (middle - QUARTER / 2) / 60
        lines.append(f"| {begin:.0f} | {' | '.join(cells)} | {load:.1f} |")
    return "\n".join(lines)


def lost(rows: Sequence[Row], facts: flat.Facts, wrong: Sequence[str]) -> str:
    """Return the counts that have to agree, and what does not."""
    scrapes = sum(len(row.scrapes_ms) for row in rows)
    probes = sum(len(row.probes_ms) for row in rows)
    codes = " ".join(
        f"{code} ({count} times)" for code, count in Counter(facts.zookeeper_codes).items()
    )
    lines = [
        f"- {facts.sent} messages sent, {facts.received} received, {facts.astray} out of order",
        f"- {facts.orphans_made} orphans made, {facts.orphans_reaped} reaped",
        f"- {scrapes} scrapes and {probes} probes answered, {rows[-1].unanswered} not",
        f"- /livez failed {rows[-1].not_live} times",
        f"- exit code after TERM: Kafka {facts.exit_code}, ZooKeeper {codes}",
        f"- {len(facts.left)} processes left",
    ]
    if wrong:
        lines += ["", "Complaints:", "", *(f"- {text}" for text in wrong)]
    return "\n".join(lines)


def slowest(rows: Sequence[Row]) -> str:
    """Return the table of what the worst second of each fault was."""
    times = Counter(name for name, _ in groupby(rows, lambda row: row.fault))
    lines = ["| fault | times | scrape, worst ms | probe, worst ms |", "|---|--:|--:|--:|"]
    for name in sorted(times):
        mine = [row for fault, row in flat.attributed(rows) if fault == name]
        worst = [
            max((v for row in mine for v in getattr(row, field)), default=None)
            for field in ("scrapes_ms", "probes_ms")
        ]
        cells = ["-" if value is None else f"{value:.0f}" for value in worst]
        label, count = (name, str(times[name])) if name else ("none", "")
        lines.append(f"| {label} | {count} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}".rstrip("0").rstrip(".")
