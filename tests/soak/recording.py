"""The recording of a soak of PID 1: one row a second, as CSV, and how a row is read from /proc.

Here: `Row`, the file, and what the kernel says of a process. No judgement (`flat.py`), no faults.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TextIO

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Row:
    """One second; totals are since the start, and a value of PID 1 that is not known is None."""

    at: float
    """Seconds since the start of the recording."""
    fault: str
    """What was done to it in this second; "" for nothing."""
    rss_kb: int | None
    pss_kb: int | None
    anonymous_kb: int | None
    """Memory that is no file's, and nobody else's: what a leak would be in."""
    fds: int | None
    threads: int | None
    cpu_s: float | None
    switches: int | None
    """Voluntary context switches of all threads that there are now."""
    zombies: int
    java: str
    """The state's letter; "" when there is no java."""
    ready: bool
    scrapes_ms: tuple[float, ...]
    probes_ms: tuple[float, ...]
    unanswered: int
    """Scrapes, probes and pages without an answer in time, or with one that was wrong."""
    not_live: int
    """Answers of /livez other than 200."""
    orphans_made: int
    orphans_reaped: int
    sent: int
    received: int
    astray: int
    """Messages that the consumer missed, or got twice or out of order."""
    load: float
    """The machine's load average."""


def header(out: TextIO) -> None:
    """Write the first line."""
    csv.writer(out, lineterminator="\n").writerow(field.name for field in fields(Row))


def write(out: TextIO, row: Row) -> None:
    """Write one row, so that a reader sees it at once."""
    cells = (_cell(getattr(row, field.name)) for field in fields(Row))
    csv.writer(out, lineterminator="\n").writerow(cells)
    out.flush()


def read(file: Path) -> tuple[Row, ...]:
    """Return all rows; ValueError for a file that is none of ours."""
    with file.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        if tuple(reader.fieldnames or ()) != tuple(field.name for field in fields(Row)):
            raise ValueError(f"{file}: not a recording of this soak")
        return tuple(_rows(reader))


def _rows(reader: csv.DictReader[str]) -> Iterator[Row]:
    for cells in reader:
        yield Row(
            at=float(cells["at"]),
            fault=cells["fault"],
            rss_kb=_whole(cells["rss_kb"]),
            pss_kb=_whole(cells["pss_kb"]),
            anonymous_kb=_whole(cells["anonymous_kb"]),
            fds=_whole(cells["fds"]),
            threads=_whole(cells["threads"]),
            cpu_s=float(cells["cpu_s"]) if cells["cpu_s"] else None,
            switches=_whole(cells["switches"]),
            zombies=int(cells["zombies"]),
            java=cells["java"],
            ready=cells["ready"] == "1",
            scrapes_ms=tuple(map(float, cells["scrapes_ms"].split())),
            probes_ms=tuple(map(float, cells["probes_ms"].split())),
            unanswered=int(cells["unanswered"]),
            not_live=int(cells["not_live"]),
            orphans_made=int(cells["orphans_made"]),
            orphans_reaped=int(cells["orphans_reaped"]),
            sent=int(cells["sent"]),
            received=int(cells["received"]),
            astray=int(cells["astray"]),
            load=float(cells["load"]),
        )


def _whole(text: str) -> int | None:
    return int(text) if text else None


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
        case float():
            return f"{value:.3f}".rstrip("0").rstrip(".")
        case tuple():
            return " ".join(map(_cell, value))
        case _:
            return str(value)


@dataclass(frozen=True)
class Process:
    """What the kernel says of a process; None where it is gone."""

    rss_kb: int | None = None
    pss_kb: int | None = None
    anonymous_kb: int | None = None
    fds: int | None = None
    threads: int | None = None
    cpu_s: float | None = None
    switches: int | None = None


def look_at(pid: int) -> Process:
    """Return the sizes of a process, its own and those of its threads."""
    try:
        sizes = {
            words[0]: int(words[1])
            for words in map(str.split, _lines(f"/proc/{pid}/smaps_rollup"))
            if words[0] in {"Rss:", "Pss:", "Anonymous:"}
        }
        stat = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
        tasks = os.listdir(f"/proc/{pid}/task")
        return Process(
            sizes.get("Rss:"),
            sizes.get("Pss:"),
            sizes.get("Anonymous:"),
            len(os.listdir(f"/proc/{pid}/fd")),
            len(tasks),
            (int(stat[11]) + int(stat[12])) / TICKS,
            sum(_switches(pid, task) for task in tasks),
        )
    except OSError:
        return Process()


def state_of(pid: int) -> str:
    """Return the state's letter, or "" for a process that is gone."""
    try:
        return _text(f"/proc/{pid}/stat").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def states_below(pid1: int) -> tuple[str, ...]:
    """Return the states of all processes in the pid namespace of its PID 1, which has a /proc of its own."""
    root = f"/proc/{pid1}/root/proc"
    try:
        pids = [name for name in os.listdir(root) if name.isdecimal()]
    except OSError:
        return ()
    found = []
    for name in pids:
        try:
            found.append(_text(f"{root}/{name}/stat").rpartition(")")[2].split()[0])
        except (OSError, IndexError):
            continue
    return tuple(found)


def _switches(pid: int, task: str) -> int:
    try:
        lines = _lines(f"/proc/{pid}/task/{task}/status")
    except OSError:
        return 0  # a thread that has just ended
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_"))


def _lines(path: str) -> list[str]:
    return _text(path).splitlines()


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
