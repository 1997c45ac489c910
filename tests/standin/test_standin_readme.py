"""README.md names every switch and every delay that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "src/main/java/standin"


def test_every_switch_is_documented() -> None:
    source = (SOURCES / "Switch.java").read_text()
    body = source.split("enum Switch {", 1)[1].split(";", 1)[0]
    documented = re.findall(r"^\| `STANDIN_([A-Z_]+)` \|", (HERE / "README.md").read_text(), re.M)
    assert documented == re.findall(r"[A-Z_]+", body)


def test_every_delay_is_documented_with_its_times() -> None:
    declared = re.findall(r"([A-Z_]+)\(([\d_]+), ([\d_]+)\)", (SOURCES / "Delay.java").read_text())
    documented = re.findall(
        r"^\| `([A-Z_]+)` \| (\d+) \| (\d+) \|", (HERE / "README.md").read_text(), re.M
    )
    assert documented == [
        (name, quick.replace("_", ""), measured.replace("_", ""))
        for name, quick, measured in declared
    ]
