"""The table of what the cost grows with is whole. Not how much: that is for a quiet machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lab.needs import need

ROOT = Path(__file__).parents[2]
PROFILE = {"time to exec, ms", "CPU of a start, ms"}
ANSWER = {"RSS, MB", "answer p50, ms", "answer p99, ms", "CPU per answer, ms", "answer, kB"}
EXPECTED = {
    "settings": (2, PROFILE | ANSWER),
    "rendered files": (2, PROFILE | ANSWER),
    "threads of java": (2, ANSWER | {"diagnose, ms"}),
    "status page": (2, ANSWER),
    "status as JSON": (2, ANSWER),
    "open connections": (2, ANSWER),
    "scrapes a second": (2, ANSWER),
}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_size_is_measured_and_compared_with_the_smallest(tmp_path: Path) -> None:
    for name in ("cc", "javac", "jdk17"):
        need(name)
    out, page = tmp_path / "table.md", tmp_path / "page.md"
    page.write_text("before\n<!-- measured -->\nold\n<!-- end of what was measured -->\nafter\n")
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "growth.py", "--quick", "--out", out, "--page", page],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert out.read_text(encoding="utf-8") == done.stdout
    assert page.read_text().startswith("before\n") and page.read_text().endswith("after\n")
    assert done.stdout.strip() in page.read_text() and "old" not in page.read_text()

    head, _, *lines = (cells(line) for line in done.stdout.splitlines() if line.startswith("|"))
    for what, (count, figures) in EXPECTED.items():
        rows = [dict(zip(head, line, strict=True)) for line in lines if line[0] == what]
        assert len(rows) == count, what
        for row in rows:
            measured = {name for name in head[2:] if row[name] != "-"}
            assert measured == figures, (what, row)
        # The smallest one is what the others are compared with.
        assert not any("(" in rows[0][name] for name in figures), rows[0]
        assert "(" in rows[1]["RSS, MB"], rows[1]
    assert len(lines) == sum(count for count, _ in EXPECTED.values())
