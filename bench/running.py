"""One run of a program: started, listened to, signalled, measured, and gone at the end.

Here: `Run`, and what /proc says about it. With root each run is PID 1 of a pid namespace of its own.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING

from programs import Program, Scratch, free_port

if TYPE_CHECKING:
    from types import TracebackType
    from typing import NoReturn, Self

DEADLINE = 120.0
AS_PID_1 = os.geteuid() == 0
UNSHARE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


class Run:
    """A program with the actor as its child; the actor's words are kept by the time they came."""

    def __init__(
        self, program: Program, scratch: Scratch, role: str, orphans: int = 0, settle: float = 0.0
    ) -> None:
        self.program = program
        self.port = free_port() if program.serves else 0
        self.run_dir = tempfile.mkdtemp(dir=scratch.folder)
        self.said: dict[str, int] = {}
        self.cpu = 0.0
        self._rest = b""
        self._status: int | None = None
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            # As an image does that ran compileall: modules are compiled, and nothing is written.
            "PYTHONPYCACHEPREFIX": os.path.join(scratch.folder, "pycache"),
            "BENCH_ACTOR": role,
            "BENCH_ORPHANS": str(orphans),
            "BENCH_SETTLE": str(round(settle * 1000)),
            "ENTRYPOINT_LISTEN": f"127.0.0.1:{self.port}",
            "ENTRYPOINT_RUN_DIR": self.run_dir,
            "ENTRYPOINT_TERMINATION_LOG": os.path.join(self.run_dir, "termination-log"),
            **program.environment,
        }
        self._process = subprocess.Popen(
            [*(UNSHARE if AS_PID_1 else ()), scratch.begin, *program.argv],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is None:
            # Not Popen.kill: that may reap the process, and the CPU time would be lost.
            os.kill(self._process.pid, signal.SIGKILL)
            self.finish()

    @property
    def pid(self) -> int:
        """The program's pid as we see it: unshare's child, where there is an unshare."""
        found = self._find()
        if found is None:
            self._fail("ended before it was told to")
        return found

    def _find(self) -> int | None:
        pid = self._process.pid
        if not AS_PID_1:
            return pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def wait_for(self, word: str) -> int:
        """Return when the actor said this word, in ns of the monotonic clock."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + DEADLINE
        while word not in self.said:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, left))
            data = os.read(self._process.stdout.fileno(), 4096) if ready else b""
            if not data:
                self._fail(f"did not come to {word!r}")
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                name, _, when = line.decode().partition(" ")
                self.said[name] = int(when)
        return self.said[word]

    def _fail(self, what: str) -> NoReturn:
        self._process.kill()
        _, errors = self._process.communicate()
        self._status = 0
        said = errors.decode(errors="replace")[-2000:]
        raise SystemExit(f"bench: {self.program.name} {what}:\n{said}")

    def send(self, number: signal.Signals) -> int:
        """Send a signal to the program and return when, in ns."""
        pid = self.pid
        sent = time.monotonic_ns()
        os.kill(pid, number)
        return sent

    def finish(self) -> float:
        """Wait for the end and return the CPU seconds of the program and all that it waited for."""
        left = self._find() if self.program.stays else None
        if left is not None:
            os.kill(left, signal.SIGKILL)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()
        _, self._status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(self._status)
        self.cpu = usage.ru_utime + usage.ru_stime
        return self.cpu

    def memory(self) -> tuple[int, int]:
        """Return (RSS, PSS) of the program alone, in kB."""
        values = {}
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                words = line.split()
                if words[0] in {"Rss:", "Pss:"}:
                    values[words[0]] = int(words[1])
        return values["Rss:"], values["Pss:"]

    def peak(self) -> int:
        """Return the largest RSS that the program alone ever had, in kB."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            (line,) = (line for line in file if line.startswith("VmHWM:"))
        return int(line.split()[1])

    def wakeups(self) -> int:
        """Return the voluntary context switches of all threads until now."""
        pid = self.pid
        total = 0
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("voluntary_"))
        return total

    def scrape(self) -> float:
        """Read /metrics over a new connection and return the seconds that it took."""
        began = time.perf_counter()
        with socket.create_connection(("127.0.0.1", self.port), 5.0) as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        took = time.perf_counter() - began
        if b" 200 " not in answer[:16]:
            raise SystemExit(f"bench: /metrics of {self.program.name} says {answer[:100]!r}")
        return took
