"""JVM metrics without an agent beside jmx_exporter's agent: scrapes, CPU, memory, start, coverage.

    python3 bench/exporter.py [--quick] [--jdks 8,17,25] [--kafka 17] [--out FILE] [--page FILE]

Prints Markdown. docs/reference/metrics-compared.md says how to read it. Needs the JDKs, kafka and
jmx-exporter of the test lab (tests/lab/install.py), and javac.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import agents  # noqa: E402
import exporter_report  # noqa: E402
import scraping  # noqa: E402
from publish import Conditions, command_line, publish  # noqa: E402

from entrypoint.jvm.heap_info import parse_heap_info  # noqa: E402
from entrypoint.jvm.pools import heap  # noqa: E402
from entrypoint.system import attach  # noqa: E402
from entrypoint.system.hsperf import Reader  # noqa: E402


@dataclass(frozen=True)
class Effort:
    """How much is measured: starts of the idle program and of Kafka, scrapes, and what java does to them."""

    starts: int = 5
    kafka_starts: int = 3
    warm_up: int = 40
    batches: int = 10
    batch: int = 20
    stopped: int = 2
    patience: float = 1.0
    """Seconds that a scrape of a stopped JVM may take."""
    collects: int = 2000
    """Milliseconds of one full collection after the other."""


QUICK = Effort(starts=1, kafka_starts=1, warm_up=3, batches=2, batch=3, stopped=1, collects=300)  # fmt: skip


@dataclass
class Figures:
    """What was measured of one subject; empty where it does not apply. Sizes are MB, times seconds."""

    subject: agents.Subject
    target: scraping.Target | None = None
    java: tuple[float, float] = (0.0, 0.0)
    """RSS and PSS."""
    pid1: tuple[float, float] = (0.0, 0.0)
    live: float = 0.0
    """Heap in use after a full collection."""
    while_stopped: list[float | None] = field(default_factory=list)
    """One for each scrape; None: no answer in time."""
    while_collecting: list[float | None] = field(default_factory=list)


def measure(
    application: str, jdk: int, folder: Path, classes: Path, effort: Effort
) -> list[Figures]:
    """Return the figures of all variants of an application on a JDK, measured side by side."""
    figures = [
        Figures(agents.subject(application, jdk, variant, folder, classes))
        for variant in agents.VARIANTS
    ]
    measure_starts(figures, effort.kafka_starts if application == agents.KAFKA else effort.starts)
    with ExitStack() as stack:
        runs = [stack.enter_context(agents.Started(one.subject)) for one in figures]
        javas = [scraping.java_of(run.pid) for run in runs]
        for one, run, java in zip(figures, runs, javas, strict=True):
            if one.subject.port:
                one.target = scraping.Target(one.subject.port, tuple({run.pid, java}))
        measure_scrapes([one.target for one in figures if one.target is not None], effort)
        for one, run, java in zip(figures, runs, javas, strict=True):
            one.live = live_heap(java)
            one.java = scraping.memory(java)
            if run.pid != java:
                one.pid1 = scraping.memory(run.pid)
        for one, run, java in zip(figures, runs, javas, strict=True):
            if one.target is not None:
                measure_trouble(one, one.target, run, java, effort)
    return figures


def measure_scrapes(targets: list[scraping.Target], effort: Effort) -> None:
    """Scrape all, the first time, until their code is compiled, and then for the figures."""
    for target in targets:
        target.first = target.scrape()
    for _ in range(effort.warm_up):
        for target in targets:
            target.scrape()
    scraping.in_turn(targets, effort.batches, effort.batch)


def measure_starts(figures: list[Figures], rounds: int) -> None:
    """Add the starts of every variant, in turn, and each time from another one on."""
    # Once, so that java is in the page cache and our modules are compiled, as they are in an image.
    with agents.Started(figures[-1].subject):
        pass
    for number in range(rounds):
        at = number % len(figures)
        for one in figures[at:] + figures[:at]:
            with agents.Started(one.subject) as run:
                one.subject.starts.append(run.seconds)


def live_heap(java: int) -> float:
    """Return the MB of heap that java's objects take, after a full collection."""
    jvm = attach.attach(java, 30)
    jvm.jcmd("GC.run", 60)
    answers = parse_heap_info(jvm.jcmd("GC.heap_info", 30))
    _, total = heap(Reader(java).read(), answers)
    return (total.used or 0) / (1 << 20)


def measure_trouble(
    figures: Figures, target: scraping.Target, run: agents.Started, java: int, effort: Effort
) -> None:
    """Scrape while java only collects, and while it is stopped, as by a node without CPU for it."""
    usual = target.body
    if figures.subject.application == agents.IDLE:
        run.tell(f"collect {effort.collects}")
        while "collected" not in run.said:
            figures.while_collecting.append(patient_scrape(target, 5.0))
            time.sleep(0.05)
    os.kill(java, signal.SIGSTOP)
    try:
        scraping.wait_until_stopped(java)
        figures.while_stopped = [
            patient_scrape(target, effort.patience) for _ in range(effort.stopped)
        ]
    finally:
        os.kill(java, signal.SIGCONT)
    target.close()
    target.body = usual


def patient_scrape(target: scraping.Target, patience: float) -> float | None:
    """Return the seconds of a scrape, or None when there was no answer in time."""
    try:
        return target.scrape(patience)
    except OSError:
        return None


def init_memory() -> float | None:
    """Return the PSS of tini in MB, or None where it is not."""
    tini = shutil.which("tini")
    if tini is None:
        return None
    with subprocess.Popen([tini, "-s", "--", "sleep", "60"]) as process:
        try:
            time.sleep(0.3)
            return scraping.memory(process.pid)[1]
        finally:
            process.terminate()


def main(argv: list[str]) -> int:
    """Run the command line and return its exit code."""
    parser = command_line("exporter.py", __doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: see that it works")
    parser.add_argument("--jdks", default="8,17,25", help="for the idle program; comma-separated")
    parser.add_argument("--kafka", default="17", help="JDKs for Kafka; empty for none")
    asked = parser.parse_args(argv)
    effort = QUICK if asked.quick else Effort()
    conditions = Conditions()
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "classes").mkdir()
        classes = agents.compile_idle(folder / "classes")
        figures = [
            one
            for application, features in ((agents.KAFKA, asked.kafka), (agents.IDLE, asked.jdks))
            for feature in features.split(",")
            if feature
            for one in measure(application, int(feature), folder, classes, effort)
        ]
    publish(exporter_report.text(figures, effort, init_memory(), str(conditions)), asked)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
