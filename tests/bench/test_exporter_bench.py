"""The comparison with jmx_exporter reports on everything. Not how fast: that is for a quiet machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.needs import need

ROOT = Path(__file__).parents[2]
AGENTS = ("agent, JVM only", "agent, all")
COMMON = {"jvm_memory_used_bytes", "jvm_gc_collection_seconds", "process_cpu_seconds_total"}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    for name in ("javac", "jdk17", "jmx-exporter"):
        need(name)
    out = tmp_path_factory.mktemp("bench") / "report.md"
    words = ["--quick", "--jdks", "17", "--kafka", "", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "exporter.py", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert out.read_text(encoding="utf-8") == done.stdout
    return done.stdout


def tables(report: str) -> list[list[list[str]]]:
    """Return every table as rows of cells, the first row being its head."""
    found = [part.splitlines() for part in report.split("\n\n") if part.startswith("|")]
    cells = [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in one] for one in found
    ]
    return [[head, *rows] for head, _, *rows in cells]


def test_every_way_is_in_every_table_and_no_figure_is_missing(report: str) -> None:
    scrapes, costs, trouble, families = tables(report)
    exporters = [f"idle program, 17: {name}" for name in (*AGENTS, "entrypoint")]
    for table in (scrapes, trouble):
        assert [row[0] for row in table[1:]] == exporters
    assert [row[0] for row in costs[1:]] == ["idle program, 17: java alone", *exporters]
    assert [row[0] for row in families[1:]] == exporters[:2]
    for row in scrapes[1:]:
        assert all(float(cell.split(" ")[0]) >= 0 for cell in row[1:]), row
    # Only entrypoint has a PID 1, and java alone is what the others are compared with.
    assert ["-" in row[1:] for row in costs[1:]] == [True, True, True, False]
    assert costs[-1][1:].count("-") == 0


def test_who_is_counted_as_what(report: str) -> None:
    scrapes, _, trouble, families = tables(report)
    series = {row[0].partition(": ")[2]: int(row[1]) for row in scrapes[1:]}
    assert series["agent, all"] > 2 * series["agent, JVM only"] > 0
    assert series["entrypoint"] > 50
    for row in families[1:]:
        assert int(row[1]) >= len(COMMON)
    both = next(line for line in report.splitlines() if line.startswith("- both: "))
    assert {name.strip("`,") for name in both.split()} >= COMMON
    only_agent = next(line for line in report.splitlines() if line.startswith("- only the agent: "))
    assert "`jvm_threads_state`" in only_agent  # what we say that we lack
    answers = {row[0].partition(": ")[2]: row[1] for row in trouble[1:]}
    # A stopped java has nobody who could answer for it; PID 1 does.
    assert answers == {"agent, JVM only": "0 of 1", "agent, all": "0 of 1", "entrypoint": "1 of 1"}
