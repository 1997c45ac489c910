"""The ways to get metrics out of a JVM that are compared: each application with an agent, and without.

Here: command lines, configuration, and a run of one of them from its start to its end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import sharing

from lab import cache, jars, jdks, net

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

HERE = Path(__file__).resolve().parent
DEADLINE = 120.0
ALONE, JVM_ONLY, ALL, OURS = "java alone", "agent, JVM only", "agent, all", "entrypoint"
VARIANTS = (ALONE, JVM_ONLY, ALL, OURS)
KAFKA, IDLE = "kafka", "idle program"
CONFIGURATION = {
    # The cheapest way to say it: the agent asks for MBeans of a domain that there is not.
    JVM_ONLY: 'includeObjectNames: ["none:*"]\n',
    ALL: 'rules: [{pattern: ".*"}]\n',
}
# The heap is there from the start, so that what differs is not how much of it was touched.
TOUCHED = "-XX:+AlwaysPreTouch"
# As root: a JVM of another pid namespace that shares /tmp removes our counters as those of a dead JVM.
OWN_COUNTERS = (
    "unshare", "--mount", "sh", "-c",
    'own=/tmp/hsperfdata_$(id -un); mkdir -p $own; mount -t tmpfs -o mode=755 tmpfs $own; exec "$@"', "sh",
)  # fmt: skip
IDLE_OPTIONS = f"-Xms256m -Xmx256m -XX:+UseSerialGC {TOUCHED}"


@dataclass
class Subject:
    """One application on one JDK, with or without something that exports its metrics."""

    application: str
    jdk: int
    variant: str
    command: list[str]
    environment: dict[str, str]
    folder: Path
    port: int
    """Of /metrics; 0 for none."""
    ready: Callable[[], bool] | None = None
    """None: when its output says so, with the time of its first statement."""
    starts: list[float] = field(default_factory=list)


class Started:
    """A subject that runs, from its start to `ready`; gone at the end of the block."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.output = subject.folder / "output"
        with self.output.open("wb") as output:
            self._began, clock = time.time(), time.monotonic()
            self._process = subprocess.Popen(
                [*(() if os.geteuid() else OWN_COUNTERS), *subject.command],
                env=subject.environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=subject.folder,
                start_new_session=True,
            )
        try:
            self.seconds = self._wait_until_ready(clock)
        except BaseException:
            self.end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """Of java, or of the entrypoint above it."""
        return self._process.pid

    @property
    def said(self) -> str:
        """Its output until now."""
        return self.output.read_text(errors="replace")

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def end(self) -> None:
        """Stop it as a container's runtime does."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _wait_until_ready(self, clock: float) -> float:
        """Return the seconds from the start to main(), or to the application's first answer."""
        while True:
            with suppress(OSError, ValueError):
                if self.subject.ready is None:
                    lines = self.said.splitlines()
                    if "ready" in lines:
                        said = next(line for line in lines if line.startswith("main "))
                        return int(said.split(" ")[1]) / 1e3 - self._began
                elif self.subject.ready():
                    return time.monotonic() - clock
            if self._process.poll() is not None or time.monotonic() - clock > DEADLINE:
                one = self.subject
                raise SystemExit(
                    f"bench: {one.application} on {one.jdk}, {one.variant}: not ready:\n{self.said[-3000:]}"
                )
            time.sleep(0.005)


def compile_idle(folder: Path) -> Path:
    """Compile the idle program, for JDK 8, and return the folder."""
    command = ["javac", "-nowarn", "-Xlint:-options", "--release", "8", "-d", str(folder)]
    subprocess.run([*command, str(HERE / "java" / "Idle.java")], check=True)
    return folder


def part(found: Path | cache.Missing) -> Path:
    """Return a part of the lab, or end with the reason why it is not here."""
    if isinstance(found, cache.Missing):
        raise SystemExit(f"bench: {found}")
    return found


def subject(application: str, jdk: int, variant: str, folder: Path, classes: Path) -> Subject:
    """Return one subject with a folder of its own, and everything in it that it needs."""
    place = folder / f"{application}-{jdk}-{VARIANTS.index(variant)}".replace(" ", "-")
    (place / "home").mkdir(parents=True)
    java = part(jdks.find(jdk)) / "bin" / "java"
    ready = None
    environment = {"PATH": os.environ.get("PATH", os.defpath)}
    port = 0 if variant == ALONE else net.free_port()
    if variant == OURS:
        command = [sys.executable, "-m", "entrypoint", "run", "jvm"]
        if application == KAFKA:
            home = part(jars.kafka_home())
            start = sharing.under_entrypoint("kafka", home, java, place, "off")
            command, ready = start.command, start.ready
            environment |= start.environment
            environment["JAVA_OPTIONS"] += f" {TOUCHED}"
        else:
            environment |= _idle_under_entrypoint(java, place, classes)
        environment["ENTRYPOINT_LISTEN"] = f"{net.LOOPBACK}:{port}"
    else:
        command = [str(java), *IDLE_OPTIONS.split(), "-cp", str(classes), "Idle"]
        if application == KAFKA:
            start = sharing.kafka_script(part(jars.kafka_home()), java, place)
            # The script opens JMX for itself: what is measured is what the agent needs.
            words = [word for word in start.command if word not in sharing.KAFKA_JMX.split()]
            command, ready = [words[0], TOUCHED, *words[1:]], start.ready
        if variant != ALONE:
            (place / "agent.yaml").write_text(CONFIGURATION[variant])
            jar = part(jars.jmx_exporter())
            agent = f"-javaagent:{jar}={net.LOOPBACK}:{port}:{place / 'agent.yaml'}"
            command.insert(1, agent)
    return Subject(application, jdk, variant, command, environment, place, port, ready)


def _idle_under_entrypoint(java: Path, place: Path, classes: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": str(HERE.parent),
        # As an image does that ran compileall: modules are compiled, and nothing is written.
        "PYTHONPYCACHEPREFIX": str(place.parent / "pycache"),
        "JAVA_HOME": str(java.parent.parent),
        "JAVA_OPTIONS": IDLE_OPTIONS,
        "APP_MAIN": "Idle",
        "APP_CLASSPATH": str(classes),
        "ENTRYPOINT_HOME": str(place / "home"),
        "ENTRYPOINT_RUN_DIR": str(place / "run"),
        "ENTRYPOINT_TERMINATION_LOG": str(place / "termination-log"),
        "ENTRYPOINT_SHARING": "off",
    }
