"""What all benchmarks share around their figures: the machine, its load, and where the report goes.

Here: the options --out and --page, the writing, and one line of conditions. No tables, no measuring.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from pathlib import Path

BEGIN, END = "<!-- measured -->", "<!-- end of what was measured -->"


class Conditions:
    """What else the machine did from here on, in words: to be read when all is measured."""

    def __init__(self) -> None:
        self._began, self._load = time.monotonic(), os.getloadavg()[0]

    def __str__(self) -> str:
        load = f"load average {self._load:.1f} before, {os.getloadavg()[0]:.1f} after"
        return f"{load}; took {time.monotonic() - self._began:.0f} s"


def machine() -> str:
    """Return what the figures were measured on."""
    cpus = len(os.sched_getaffinity(0))
    return f"Python {platform.python_version()}, Linux {platform.release()}, {cpus} CPUs"


def command_line(program: str, about: str) -> argparse.ArgumentParser:
    """Return a parser of the options that say where the report goes; `about`: the module's docstring."""
    parser = argparse.ArgumentParser(prog=f"bench/{program}", description=about.partition("\n")[0])
    parser.add_argument("--out", metavar="FILE", type=Path, help="write the report to a file too")
    parser.add_argument(
        "--page", metavar="FILE", type=Path, help="put it between the marks of a page too"
    )
    return parser


def publish(report: str, asked: argparse.Namespace) -> None:
    """Print the report, and write it to where the command line says."""
    sys.stdout.write(report)
    if asked.out:
        asked.out.write_text(report, encoding="utf-8")
    if asked.page:
        page = asked.page.read_text(encoding="utf-8")
        asked.page.write_text(into_page(page, report), encoding="utf-8")


def into_page(page: str, report: str) -> str:
    """Return a page with the report between its marks, in the place of the one that was there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"bench: the page has no {BEGIN} … {END}")
    return f"{before}{begin}\n\n{report.strip()}\n\n{end}{after}"
