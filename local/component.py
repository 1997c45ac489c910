"""The parts of otter that `./run` starts: a common face for MariaDB and for what runs under entrypoint."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from lab.cache import LabError
from lab.mariadb import MariaDB
from lab.net import LOOPBACK

REPOSITORY = Path(__file__).resolve().parents[1]
STOP_LIMIT = 40.0
"""Seconds for a stop: longer than the stop ladder of any built-in profile."""


class Component:
    """One part: it is started, gets ready, may end, and is stopped."""

    def __init__(self, name: str, address: str, log: Path) -> None:
        self.name = name
        self.address = address
        self.log = log
        self.probes = ""
        """HOST:PORT of entrypoint's own pages; empty for what does not run under it."""

    def start(self) -> None:
        """Start it; it need not be ready on return."""
        raise NotImplementedError

    def waits_for(self) -> str:
        """Return what it still waits for, or "" when it is ready."""
        raise NotImplementedError

    def exit_code(self) -> int | None:
        """Return its exit code (128+n for a signal), or None while it runs or never ran."""
        raise NotImplementedError

    @property
    def pid(self) -> int | None:
        """Its process id, or None when it was not started."""
        raise NotImplementedError

    def ask_to_stop(self) -> None:
        """Send TERM."""
        if self.pid is not None and self.exit_code() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it, and all that it started, at once."""
        if self.pid is not None and self.exit_code() is None:
            for pid in reversed([self.pid, *descendants(self.pid)]):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def tail(self, lines: int = 15) -> list[str]:
        """Return the last lines of its log."""
        try:
            return self.log.read_text(errors="replace").splitlines()[-lines:]
        except OSError:
            return []


class Database(Component):
    """MariaDB, as the lab runs it; what it has in its folder is kept."""

    def __init__(self, folder: Path, port: int) -> None:
        self.server = _Kept(folder, port)
        super().__init__("MariaDB", self.server.address, self.server.log)
        self._pid: int | None = None
        self._code: int | None = None

    @property
    def pid(self) -> int | None:
        """Its process id, or None when it was not started."""
        return self._pid

    def start(self) -> None:
        """Start it and wait until it answers: that is a second."""
        self.server.start()
        self._pid = self.server.pid

    def waits_for(self) -> str:
        """Return "": it is ready when it was started."""
        return ""

    def exit_code(self) -> int | None:
        """Return its exit code (128+n for a signal), or None while it runs or never ran."""
        if self._pid is not None and self._code is None:
            with suppress(ChildProcessError):
                pid, status = os.waitpid(self._pid, os.WNOHANG)
                if pid:
                    self._code = _shell_code(os.waitstatus_to_exitcode(status))
        return self._code


class _Kept(MariaDB):
    def prepare(self) -> None:
        if not (self.folder / "data" / "mysql").is_dir():
            super().prepare()


class Supervised(Component):
    """One java application under `entrypoint run`, with a built-in profile and variables alone."""

    def __init__(
        self,
        name: str,
        profile: Sequence[str],
        folder: Path,
        *,
        address: str,
        probe_port: int,
        variables: Mapping[str, str],
    ) -> None:
        super().__init__(name, address, folder / "output.log")
        self.probes = f"{LOOPBACK}:{probe_port}"
        self.profile = tuple(profile)
        self.folder = folder
        self.variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(REPOSITORY),
            "ENTRYPOINT_LISTEN": self.probes,
            "ENTRYPOINT_RUN_DIR": str(folder / "run"),
            "ENTRYPOINT_TERMINATION_LOG": str(folder / "termination-log"),
            **variables,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id, or None when it was not started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start entrypoint, away from our terminal; it stops when we die, whatever kills us."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "entrypoint", "run", *self.profile]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *command],
                cwd=self.folder,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def waits_for(self) -> str:
        """Ask /readyz; return the first thing that is not well, or "" when it is ready."""
        try:
            status, text = get(self.probes, "/readyz?verbose")
        except (OSError, http.client.HTTPException):
            return "entrypoint to answer"
        if status == 200:
            return ""
        wrong = [line[3:] for line in text.splitlines() if line.startswith("[-]")]
        if "phase preparing" in wrong:
            return "its plan"
        if "phase waiting" in wrong:
            return self._gate()
        checks = [line for line in wrong if not line.startswith("phase ")]
        return _short(checks[0] if checks else "its startup checks")

    def exit_code(self) -> int | None:
        """Return its exit code (128+n for a signal), or None while it runs or never ran."""
        if self._process is None:
            return None
        code = self._process.poll()
        return None if code is None else _shell_code(code)

    def says(self) -> str:
        """Return its termination message."""
        try:
            return (self.folder / "termination-log").read_text(errors="replace").strip()
        except OSError:
            return ""

    def _gate(self) -> str:
        """Return the gate that is not passed, out of the log: a target that is Waiting and not Ready."""
        waiting: dict[str, str] = {}
        for line in self.tail(50):
            _, found, rest = line.partition("[entrypoint] info ")
            event, _, fields = rest.partition(" for=")
            target = fields.split(" ")[0]
            if found and event == "Waiting":
                waiting[target] = f"{target}"
            elif found and event == "Ready":
                waiting.pop(target, None)
        return ", ".join(waiting.values()) or "its gates"


def get(address: str, path: str, timeout: float = 2.0) -> tuple[int, str]:
    """Return status and text of a page."""
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def descendants(pid: int) -> list[int]:
    """Return the processes below one, parents before children."""
    found: list[int] = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            text = Path(f"/proc/{pid}/task/{task}/children").read_text()
            for child in map(int, text.split()):
                found += [child, *descendants(child)]
    return found


def wait_ended(component: Component, limit: float) -> bool:
    """Wait for the end of a component, and tell whether it came within `limit` seconds."""
    deadline = time.monotonic() + limit
    while component.exit_code() is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def failure(component: Component) -> LabError:
    """Return what to tell when a component ended and nobody asked for it."""
    said = component.says() if isinstance(component, Supervised) else ""
    why = f": {said.removeprefix('entrypoint: ').partition(' [exit ')[0]}" if said else ""
    return LabError(f"{component.name} ended with exit code {component.exit_code()}{why}")


def _shell_code(code: int) -> int:
    return code if code >= 0 else 128 - code


def _short(line: str) -> str:
    """Return a line of /readyz without its counts and times, which change at every look."""
    name, _, rest = line.partition(" ")
    reason = rest.removeprefix("failed: ").rpartition(", since ")[0] or rest
    reason = reason.rpartition(" after ")[0] or reason
    return f"check {name}: {reason}"
