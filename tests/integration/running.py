"""Real applications under the real entrypoint: started with a profile and variables, asked over HTTP.

The process tests' launcher starts and cleans up (`process/harness.py`); here is what a profile adds: free
ports, what /readyz says, and small, quick JVMs.
"""

from __future__ import annotations

import http.client
import itertools
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from process.harness import Launcher, Run, blocks, until

SMALL = "-Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"


class Application:
    """One application under entrypoint."""

    def __init__(self, run: Run, probes: str) -> None:
        self.run = run
        self.probes = probes
        """HOST:PORT of entrypoint's pages."""

    @property
    def output(self) -> str:
        """What entrypoint and java have written so far."""
        return self.run.stdout + self.run.stderr

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of one of entrypoint's pages; (0, "") when nobody answers."""
        with suppress(OSError, http.client.HTTPException):
            return get(self.probes, path)
        return 0, ""

    def phase(self) -> str:
        """Return the phase that /readyz tells, or "" when nobody answers."""
        found = re.search(r"^\[.\]phase (\w+)", self.get("/readyz?verbose")[1], re.MULTILINE)
        return found[1] if found else ""

    def becomes_ready(self) -> None:
        """Wait until /readyz is 200."""
        self._until(lambda: self.get("/readyz")[0] == 200, "/readyz is 200")

    def becomes_unready(self, item: str) -> None:
        """Wait until /readyz is 503 because of a line that begins so, as "channel-list failed: 500"."""

        def unready() -> bool:
            status, text = self.get("/readyz")
            return status == 503 and f"\n[-]{item}" in f"\n{text}"

        self._until(unready, f"/readyz is 503 with [-]{item}")

    def reaches(self, phase: str) -> None:
        """Wait for a phase."""
        self._until(lambda: self.phase() == phase, f"phase {phase}")

    def alive(self) -> bool:
        """Tell whether /livez is 200."""
        return self.get("/livez")[0] == 200

    def says(self, text: str) -> None:
        """Wait until entrypoint or java has written the text."""
        self.run.says(text)

    def java(self) -> int:
        """Return the pid of java, waiting for it."""
        return self.run.child("/bin/java\0")

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        def holds() -> bool:
            if condition():
                return True
            code = self.run.process.returncode if self.run.ended() else None
            assert code is None, f"ended with {code}, and never: {what}\n{self.output[-5000:]}"
            return False

        try:
            until(holds, what)
        except AssertionError as error:
            text = self.get("/readyz?verbose")[1]
            raise AssertionError(f"{error}\n{text}\n{self.output[-5000:]}") from None


class Applications:
    """Starts applications for one test, each in a folder of its own, and ends what is left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = itertools.count(1)
        self._launchers: list[Launcher] = []

    def start(
        self,
        profile: str,
        java_home: Path,
        home: Path,
        variables: Mapping[str, str],
        *,
        overlay: str = "",
        as_pid1: bool = False,
        options: str = SMALL,
        before: Sequence[str] = (),
    ) -> Application:
        """Run a built-in profile; `overlay` is YAML, `before` a command that execs the rest."""
        folder = self.folder / f"{profile}-{next(self._count)}"
        (folder / "tmp").mkdir(parents=True)
        launcher = Launcher(folder, as_pid1)
        self._launchers.append(launcher)
        words = ["run", profile]
        if overlay:
            (folder / "overlay.yaml").write_text(overlay)
            words += ["--overlay", str(folder / "overlay.yaml")]
        common = {
            "JAVA_HOME": str(java_home),
            "JAVA_OPTIONS": f"{options} -Djava.io.tmpdir={folder / 'tmp'}",
            "ENTRYPOINT_HOME": str(home),
        }
        run = launcher.start(words, env=common | dict(variables), before=before)
        return Application(run, launcher.environment["ENTRYPOINT_LISTEN"])

    def clean_up(self) -> None:
        """End everything that was started."""
        for launcher in self._launchers:
            launcher.clean_up()


def get(address: str, path: str, timeout: float = 5.0) -> tuple[int, str]:
    """Return status and text of a page; no redirect is followed."""
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def blocks_signals(run: Run) -> None:
    """Wait until entrypoint has done its first statement: before it, TERM is the kernel's affair.

    Not TERM is looked for: unshare blocks that one itself for a moment, and is not PID 1 yet.
    """
    until(lambda: blocks(run.pid, signal.SIGUSR1), "entrypoint blocks signals")
