"""A java process under test: its output, its signals, its end."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from lab.cache import LabError
from lab.command import environment
from lab.net import wait_until
from standin.browser import PATIENCE


class Program:
    """One java process with its output in a file; the kernel kills it when the test run dies."""

    def __init__(
        self, argv: Sequence[str | Path], cwd: Path, env: Mapping[str, str], log: Path
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *map(str, argv)],
                cwd=cwd,
                env=environment(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        """Everything it has said so far."""
        return self.log.read_text(errors="replace")

    def running(self) -> bool:
        """Tell whether it lives."""
        return self._process.poll() is None

    def says(self, text: str) -> None:
        """Return when the output has the text; LabError with the output when it ends without."""

        def said() -> bool:
            ended = not self.running()
            if text in self.output:
                return True
            if ended:
                raise LabError(f"it ended without saying {text!r}, but:\n{self.output[-3000:]}")
            return False

        wait_until(said, PATIENCE, f"output has {text!r}, it is in {self.log}")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def exit_code(self) -> int:
        """Return its exit code as a shell would say it, waiting for its end."""
        code = self._process.wait(PATIENCE)
        return code if code >= 0 else 128 - code

    def terminate(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.signal(signal.SIGTERM)
        return self.exit_code()

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait(PATIENCE)
