"""The crash log of a real JVM in what is told of its end: all of its head, and only of this life."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from harness import Launcher, Run, until
from test_diagnosis import sick as sick  # noqa: PLC0414 - a fixture
from test_diagnosis import start

HEAD = (
    r"A fatal error has been detected by the Java Runtime Environment:",
    r"{signal} \(0x[0-9a-f]+\) at pc=0x[0-9a-f]+ .*pid=\d+, tid=\d+",
    r"JRE version: .*\(.*\) \(.*build .*\)",
    r"Java VM: OpenJDK .* \(.*serial gc, linux-\w+\)",
    r"Problematic frame:",
)


def crash(launcher: Launcher, java: Path, sick: Path, number: signal.Signals) -> tuple[Run, Path]:
    """Have java crash, and return the run and its crash log."""
    run = start(launcher, java, sick, "none")
    run.send(number, run.child("Sick"))
    assert run.wait() == 134
    logs = sorted((launcher.folder / "evidence").glob("hs_err_pid*.log"))
    return run, logs[-1]


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE])
def test_every_line_of_the_head_is_told_with_the_path(
    subreaper: Launcher, java: Path, sick: Path, number: signal.Signals
) -> None:
    run, log = crash(subreaper, java, sick, number)
    # Long lines are folded.
    message = " ".join(run.termination_message.split())
    for line in HEAD:
        assert re.search(line.replace("{signal}", number.name), message), (line, message)
    text = log.read_text(errors="replace")
    head = [line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("# ")]
    # Word for word, in the file's order, up to where it says whom to write to.
    wanted = head[: next(i for i, line in enumerate(head) if line.startswith("If you would"))]
    places = [message.find(" ".join(line.split())) for line in wanted if line]
    assert -1 not in places and places == sorted(places), (wanted, message)
    assert re.match(r"[CVJj] ", wanted[wanted.index("Problematic frame:") + 1])
    assert str(log) in message
    # The JVM's advice to its developers is not ours to give.
    assert "If you would like to submit a bug report" not in message
    assert len(run.termination_message.encode()) <= 4096


def test_an_abort_from_outside_leaves_no_log_and_tells_none_of_an_earlier_life(
    subreaper: Launcher, java: Path, sick: Path
) -> None:
    _, earlier = crash(subreaper, java, sick, signal.SIGSEGV)
    subreaper.clean_up()
    run = start(subreaper, java, sick, "none")
    until(lambda: not earlier.exists(), "the log of the earlier life has its time in its name")
    run.send(signal.SIGABRT, run.child("Sick"))
    assert run.wait() == 134
    message = run.termination_message
    assert message.startswith("entrypoint: java was ended by SIGABRT (134)")
    assert "SIGSEGV" not in message and "hs_err" not in message, message
    assert len(list((subreaper.folder / "evidence").glob("hs_err_pid*.log"))) == 1
