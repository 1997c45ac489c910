"""One container of a test: started in the foreground, its output in a file, its end awaited."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lab import containers
from lab.cache import LabError

LIMIT = 120.0
# As Kubernetes' "restricted" runs it, for a uid that no image knows. podman would hide /run.
LOCKED = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--tmpfs=/tmp",
)
PODMANS_OWN = re.compile(r'^time="[^"]+" level=\w+ msg=.*\n', re.MULTILINE)
RUN = "--tmpfs=/run/entrypoint"


class Container:
    """A container that was started; `output` is both of its streams, in their order."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log

    @property
    def output(self) -> str:
        """What it has written so far, without what podman itself has to say."""
        return PODMANS_OWN.sub("", self._log.read_text(errors="replace"))

    def says(self, text: str) -> None:
        """Wait until it has written the text; a container that ends before has failed."""
        until(lambda: self._has(text), f"{self.name} says {text!r}", lambda: self.output[-5000:])

    def _has(self, text: str) -> bool:
        if text in self.output:
            return True
        code = self._process.poll()
        if code is None:
            return False
        assert text in self.output, (
            f"ended with {code}, never said {text!r}:\n{self.output[-5000:]}"
        )
        return True

    def is_running(self) -> None:
        """Wait until entrypoint says that its start has come to its end."""
        self.says("to=running")

    def ends(self) -> int:
        """Wait for its end and return its exit code."""
        until(lambda: self._process.poll() is not None, f"{self.name} ends", lambda: self.output)
        return self._process.returncode

    def stop(self) -> int:
        """Ask it to end as the runtime does, with more than the stop ladder's time."""
        containers.podman("stop", "--time", "60", self.name)
        return self.ends()

    def healthy(self) -> bool:
        """Run the image's own HEALTHCHECK once."""
        try:
            containers.podman("healthcheck", "run", self.name)
        except LabError:
            return False
        return True

    def exec(self, *words: str) -> str:
        """Run a command in it and return its standard output."""
        return containers.podman("exec", self.name, *words)

    def java(self) -> tuple[int, list[str]]:
        """Return java's pid on this machine, and its command line."""
        for line in containers.podman("top", self.name, "hpid", "args").splitlines()[1:]:
            pid, _, command = line.strip().partition(" ")
            if re.match(r"\S*/java\b", command.strip()):
                return int(pid), Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        raise AssertionError(f"no java in {self.name}: {self.output[-2000:]}")

    def kill_java(self) -> None:
        """Kill java alone, as the kernel does where memory is short."""
        os.kill(self.java()[0], signal.SIGKILL)


class Containers:
    """Starts containers for a test or a module, and removes what is left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = itertools.count(1)
        self._names: list[str] = []
        self._networks: list[str] = []

    def start(
        self,
        image: str,
        *options: str,
        words: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        name: str = "",
    ) -> Container:
        """Start a container; `options` are podman's, `words` replace the image's CMD."""
        name = name or f"test-{os.getpid()}-{self._folder.name}-{next(self._count)}"
        self._names.append(name)
        variables = [f"--env={key}={value}" for key, value in (env or {}).items()]
        log = self._folder / f"{name}.log"
        with log.open("wb") as file:
            process = containers.spawn(
                # Without systemd, podman runs no health check of itself, and says so at every start.
                *("run", "--health-interval=disable"),
                *("--log-driver=none", "--name", name),
                *(*options, *variables, image, *words),
                output=file.fileno(),
            )
        return Container(name, process, log)

    def run(self, image: str, *words: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Run one verb to its end; return exit code and output."""
        container = self.start(image, words=words, env=env)
        return container.ends(), container.output

    def network(self) -> str:
        """Return a new network; containers find each other there by their names."""
        name = f"test-{os.getpid()}-{next(self._count)}"
        containers.podman("network", "create", name)
        self._networks.append(name)
        return name

    def clean_up(self) -> None:
        """Remove the containers and networks of this test."""
        containers.remove(self._names)
        for name in self._networks:
            containers.podman("network", "rm", "--force", name)


def until(condition: Callable[[], bool], what: str, more: Callable[[], str]) -> None:
    """Return as soon as the condition holds; fail after the limit, with more to read."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, f"not within {LIMIT:g} s: {what}\n{more()}"
        time.sleep(0.1)
