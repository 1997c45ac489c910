"""Standard streams and our log: closed, full, a terminal; a log never holds up a signal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import sys
import termios
import time
import urllib.request
from contextlib import suppress

import pytest
from harness import Launcher, Run, actor, until


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"])
@pytest.mark.parametrize("mode", ["plain", "profile"])
def test_closed_streams_are_fine(entrypoint: Launcher, closed: str, mode: str) -> None:
    before = ("sh", "-c", f'exec "$@" {closed}', "sh")
    command = ("sh", "-c", f"ls -l /proc/self/fd > {entrypoint.folder}/descriptors; exit 7")
    if mode == "plain":
        run = entrypoint.plain(command, before=before)
    else:
        run = entrypoint.profile(command, before=before)
    assert run.wait() == 7
    assert "exited with 7" in run.termination_message
    seen = (entrypoint.folder / "descriptors").read_text()
    assert all(f" {number} -> " in seen for number in (0, 1, 2)), (
        "java's next file would be its output"
    )
    assert "pipe:" not in seen and "socket:" not in seen, "java got a descriptor of ours"


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "0<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["version"], 0),
        (["--help"], 0),
        (["profiles"], 0),
        (["plan", "otter-manger"], 64),
        (["probe", "live"], 1),
        (["status"], 1),
        (["status", "--no"], 64),
    ],
)
def test_a_verb_whose_output_is_closed_has_its_exit_code_and_nothing_to_say(
    pid1: Launcher, closed: str, words: list[str], code: int
) -> None:
    run = pid1.start(words, before=("sh", "-c", f'exec "$@" {closed}', "sh"))
    assert run.wait() == code
    assert "bug" not in run.stderr
    assert run.stdout == "" and (code or run.stderr == "")


def test_the_child_gets_no_descriptor_of_ours(entrypoint: Launcher) -> None:
    run = entrypoint.profile(("sh", "-c", "ls /proc/self/fd; exit 7"))
    assert run.wait() == 7
    # 3 is the folder that ls reads.
    assert run.stdout.split() == ["0", "1", "2", "3"]


def test_a_full_log_pipe_holds_up_nothing(entrypoint: Launcher) -> None:
    """Nobody reads: lines are dropped and counted, signals are forwarded, the exit is prompt."""
    read, write = os.pipe()
    run = entrypoint.profile(actor("report", "15"), stderr=write)
    run.says("ready")
    fill(write)
    flood(entrypoint, run)
    run.send(signal.SIGUSR1)
    run.says("got 10")
    assert run.stop() == 0
    assert "after SIGTERM" in run.termination_message
    os.close(read)
    os.close(write)


def test_dropped_lines_are_told_when_lines_flow_again(pid1: Launcher) -> None:
    read, write = os.pipe()
    run = pid1.profile(actor("report", "15"), stderr=write)
    run.says("ready")
    filled = fill(write)
    flood(pid1, run)
    lost = int(dropped(pid1))
    os.close(write)
    with open(read, "rb") as pipe:
        text = pipe.read(filled)
        run.send(signal.SIGTERM)
        text += pipe.read()
    assert run.wait() == 0
    assert b"warning Dropped log lines lines=" in text
    assert int(text.split(b"Dropped log lines lines=")[1].split()[0]) >= lost


def test_an_error_message_into_a_full_pipe_holds_up_nothing(entrypoint: Launcher) -> None:
    read, write = os.pipe()
    fill(write)
    run = entrypoint.plain(("no-such-program-anywhere",), stderr=write)
    assert run.wait() == 127
    assert "not found" in run.termination_message
    os.close(read)
    os.close(write)


def test_a_log_pipe_without_a_reader_is_fine(entrypoint: Launcher) -> None:
    read, write = os.pipe()
    os.close(read)
    run = entrypoint.profile(actor("report"), stderr=write)
    os.close(write)
    run.says("ready")
    run.send(signal.SIGUSR1)
    run.says("got 10")
    assert run.stop() == 0


def fill(write: int) -> int:
    """Fill a pipe to the last byte, and return how many went in."""
    flags = fcntl.fcntl(write, fcntl.F_GETFL)
    fcntl.fcntl(write, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    count = 0
    for size in (65536, 1):
        with suppress(BlockingIOError):
            while True:
                count += os.write(write, b"x" * size)
    fcntl.fcntl(write, fcntl.F_SETFL, flags)
    return count


def flood(launcher: Launcher, run: Run) -> None:
    """Cause log lines until one is dropped: the actor does not catch QUIT, so each is a warning."""
    while dropped(launcher) == 0:
        for _ in range(100):
            run.send(signal.SIGQUIT)
            time.sleep(0.001)


def dropped(launcher: Launcher) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{launcher.port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return float(
        next(
            line for line in lines if line.startswith("entrypoint_log_lines_dropped_total")
        ).split()[1]
    )


def test_json_lines_parse(entrypoint: Launcher) -> None:
    run = entrypoint.profile(actor("report"), env={"ENTRYPOINT_LOG_FORMAT": "json"})
    run.says("ready")
    assert run.stop() == 0
    lines = [json.loads(line) for line in run.stderr.splitlines()]
    assert all(line["source"] == "entrypoint" and line["time"].endswith("Z") for line in lines)
    assert lines[0]["message"] == "Starting"
    assert lines[-1]["message"] == "Exited"
    assert lines[-1]["code"] == 0


def test_the_log_level_counts(pid1: Launcher) -> None:
    run = pid1.profile(actor("report"), env={"ENTRYPOINT_LOG_LEVEL": "error"})
    run.says("ready")
    assert run.stop() == 0
    assert run.stderr == ""


TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 1); "
)
TAKE_TERMINAL += "os.execvp(sys.argv[1], sys.argv[1:])"


def test_the_child_is_the_foreground_of_a_terminal(entrypoint: Launcher) -> None:
    """Ctrl-C goes to the child by way of the terminal; we are not in its group."""
    leader, follower = pty.openpty()
    run = entrypoint.plain(
        actor("report", "2"),
        before=(sys.executable, "-c", TAKE_TERMINAL),
        stdin=follower,
        stdout=None,
    )
    run.says("ready")
    child = run.child("report")
    until(lambda: _foreground(leader) == os.getpgid(child), "the child's group is the foreground")
    os.write(leader, b"\x03")
    run.says("got 2")
    assert run.wait() == 130
    os.close(leader)
    os.close(follower)


def test_a_child_reads_from_the_terminal(entrypoint: Launcher) -> None:
    leader, follower = pty.openpty()
    run = entrypoint.plain(
        ("sh", "-c", "read line; echo read $line"),
        before=(sys.executable, "-c", TAKE_TERMINAL),
        stdin=follower,
    )
    os.write(leader, b"hello\n")
    assert run.wait() == 0
    assert run.stdout == "read hello\n"
    os.close(leader)
    os.close(follower)


def test_a_job_in_the_background_takes_no_terminal(subreaper: Launcher) -> None:
    """With `entrypoint run … &` in a shell the terminal is the shell's."""
    leader, follower = pty.openpty()
    script = 'set -m; "$@" & sleep 1000'
    run = subreaper.plain(
        actor("report"),
        before=(sys.executable, "-c", TAKE_TERMINAL, "sh", "-c", script, "sh"),
        stdin=follower,
    )
    run.says("ready")
    assert _foreground(leader) == os.getpgid(run.child("sleep\0"))
    os.close(leader)
    os.close(follower)


def _foreground(terminal: int) -> int:
    answer = fcntl.ioctl(terminal, termios.TIOCGPGRP, b"\0\0\0\0")
    return int.from_bytes(answer, "little")
