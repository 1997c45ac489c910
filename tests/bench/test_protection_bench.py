"""The table of what a token and TLS cost is whole. Not how much: that is for a quiet machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lab.needs import need

ROOT = Path(__file__).parents[2]


def test_every_way_is_measured_and_put_into_the_page(tmp_path: Path) -> None:
    for name in ("cc", "openssl"):
        need(name)
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured -->\nold\n<!-- end of what was measured -->\nafter\n")
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "protection.py", "--quick", "--page", page],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in page.read_text() and "old" not in page.read_text()
    lines = [line.strip("|").split("|") for line in done.stdout.splitlines() if line[:1] == "|"]
    head, _, *rows = [[cell.strip() for cell in line] for line in lines]
    assert head == ["", "neither", "token", "token and TLS"]
    figures = {row[0]: [float(cell) for cell in row[1:]] for row in rows}
    assert len(figures) == 10
    assert all(value > 0 for values in figures.values() for value in values)
    # OpenSSL is there with TLS only.
    neither, token, tls = figures["RSS, MB"]
    assert tls - max(neither, token) > 2
