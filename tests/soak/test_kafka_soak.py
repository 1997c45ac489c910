"""The soak of PID 1 itself, for some seconds: it records, harms, puts right, and its judge can fail."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lab.needs import need
from soak import flat, recording

if TYPE_CHECKING:
    import pytest

SOAK = Path(__file__).with_name("kafka.py")


def test_a_short_soak_records_and_is_cleared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("java", "kafka", "zookeeper", "nsenter"):
        need(name)
    out, page = tmp_path / "soak.csv", tmp_path / "page.md"
    done = subprocess.run(
        [sys.executable, SOAK, "--minutes", "0.2", "--quick", "--seed", "3", "--out", out, "--page", page],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == page.read_text()
    assert "; nothing was lost.**" in done.stdout

    rows = recording.read(out)
    assert rows[-1].received > 0
    assert any(row.fault for row in rows)
    for field in ("rss_kb", "pss_kb", "anonymous_kb", "fds", "threads", "cpu_s", "switches"):
        assert all(getattr(row, field) for row in rows), field
    assert sum(len(row.scrapes_ms) for row in rows) > 0
    assert sum(len(row.probes_ms) for row in rows) > 0

    # The same recording, with one thing wrong.
    facts = flat.read_facts(flat.beside(out))
    assert flat.tell(out, facts, None, None) == 0
    assert flat.tell(out, replace(facts, received=facts.received - 1), None, None) == 1
    assert "1 complaints" in capsys.readouterr().out
