"""One real service as a child process: started, waited for, and gone when we are gone.

It runs in its own process group, and the kernel kills it when the thread that started it ends
(PR_SET_PDEATHSIG): start services from the main thread.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from lab import net
from lab.cache import LabError
from lab.command import environment

LOG_SHOWN = 3000


class Service:
    """A service that can be stopped and started again with the same port and data.

    A subclass says how to prepare its folder, the command line, and when it answers.
    """

    name = "service"
    start_timeout = 60.0
    stop_timeout = 30.0

    def __init__(self, folder: Path | None = None, port: int | None = None) -> None:
        # A short path: Unix socket names end at 107 bytes.
        self._own_folder = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix=f"lab-{self.name}-"))
        self.host = net.LOOPBACK
        self.port = port or net.free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._prepared = False

    def prepare(self) -> None:
        """Fill the empty folder; runs once, before the first start."""

    def command(self) -> Sequence[str | Path]:
        """Return the command line that stays in the foreground."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Tell whether the service does its work; an OSError means not yet."""
        raise NotImplementedError

    @property
    def address(self) -> str:
        """HOST:PORT of the clients."""
        return f"{self.host}:{self.port}"

    @property
    def log(self) -> Path:
        """The file with all output of every start."""
        return self.folder / "output.log"

    @property
    def pid(self) -> int:
        """The process id; LabError when it does not run."""
        if self._process is None:
            raise LabError(f"{self.name} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start and return when the service answers; LabError with its log when it never does."""
        if self._process is not None:
            raise LabError(f"{self.name} is running already")
        if not self._prepared:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.prepare()
            self._prepared = True
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *map(str, self.command())],
                cwd=self.folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        try:
            net.wait_until(self._answers_or_ended, self.start_timeout, f"{self.name} answers")
        except BaseException as error:
            ended = self._ended()
            self.kill()
            if isinstance(error, LabError):
                how = "ended by itself" if ended else str(error)
                raise LabError(f"{self.name}: {how}; its output ends:\n{self._tail()}") from None
            raise

    def stop(self) -> None:
        """Stop with SIGTERM, after `stop_timeout` with SIGKILL; nothing when it does not run."""
        if self._process is not None:
            if not self._ended():
                os.kill(self._process.pid, signal.SIGTERM)
                self._wait(self.stop_timeout)
            self.kill()

    def kill(self) -> None:
        """Kill the whole process group at once, as a crash; the data stays."""
        process, self._process = self._process, None
        if process is not None:
            # Not reaped yet, so the group's number cannot belong to anybody else.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def pause(self) -> None:
        """Freeze it: connections are accepted by the kernel, nothing answers."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused service go on."""
        os.killpg(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Stop and remove the folder if it is our own."""
        self.stop()
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _answers_or_ended(self) -> bool:
        if self._ended():
            raise LabError(f"{self.name} ended")
        return self.answers()

    def _ended(self) -> bool:
        """Tell whether the process is over, without reaping it."""
        assert self._process is not None
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process.pid, flags) is not None

    def _wait(self, timeout: float) -> None:
        assert self._process is not None
        descriptor = os.pidfd_open(self._process.pid)
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            deadline = time.monotonic() + timeout
            while not self._ended() and (left := deadline - time.monotonic()) > 0:
                poll.poll(left * 1000)
        finally:
            os.close(descriptor)

    def _tail(self) -> str:
        return self.log.read_text(errors="replace")[-LOG_SHOWN:]
