"""What is run in a box to see whether its memory fits: a program that fills everything, and real servers.

Each runs under the real entrypoint, which sees the box's limit as its container's.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import net
from lab.command import run as run_command
from lab.kafka import KafkaTools, answers_api_versions
from lab.zookeeper_client import ZooKeeperClient, four_letter
from memory.box import MIB, Box

REPOSITORY = Path(__file__).parents[2]
SOURCES = Path(__file__).parent / "java"
LIMIT = 240.0
"""Seconds that anything here may take on a busy machine."""

OWN_CLASSES = 900
"""Classes of the JDK that the filler needs beside those that it makes."""
LOADS = {
    # limit in MiB: classes made, threads, direct MiB
    256: (2000, 40, 8), 384: (4000, 60, 16), 512: (8000, 100, 32),
    768: (8000, 100, 32), 1024: (12000, 150, 64), 2048: (12000, 200, 64),
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """How one run went; sizes in MiB. `heap` 0: refused, with the smallest limit that would do."""

    subject: str
    jdk: int
    limit: int
    heap: int = 0
    by_choice: int = 0
    peak: int = 0
    oom_kills: int = 0
    exit_code: int = 0
    collector: str = ""
    refused: str = ""
    said: str = ""

    @property
    def unused(self) -> int:
        """What was never taken of the limit."""
        return self.limit - self.peak


@dataclass(frozen=True)
class Subject:
    """A profile with its environment, and what loads it once it runs: None for what loads itself."""

    name: str
    profile: str
    environment: Mapping[str, str]
    load: Callable[[], None] | None = None
    answers: Callable[[], bool] | None = None


def compile_filler(folder: Path, javac: Path) -> Path:
    """Compile the test program for JDK 8 and later; return its class path."""
    run_command(
        [str(javac), "--release", "8", "-nowarn", "-Xlint:-options", "-d", str(folder)]
        + [str(path) for path in sorted(SOURCES.glob("*.java"))],
        timeout=LIMIT,
    )
    return folder


def filler(
    folder: Path, classpath: Path, limit: int, *, known: bool, seconds: int, compiled: int = 0
) -> Subject:
    """Return the program that fills everything: as much as its profile says, or as is assumed."""
    from entrypoint.jvm import memory

    if known:
        classes, threads, direct = LOADS[limit]
        needs = f"{{classes: {classes + OWN_CLASSES}, threads: {threads}, direct: {direct}m}}"
    else:
        classes = memory.assumed_classes(limit * MIB) - OWN_CLASSES
        threads = memory.assumed_threads(limit * MIB)
        direct = memory.assumed_direct(limit * MIB) // MIB
        needs = "{}"
    compiled = compiled or (600 if limit < 1024 else 1200)
    words = f"classes={classes}, threads={threads}, direct={direct}"
    words += f", compiled={compiled}, seconds={seconds}"
    profile = folder / "filler.yaml"
    profile.write_text(
        f"profile: filler\nextends: jvm\nhome: {classpath}\n"
        "settings: {app.main: null, app.jar: null, app.classpath: null}\n"
        f"java:\n  main: Filler\n  classpath: [{classpath}]\n  arguments: [{words}]\n"
        + (f"memory: {needs}\n" if known else "")
    )
    name = "filler" if known else "filler, nothing declared"
    # The whole heap is resident from the start: some collectors would never touch all of it.
    environment = {"ENTRYPOINT_EXPECTS_EXIT": "true", "JAVA_OPTIONS": "-XX:+AlwaysPreTouch"}
    return Subject(name, str(profile), environment)


def kafka(folder: Path, home: Path, java_home: Path) -> Subject:
    """Return a real Kafka, loaded by its own performance tools: 300 MB in and out."""
    port, controller = net.free_port(), net.free_port()
    address = f"127.0.0.1:{port}"
    tools = KafkaTools(home, java_home)

    def load() -> None:
        tools.run(
            "org.apache.kafka.tools.TopicCommand",
            *("--bootstrap-server", address, "--create", "--topic", "t", "--partitions", "8"),
        )
        tools.run(
            "org.apache.kafka.tools.ProducerPerformance",
            *("--topic", "t", "--num-records", "300000", "--record-size", "1000"),
            *("--throughput", "-1", "--producer-props", f"bootstrap.servers={address}"),
        )
        tools.run(
            "org.apache.kafka.tools.ConsumerPerformance",
            *("--topic", "t", "--messages", "300000", "--bootstrap-server", address),
        )

    environment = {
        "ENTRYPOINT_HOME": str(home),
        "KAFKA_CLIENT_PORT": str(port),
        "KAFKA_CONTROLLER_PORT": str(controller),
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{address}",
        "KAFKA_LOG_DIRS": str(folder / "data"),
    }
    return Subject(
        "Kafka", "kafka", environment, load, lambda: answers_api_versions("127.0.0.1", port)
    )


def zookeeper(folder: Path, home: Path) -> Subject:
    """Return a real ZooKeeper, loaded by 40 sessions that write and read 12,000 nodes."""
    port = net.free_port()

    def session(number: int) -> None:
        with ZooKeeperClient("127.0.0.1", port, session=30) as client:
            client.create(f"/n{number}", b"")
            for at in range(300):
                client.create(f"/n{number}/{at}", b"x" * 1000)
                client.set(f"/n{number}/{at}", b"y" * 2000)
                client.get(f"/n{number}/{at}")

    def load() -> None:
        sessions = [threading.Thread(target=session, args=(number,)) for number in range(40)]
        for one in sessions:
            one.start()
        for one in sessions:
            one.join()

    environment = {
        "ENTRYPOINT_HOME": str(home),
        "ZOO_CLIENT_PORT": str(port),
        "ZOO_DATA_DIR": str(folder / "data"),
    }
    answers = lambda: "Mode: standalone" in four_letter("127.0.0.1", port, "srvr")  # noqa: E731
    return Subject("ZooKeeper", "zookeeper", environment, load, answers)


def try_in_box(subject: Subject, jdk: int, java_home: Path, limit: int, folder: Path) -> Outcome:
    """Run a subject under entrypoint in a box of so many MiB, load it, end it, and say how it went."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "JAVA_HOME": str(java_home),
        "ENTRYPOINT_RUN_DIR": str(folder / "run"),
        "ENTRYPOINT_LISTEN": f"127.0.0.1:{net.free_port()}",
        **subject.environment,
    }
    entrypoint = (sys.executable, "-m", "entrypoint")
    with Box(limit * MIB) as box, (folder / "output.log").open("w+b") as output:
        planned = box.start(
            [*entrypoint, "plan", subject.profile, "--output", "json"], environment, output, folder
        )
        planned.wait(LIMIT)
        output.seek(0)
        text = output.read().decode()
        if planned.returncode:
            known = "memory-does-not-fit" in text
            fix = next((line.strip() for line in text.splitlines() if "raise the" in line), text)
            return Outcome(
                subject.name, jdk, limit, refused=fix if known else "", said=text, exit_code=78
            )
        rows = {row["region"]: row for row in json.loads(text)["memory"]}
        output.seek(0)
        output.truncate()
        process = box.start([*entrypoint, "run", subject.profile], environment, output, folder)
        try:
            _load(subject, process)
            code = process.wait(LIMIT)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        output.seek(0)
        said = output.read().decode(errors="replace")[-3000:]
        return Outcome(
            subject.name, jdk, limit,
            heap=_mib(rows, "heap"), by_choice=_mib(rows, "headroom") + _mib(rows, "left over"),
            peak=-(-box.peak // MIB), oom_kills=box.oom_kills(), exit_code=code,
            collector=rows["collector"]["origin"].partition(":")[0], said=said,
        )  # fmt: skip


def _load(subject: Subject, process: subprocess.Popen[bytes]) -> None:
    """Wait until it answers, load it, and ask it to stop; nothing to do for what loads itself."""
    if subject.answers is None or subject.load is None:
        return
    deadline = time.monotonic() + LIMIT
    while not _yes(subject.answers):
        if process.poll() is not None or time.monotonic() > deadline:
            return
        time.sleep(0.1)
    try:
        subject.load()
    finally:
        process.send_signal(signal.SIGTERM)


def _yes(answers: Callable[[], bool]) -> bool:
    try:
        return answers()
    except OSError:
        return False


def _mib(rows: Mapping[str, Mapping[str, object]], region: str) -> int:
    size = rows.get(region, {}).get("bytes")
    return size // MIB if isinstance(size, int) else 0


def failures(outcomes: Sequence[Outcome]) -> list[str]:
    """Return what breaks the promise: an OOM kill or a death where it fits, too much left from 1 GiB up."""
    found = []
    for one in outcomes:
        name = f"{one.subject} on {one.jdk} in {one.limit} MiB"
        if one.exit_code == 78 and one.refused:
            continue
        if one.oom_kills or one.exit_code:
            found.append(f"{name}: exit {one.exit_code}, {one.oom_kills} OOM kills\n{one.said}")
        elif one.limit >= 1024 and one.by_choice > 0.15 * one.limit:
            found.append(f"{name}: {one.by_choice} MiB are left by choice")
        elif one.limit >= 1024 and one.subject == "filler" and one.unused > 0.15 * one.limit:
            found.append(f"{name}: {one.unused} MiB were never used")
    return found
