"""SECURITY.md: every threat names what proves its mitigation, and that is there and holds tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.supply.tools import ROOT

TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
THREATS = TEXT.partition("\n## Threats\n")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| (?!Threat \|)([^|]+) \| ([^|]+) \| ([^|]+) \|$", THREATS, re.MULTILINE)
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
BOUNDARIES = (
    "whoever writes a ConfigMap", "whoever reaches port 9404", "a process of the same container",
    "the application", "otter's manager, ZooKeeper, a database", "the supply chain",
)  # fmt: skip


def holds_tests(path: Path) -> bool:
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return any(
        re.search(r"^ *(?:async )?def test_", file.read_text(encoding="utf-8"), re.MULTILINE)
        for file in files
    )


@pytest.mark.parametrize(("threat", "mitigation", "proof"), ROWS, ids=[row[0][:40] for row in ROWS])
def test_a_threat_has_a_mitigation_and_a_test(threat: str, mitigation: str, proof: str) -> None:
    assert mitigation.strip()
    links = LINK.findall(proof)
    assert links, f"{threat}: nothing proves it"
    for name, target in links:
        path = ROOT / target
        assert target.startswith("tests/") and path.exists(), f"{target} is not there"
        assert name in (path.stem, target), f"{name} is not the name of {target}"
        assert holds_tests(path), f"{target} holds no test"


def test_every_boundary_has_its_threats() -> None:
    assert re.findall(r"^### By (.+)$", THREATS, re.MULTILINE) == list(BOUNDARIES)
    assert len(ROWS) == THREATS.count("\n| ") - len(BOUNDARIES)
    assert len(ROWS) >= 30


def test_where_findings_are_kept_is_named_and_there() -> None:
    for place in ("tests/hostile/regressions", "tests/torture/regressions.jsonl"):
        assert f"`{place}`" in TEXT
        assert (ROOT / place).exists(), f"{place} is not there"
