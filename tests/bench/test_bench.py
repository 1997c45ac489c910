"""The benchmark runs and reports on everything. Not how fast: that is for a quiet machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lab.needs import INITS, need

ROOT = Path(__file__).parents[2]
PROGRAMS = (
    "direct exec",
    "tini",
    "dumb-init",
    "catatonit",
    "bash startup.sh",
    "bash my_init.sh",
    "s6-svscan",
    "supervisord",
    "entrypoint --exec",
    "entrypoint --exec, python -I -S",
    "entrypoint jvm",
    "entrypoint otter-manager",
)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_program_is_in_the_report(tmp_path: Path) -> None:
    for name in ("cc", *INITS, "s6-svscan", "supervisord"):
        need(name)
    out = tmp_path / "report.md"
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "run.py", "--quick", "--out", out],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = out.read_text(encoding="utf-8")
    assert report == done.stdout

    tables = [table.splitlines() for table in report.split("\n\n") if table.startswith("|")]
    assert len(tables) == 4
    main, storms, metrics, targets = ([cells(line) for line in table] for table in tables)
    assert [row[0] for row in main[2:]] == list(PROGRAMS)
    assert [row[0] for row in metrics[2:]] == ["entrypoint jvm", "entrypoint otter-manager"]
    # Four times to exec, four TERMs, three sizes of RSS, two of PSS, and both storms of each of ours.
    assert len(targets[2:]) == 4 + 4 + 3 + 2 + 8
    # Only what cannot be measured is empty: the memory of no program, and orphans without PID 1.
    for row in main[3:]:
        assert "-" not in row, row
    assert [row[0] for row in storms[2:]] == list(PROGRAMS[1:])
    for row in storms[2:]:
        assert "-" not in row, row
