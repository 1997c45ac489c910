"""What the cost of entrypoint grows with: settings, files, threads, history, clients, scrapes a second.

    python3 bench/growth.py [--quick] [--out FILE] [--page FILE]

Prints one Markdown table. docs/reference/cost-growth.md says how to read it. Needs cc, javac, the
lab's jdk17, and root to be PID 1.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import agents  # noqa: E402
import growth_report  # noqa: E402
import scraping  # noqa: E402
from growth_subjects import files_program, idle, settings_program, subject  # noqa: E402
from programs import Program, Scratch  # noqa: E402
from publish import Conditions, command_line, publish  # noqa: E402
from run import warm_up  # noqa: E402
from running import Run  # noqa: E402

from entrypoint.lifecycle.history import POINTS  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRAPES_BEFORE = 20
"""After which everything that a scrape needs is imported, and its code has been run some times."""
HTML = "text/html"


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int = 15
    """Starts of each size."""
    batches: int = 10
    batch: int = 20
    settings: tuple[int, ...] = (10, 100, 1000)
    files: tuple[int, ...] = (2, 20, 200)
    threads: tuple[int, ...] = (10, 500, 5000)
    connections: tuple[int, ...] = (1, 64)
    rates: tuple[tuple[int, float], ...] = ((1, 60.0), (10, 30.0), (100, 10.0))
    """Scrapes a second, and for how many seconds."""
    diagnoses: int = 3
    settle: float = 1.5
    """Seconds from a start to what is measured."""
    hurry: float = 0.05
    """Seconds of the sampler's interval while the history is filled."""


QUICK = Effort(
    rounds=1, batches=2, batch=2, settings=(2, 20), files=(2, 4), threads=(10, 50), connections=(1, 4),
    rates=((10, 0.5), (20, 0.5)), diagnoses=1, settle=0.4, hurry=0.01,
)  # fmt: skip


@dataclass
class Row:
    """What was measured of one size of one thing; what does not apply is empty. Times are seconds."""

    what: str
    size: str
    start: list[float] = field(default_factory=list)
    """From the exec of entrypoint to the first instruction in java's place."""
    start_cpu: list[float] = field(default_factory=list)
    rss: float = 0.0
    """MB of PID 1, after scrapes."""
    seconds: list[float] = field(default_factory=list)
    """Of each answer."""
    cpu: list[float] = field(default_factory=list)
    """Of PID 1 for each answer, one value for each batch."""
    bytes: int = 0
    diagnosis: list[float] = field(default_factory=list)

    def take(self, target: scraping.Target) -> None:
        """Take what was measured of an endpoint."""
        self.seconds, self.cpu, self.bytes = target.seconds, target.cpu, len(target.body)


def measure_profiles(scratch: Scratch, effort: Effort) -> list[Row]:
    """Measure starts, and scrapes after them, of profiles of every size, side by side."""
    sized = [
        *(
            (Row("settings", f"{size:,}"), settings_program(scratch, size))
            for size in effort.settings
        ),
        *(
            (Row("rendered files", f"{size:,}"), files_program(scratch, size))
            for size in effort.files
        ),
    ]
    for _, program in sized:
        warm_up(program, scratch)
    for number in range(effort.rounds):
        at = number % len(sized)
        for row, program in sized[at:] + sized[:at]:
            measure_start(row, program, scratch)
    with ExitStack() as stack:
        runs = [stack.enter_context(Run(program, scratch, "term")) for _, program in sized]
        for run in runs:
            run.wait_for("exec")
        time.sleep(effort.settle)
        targets = [scraping.Target(run.port, (run.pid,)) for run in runs]
        measure_answers(targets, effort)
        for (row, _), run, target in zip(sized, runs, targets, strict=True):
            row.take(target)
            row.rss = run.memory()[0] / 1024
            target.close()
            run.send(signal.SIGTERM)
    return [row for row, _ in sized]


def measure_start(row: Row, program: Program, scratch: Scratch) -> None:
    """Add one start: the time to the child's first instruction, and the CPU of all of it."""
    with Run(program, scratch, "exec") as run:
        row.start.append((run.wait_for("exec") - run.wait_for("begin")) / 1e9)
        row.start_cpu.append(run.finish())


def measure_answers(targets: Sequence[scraping.Target], effort: Effort) -> None:
    """Ask all of them, in turn, after what is imported on the first request."""
    for target in targets:
        target.first = target.scrape()
        for _ in range(min(SCRAPES_BEFORE, effort.batches * effort.batch)):
            target.scrape()
    scraping.in_turn(targets, effort.batches, effort.batch)


def compile_modules(folder: Path, classes: Path, effort: Effort) -> None:
    """Run it once, so that all modules are compiled, as they are in an image."""
    made = subject(folder, classes, "compiled", 1)
    with agents.Started(made) as run:
        time.sleep(effort.settle)
        for path, accept in (("/metrics", "*/*"), ("/", HTML), ("/status", "*/*")):
            target = scraping.Target(made.port, (run.pid,), path=path, accept=accept)
            target.scrape()
            target.close()


def measure_threads(folder: Path, classes: Path, effort: Effort) -> list[Row]:
    """Measure scrapes of JVMs with more and more threads, and how long a diagnosis takes."""
    rows = [Row("threads of java", f"{size:,}") for size in effort.threads]
    with ExitStack() as stack:
        runs = [
            stack.enter_context(agents.Started(subject(folder, classes, f"threads-{size}", size)))
            for size in effort.threads
        ]
        time.sleep(effort.settle)
        targets = [scraping.Target(run.subject.port, (run.pid,)) for run in runs]
        measure_answers(targets, effort)
        for row, run, target in zip(rows, runs, targets, strict=True):
            row.take(target)
            row.rss = scraping.memory(run.pid)[0]
            row.diagnosis = [diagnose(run) for _ in range(effort.diagnoses)]
            target.close()
    return rows


def diagnose(run: agents.Started) -> float:
    """Return the seconds of `entrypoint diagnose`, its own start included."""
    java = scraping.java_of(run.pid)
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "entrypoint", "diagnose", "--pid", str(java)],
        env=run.subject.environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - began


def measure_history(folder: Path, classes: Path, effort: Effort) -> list[Row]:
    """Measure the status page and its JSON, right after the start and with a history that is full."""
    pages = (("status page", "/", HTML), ("status as JSON", "/status", "*/*"))
    rows = {
        (what, size): Row(what, f"{size} history")
        for size in ("empty", "full")
        for what, _, _ in pages
    }
    with ExitStack() as stack:
        for size, hurry in (("empty", None), ("full", effort.hurry)):
            made = subject(folder, classes, f"history-{size}", 20, hurry)
            run = stack.enter_context(agents.Started(made))
            time.sleep(effort.settle if hurry is None else effort.settle + POINTS * hurry)
            for what, path, accept in pages:
                target = scraping.Target(made.port, (run.pid,), path=path, accept=accept)
                # One after the other: what it uses for the one is not to be taken for rest by the other.
                measure_answers([target], effort)
                rows[what, size].take(target)
                rows[what, size].rss = scraping.memory(run.pid)[0]
                target.close()
    return [rows[what, size] for what, _, _ in pages for size in ("empty", "full")]


def measure_connections(folder: Path, classes: Path, effort: Effort) -> list[Row]:
    """Measure scrapes while other connections are open and say nothing."""
    rows = [Row("open connections", f"{size:,}") for size in effort.connections]
    with ExitStack() as stack:
        targets = []
        for size in effort.connections:
            made = subject(folder, classes, f"connections-{size}", 20)
            run = stack.enter_context(agents.Started(made))
            time.sleep(effort.settle)
            targets.append(scraping.Target(made.port, (run.pid,)))
            targets[-1].scrape()
            for _ in range(size - 1):
                stack.enter_context(idle(made.port))
        measure_answers(targets, effort)
        for row, target in zip(rows, targets, strict=True):
            row.take(target)
            row.rss = scraping.memory(target.pids[0])[0]
            target.close()
    return rows


def measure_rates(folder: Path, classes: Path, effort: Effort) -> list[Row]:
    """Measure scrapes at a steady rate, the rarest first; what it uses anyway is taken off."""
    rows = []
    made = subject(folder, classes, "rates", 20)
    with agents.Started(made) as run:
        time.sleep(effort.settle)
        target = scraping.Target(made.port, (run.pid,))
        for _ in range(SCRAPES_BEFORE):
            target.scrape()
        before = target.cpu_seconds()
        time.sleep(effort.rates[0][1] / 2)
        rest = (target.cpu_seconds() - before) / (effort.rates[0][1] / 2)
        for rate, seconds in effort.rates:
            row = Row("scrapes a second", f"{rate:,}")
            before, began = target.cpu_seconds(), time.monotonic()
            for number in range(1, int(rate * seconds) + 1):
                row.seconds.append(target.scrape())
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
            used = target.cpu_seconds() - before - rest * (time.monotonic() - began)
            row.cpu = [max(0.0, used) / len(row.seconds)]
            row.bytes, row.rss = len(target.body), scraping.memory(run.pid)[0]
            rows.append(row)
        target.close()
    return rows


def measure(folder: Path, effort: Effort) -> list[Row]:
    """Return all rows."""
    scratch = Scratch(str(folder))
    (folder / "classes").mkdir()
    classes = agents.compile_idle(folder / "classes")
    compile_modules(folder, classes, effort)
    rows = measure_profiles(scratch, effort)
    for part in (measure_threads, measure_history, measure_connections, measure_rates):
        rows += part(folder, classes, effort)
    return rows


def main(argv: list[str]) -> int:
    """Run the command line and return its exit code."""
    parser = command_line("growth.py", __doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: see that it works")
    asked = parser.parse_args(argv)
    conditions = Conditions()
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        rows = measure(Path(folder), QUICK if asked.quick else Effort())
    publish(growth_report.text(rows, str(conditions)), asked)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
