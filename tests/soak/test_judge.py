"""The judge of the soak: made-up recordings that it has to clear, and to convict."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

JUDGE = Path(__file__).with_name("judge.py")
EVERY, COUNT, STOPPED = 2.5, 80, 140.0
FREQUENCY = 1_000_000_000

Row = dict[str, object]


def looks(name: str, change: Callable[[float, Row], None] = lambda _at, _row: None) -> list[Row]:
    """Return what is recorded of a JVM that collects a little, with what a test changes in it."""
    rows: list[Row] = []
    for number in range(COUNT):
        at = number * EVERY
        row: Row = {
            "jvm": name, "at": at, "cpu": at * 0.3, "waited": at * 0.1, "state": "S", "answered": True,
            "took": 0.002, "hangs": 0,
            "values": {
                "sun.os.hrt.frequency": FREQUENCY,
                "sun.gc.policy.name": "Copy:MSC",
                "sun.gc.collector.0.name": "Copy", "sun.gc.collector.1.name": "MSC",
                "sun.gc.collector.0.invocations": number * 10,
                "sun.gc.collector.1.invocations": number,
                "sun.gc.collector.0.time": int(at * 0.1 * FREQUENCY),
                "sun.gc.collector.1.time": int(at * 0.1 * FREQUENCY),
                "sun.gc.generation.1.space.0.used": 90, "sun.gc.generation.1.space.0.maxCapacity": 100,
            },
        }  # fmt: skip
        change(at, row)
        rows.append(row)
    return rows


def stopped(at: float, row: Row) -> None:
    if at >= STOPPED:
        row.update(state="T", answered=False, cpu=STOPPED * 0.3, took=1.0)


def control() -> list[Row]:
    return [*looks("control", stopped), {"jvm": "control", "stopped": STOPPED}]


def judge(folder: Path, rows: Iterable[Row]) -> tuple[int, str]:
    file, page = folder / "soak.jsonl", folder / "page.md"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = subprocess.run(
        [sys.executable, JUDGE, file, "--page", page], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert page.read_text() == done.stdout
    return done.returncode, done.stdout


def test_a_healthy_jvm_is_cleared_and_the_control_is_found(tmp_path: Path) -> None:
    code, page = judge(tmp_path, [*looks("17 Serial 64m"), *control()])
    assert code == 0
    assert "**1 JVMs, 3 minutes: no false alarms.**" in page
    assert "gave 0 alarms before,\nand at 10 s 1 by its state and 1 by its silence alone" in page


def test_a_silent_jvm_without_cpu_is_an_alarm(tmp_path: Path) -> None:
    def hangs(at: float, row: Row) -> None:
        if at >= 100:
            row.update(answered=False, cpu=30.0, waited=1.0, took=1.0)

    code, page = judge(tmp_path, [*looks("17 Serial 64m", hangs), *control()])
    assert code == 1
    assert "2 false alarms" in page  # at 2.5 s, and at 10 s


def test_a_jvm_whose_heap_is_full_for_good_is_an_alarm(tmp_path: Path) -> None:
    def thrashes(at: float, row: Row) -> None:
        values = row["values"]
        assert isinstance(values, dict)
        values["sun.gc.collector.0.invocations"] = 0

    code, page = judge(tmp_path, [*looks("17 Serial 64m", thrashes), *control()])
    assert code == 1
    assert "2 false alarms" in page


def test_a_control_that_nobody_noticed_fails_the_soak(tmp_path: Path) -> None:
    quiet = [*looks("control"), {"jvm": "control", "stopped": STOPPED}]
    code, page = judge(tmp_path, [*looks("17 Serial 64m"), *quiet])
    assert code == 1
    assert "no false alarms" in page
    assert "at 10 s 0 by its state and 0 by its silence" in page
