"""Diagnoses that nobody asked for by pid: when liveness fails, and the verb inside a container."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from harness import LIMIT, REPOSITORY, Launcher, Run, until
from test_diagnosis import sick as sick  # noqa: PLC0414 - a fixture
from test_diagnosis import start

LIVENESS = """
checks:
  alive:
    tcp: {{address: "127.0.0.1:{port}"}}
    for: [liveness]
    timeout: 1s
    interval: 100ms
    failures: 1
"""


def folders(run: Run) -> list[Path]:
    return [path for path in (run.folder / "evidence").iterdir() if path.is_dir()]


def test_a_liveness_that_fails_is_diagnosed_once_and_java_lives_on(
    subreaper: Launcher, java: Path, sick: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as alive:
        overlay = LIVENESS.format(port=alive.getsockname()[1])
        run = start(subreaper, java, sick, "deadlock", overlay)
        run.says("Check passed")
        assert "Diagnosis made" not in run.stderr
    run.says("Check failed")
    run.says("Diagnosis made", 1)
    made = next(line for line in run.stderr.splitlines() if "Diagnosis made" in line)
    assert 'cause="liveness: alive ' in made
    assert "files=threads.txt,heap.txt,flags.txt,histogram.txt" in made
    told = [line for line in run.stderr.splitlines() if " Diagnosis of=" in line]
    assert any("deadlock" in line and "left-first" in line for line in told), run.stderr
    (folder,) = folders(run)
    assert f"folder={folder}" in made
    assert "Found one Java-level deadlock" in (folder / "threads.txt").read_text()
    assert '"left-first"' in (folder / "threads.txt").read_text()
    assert run.processes("Sick")
    assert "Full thread dump" not in run.stdout
    assert run.stop() in {0, 143}
    assert len(folders(run)) == 1


def inside(run: Run, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the verb in the namespaces of PID 1, as `kubectl exec` does."""
    enter = ("nsenter", "--target", str(run.pid), "--pid", "--mount", "--")
    return subprocess.run(
        [*enter, sys.executable, "-m", "entrypoint", "diagnose", *words],
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )


def test_the_verb_finds_the_java_of_pid_1(
    pid1: Launcher, java: Path, sick: Path, tmp_path: Path
) -> None:
    run = start(pid1, java, sick, "deadlock")
    asked = inside(run, "-o", "json")
    found = json.loads(asked.stdout)
    assert (asked.returncode, asked.stderr) == (0, "")
    # The pid of the namespace, not the host's.
    assert found["pid"] != run.child("Sick")
    assert '"left-first" waits for java.lang.Object' in found["deadlocks"][0]
    shown = inside(run, "--out", str(tmp_path / "out"))
    (folder,) = (tmp_path / "out").iterdir()
    assert f"java pid {found['pid']}\n" in shown.stdout
    assert f"{folder}/{{threads.txt,heap.txt,flags.txt,histogram.txt}}" in shown.stdout
    assert (folder / "histogram.txt").read_text().lstrip().startswith("num")


@pytest.mark.parametrize("command", [("sleep", "1000"), ("sh", "-c", "echo up; sleep 1000")])
def test_the_verb_says_where_it_looked_for_a_java_that_is_not_there(
    pid1: Launcher, command: tuple[str, ...]
) -> None:
    run = pid1.plain(command)
    until(run.processes, "the command runs")
    asked = inside(run)
    assert (asked.returncode, asked.stdout) == (64, "")
    assert "no java runs" in asked.stderr
    assert "the children of pid 1: " in asked.stderr
    assert "--pid N" in asked.stderr
    assert run.processes()
