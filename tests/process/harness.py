"""Runs the real entrypoint on small actors: as PID 1 of a pid namespace of its own, or as subreaper.

Every process of a run carries a mark in its environment, so that a test can ask what is left of it and
the clean-up can end it. Nothing outside a run is ever signalled. No test asserts how long something
takes: every wait has a generous limit and ends as soon as what it waits for is there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from lab.net import free_port

REPOSITORY = Path(__file__).parents[2]
ACTOR = Path(__file__).with_name("actor.py")
PYTHON = (sys.executable, "-I", "-S")
LIMIT = 60.0
"""Seconds that any wait may take on a busy machine before the test fails."""

MARK = "ENTRYPOINT_TEST_RUN"
UNSHARE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child=KILL")


def actor(*words: str) -> tuple[str, ...]:
    """Return the command line of an actor; see `actor.py` for the parts it can play."""
    return (*PYTHON, str(ACTOR), *words)


def until(condition: Callable[[], object], what: str, limit: float = LIMIT) -> None:
    """Return as soon as the condition holds; fail after the limit."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"not within {limit:g} s: {what}"
        time.sleep(0.01)


class Run:
    """One entrypoint that was started, and everything that it started."""

    def __init__(
        self, process: subprocess.Popen[bytes], folder: Path, mark: str, number: int
    ) -> None:
        self.process = process
        self.folder = folder
        self.mark = mark
        self._number = number
        self.pid = process.pid
        """The host's pid of entrypoint itself."""

    @property
    def stdout(self) -> str:
        """What the run has written to its standard output so far."""
        return _read(self.folder / f"stdout-{self._number}")

    @property
    def stderr(self) -> str:
        """What the run has written to its standard error so far."""
        return _read(self.folder / f"stderr-{self._number}")

    @property
    def termination_message(self) -> str:
        """What the run has told Kubernetes, or ""."""
        return _read(self.folder / "termination-log")

    def says(self, text: str, times: int = 1) -> None:
        """Wait until the text was written to standard output or error, so many times."""

        def found() -> bool:
            ended = self.ended()
            seen = (self.stdout + self.stderr).count(text) >= times
            assert seen or not ended, (
                f"ended with {self.process.returncode} and never said {text!r}:\n"
                f"{self.stdout}\n{self.stderr}"
            )
            return seen

        until(found, f"{text!r} in the output of the run")

    def ended(self) -> bool:
        """Tell whether entrypoint has ended."""
        return self.process.poll() is not None

    def send(self, number: int, pid: int | None = None) -> None:
        """Send a signal to entrypoint, or to another process of this run."""
        with suppress(ProcessLookupError):
            os.kill(pid or self.pid, number)

    def stop(self) -> int:
        """Send TERM and return the exit code."""
        self.send(signal.SIGTERM)
        return self.wait()

    def wait(self, limit: float = LIMIT) -> int:
        """Return the exit code as a shell would say it: 128+n for a signal."""
        code = self.process.wait(limit)
        return code if code >= 0 else 128 - code

    def processes(self, word: str = "") -> list[int]:
        """Return the host's pids of what runs under entrypoint, with `word` in the command line."""
        mark = f"{MARK}={self.mark}".encode()
        return [
            pid
            for pid in _pids()
            if pid not in {self.pid, self.process.pid}
            and mark in _bytes(f"/proc/{pid}/environ").split(b"\0")
            and word.encode() in _bytes(f"/proc/{pid}/cmdline")
        ]

    def child(self, word: str) -> int:
        """Wait for the one process with this word in its command line, and return its host pid."""
        until(lambda: self.processes(word), f"a process with {word!r}")
        (pid,) = self.processes(word)
        return pid

    def left(self) -> list[str]:
        """Return the command lines of what still runs, after entrypoint has ended."""
        return [_read(f"/proc/{pid}/cmdline").replace("\0", " ") for pid in self.processes()]

    def gone(self) -> None:
        """Wait until nothing of the run is left: a KILL takes effect a moment after it was sent."""
        until(lambda: not self.processes(), f"nothing is left of the run: {self.left()}", 10)

    def clean_up(self) -> None:
        """End everything of this run."""
        self.send(signal.SIGKILL)
        for _ in range(100):
            pids = self.processes()
            for pid in pids:
                self.send(signal.SIGKILL, pid)
            if not pids:
                break
            time.sleep(0.02)
        self.process.kill()
        self.process.wait(LIMIT)


class Launcher:
    """Starts entrypoint for one test, as PID 1 or as subreaper, and cleans up after it."""

    def __init__(self, folder: Path, as_pid1: bool) -> None:
        self.folder = folder
        self.as_pid1 = as_pid1
        self.port = free_port()
        self._runs: list[Run] = []

    @property
    def environment(self) -> dict[str, str]:
        """The variables that every run gets."""
        return {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(REPOSITORY),
            "ENTRYPOINT_TERMINATION_LOG": str(self.folder / "termination-log"),
            "ENTRYPOINT_RUN_DIR": str(self.folder / "run"),
            "ENTRYPOINT_HOME": str(self.folder / "home"),
            "ENTRYPOINT_LISTEN": f"127.0.0.1:{self.port}",
        }

    def plain(self, command: Sequence[str], *switches: str, **options: object) -> Run:
        """Start a command in plain mode."""
        return self.start(["run", "--exec", *switches, "--", *command], **options)  # type: ignore[arg-type]

    def profile(
        self,
        java: Sequence[str] | Path,
        overlay: str = "",
        env: Mapping[str, str] | None = None,
        **options: object,
    ) -> Run:
        """Start the jvm profile on a real JDK (its folder), or on an actor in the place of java."""
        (self.folder / "home").mkdir(exist_ok=True)
        home = java if isinstance(java, Path) else self.pretend_java(java)
        words = ["run", "jvm"]
        if overlay:
            (self.folder / "overlay.yaml").write_text(overlay)
            words += ["--overlay", str(self.folder / "overlay.yaml")]
        variables = {"JAVA_HOME": str(home), "APP_MAIN": "example.Main"} | dict(env or {})
        return self.start(words, env=variables, **options)  # type: ignore[arg-type]

    def pretend_java(self, command: Sequence[str]) -> Path:
        """Make a JDK whose java is an actor: a start takes milliseconds instead of a second."""
        home = self.folder / "jdk"
        (home / "bin").mkdir(parents=True, exist_ok=True)
        (home / "release").write_text('JAVA_VERSION="17.0.1"\nIMPLEMENTOR="an actor"\n')
        words = " ".join("'" + word.replace("'", "'\\''") + "'" for word in command)
        (home / "bin" / "java").write_text(f"#!/bin/sh\nexec {words}\n")
        (home / "bin" / "java").chmod(0o755)
        return home

    def start(
        self,
        words: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
        python: Sequence[str] = (),
    ) -> Run:
        """Start entrypoint with these words; `before` is a command that execs the rest."""
        run = self.spawn(
            [*before, sys.executable, *python, "-m", "entrypoint", *words],
            env=env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )
        if self.as_pid1:
            until(lambda: children(run.process.pid) or run.ended(), "unshare's child")
            run.pid = next(iter(children(run.process.pid)), run.process.pid)
        return run

    def spawn(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> Run:
        """Start any command where entrypoint would be."""
        mark = uuid.uuid4().hex
        number = len(self._runs)
        with (
            (self.folder / f"stdout-{number}").open("wb") as out,
            (self.folder / f"stderr-{number}").open("wb") as err,
        ):
            process = subprocess.Popen(
                [*(UNSHARE if self.as_pid1 else ()), *command],
                env=self.environment | dict(env or {}) | {MARK: mark},
                stdin=stdin,
                stdout=out if stdout is None else stdout,
                stderr=err if stderr is None else stderr,
                cwd=self.folder,
            )
        run = Run(process, self.folder, mark, number)
        self._runs.append(run)
        return run

    def clean_up(self) -> None:
        """End everything that was started."""
        for run in self._runs:
            run.clean_up()


def status_field(text: str, name: str) -> str:
    """Return the value of a field of /proc/PID/status."""
    return next(
        line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith(f"{name}:")
    )


def process_state(pid: int) -> str:
    """Return the state letter of a process (R, S, T, Z …), or "" when it is gone."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2][1:2]


def blocks(pid: int, number: int) -> bool:
    """Tell whether entrypoint has blocked a signal: it blocks all of them in its first statement.

    In sigtimedwait the kernel unblocks what is waited for, and /proc shows that; but then it has a child.
    """
    if children(pid):
        return True
    text = _read(f"/proc/{pid}/status")
    return "SigBlk" in text and int(status_field(text, "SigBlk"), 16) >> number - 1 & 1 == 1


def children(pid: int) -> list[int]:
    """Return the host's pids of what a process has started or adopted, and has not reaped."""
    return [int(word) for word in _read(f"/proc/{pid}/task/{pid}/children").split()]


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _read(path: str | Path) -> str:
    return _bytes(str(path)).decode("utf-8", "replace")
