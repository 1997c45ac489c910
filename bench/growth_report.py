"""The report of `growth.py`: one table, each figure with its ratio to the smallest size of the same run.

Here: the table and its words only. No measuring.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from publish import machine
from report import NONE, quantile, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from growth import Row

COLUMNS: tuple[tuple[str, int, Callable[[Row], float | None]], ...] = (
    ("time to exec, ms", 1, lambda row: _median(row.start, 1e3)),
    ("CPU of a start, ms", 0, lambda row: _median(row.start_cpu, 1e3)),
    ("RSS, MB", 1, lambda row: row.rss or None),
    ("answer p50, ms", 2, lambda row: _median(row.seconds, 1e3)),
    ("answer p99, ms", 1, lambda row: quantile(row.seconds, 0.99) * 1e3 if row.seconds else None),
    ("CPU per answer, ms", 2, lambda row: _median(row.cpu, 1e3)),
    ("answer, kB", 1, lambda row: row.bytes / 1024 or None),
    ("diagnose, ms", 0, lambda row: _median(row.diagnosis, 1e3)),
)
"""Title, digits and value; sizes of one thing stand together, the smallest first."""


def text(rows: Sequence[Row], load: str) -> str:
    """Return the table, and what it was measured on."""
    lines = [
        f"{machine()}; {load}.",
        "Medians; in brackets the ratio to the smallest size of the same thing in this run.",
        "",
        *table(
            ["what", "size", *(title for title, _, _ in COLUMNS)],
            [[row.what, row.size, *_cells(row, _smallest(rows, row))] for row in rows],
        ),
    ]
    return "\n".join(lines) + "\n"


def _smallest(rows: Sequence[Row], row: Row) -> Row:
    return next(one for one in rows if one.what == row.what)


def _cells(row: Row, base: Row) -> list[str]:
    cells = []
    for _, digits, value in COLUMNS:
        mine, first = value(row), value(base)
        if mine is None:
            cells.append(NONE)
        elif row is base or not first:
            cells.append(f"{mine:.{digits}f}")
        else:
            cells.append(f"{mine:.{digits}f} ({mine / first:.1f})")
    return cells


def _median(values: Sequence[float], scale: float) -> float | None:
    return statistics.median(values) * scale if values else None
