"""The benchmark: start, memory, wakeups, TERM, orphans and /metrics, beside peers in the same run.

    python3 bench/run.py [--quick] [--rounds N] [--out FILE] [--page FILE]

Prints a Markdown report. bench/README.md says how to read it.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

import report
from programs import Program, Scratch, programs
from publish import Conditions, command_line, machine, publish
from running import AS_PID_1, Run

SCRAPES_BEFORE = 20


@dataclass(frozen=True)
class Effort:
    """How much is measured: rounds of starts and stops, idle seconds, orphans, scrapes."""

    rounds: int = 30
    stops: int = 12
    settle: float = 2.0
    between: float = 0.4
    idle: float = 10.0
    orphans: int = 5000
    storms: int = 3
    flood: int = 50_000
    scrapes: int = 300


QUICK = Effort(
    rounds=2,
    stops=1,
    settle=1.0,
    between=0.1,
    idle=1.0,
    orphans=200,
    storms=1,
    flood=400,
    scrapes=20,
)
PATIENCE = 10_000.0
"""Milliseconds: who takes longer for a storm is not asked for another one, nor for the flood."""


@dataclass
class Figures:
    """What was measured of one program; empty where it does not apply."""

    start: list[float] = field(default_factory=list)
    """Milliseconds from the program's exec to the child's first instruction."""
    cpu: list[float] = field(default_factory=list)
    """Milliseconds of CPU for a run whose child ends at once."""
    rss: int = 0
    pss: int = 0
    wakeups: int = 0
    term: list[float] = field(default_factory=list)
    """Microseconds from kill(2) to the child's return from sigwait(3)."""
    storm: list[float] = field(default_factory=list)
    """Milliseconds from the first fork to the last orphan's reaping."""
    flood: list[float] = field(default_factory=list)
    """The same of ten times as many."""
    grown: int | None = None
    """kB by which the flood raised the program's largest RSS."""
    scrape: list[float] = field(default_factory=list)
    """Milliseconds of one GET /metrics over a new connection."""


def measure(scratch: Scratch, found: list[Program], effort: Effort) -> dict[str, Figures]:
    """Return the figures of every program, measured side by side."""
    figures = {program.name: Figures() for program in found}
    for program in found:
        warm_up(program, scratch)
    for number in range(effort.rounds):
        # In turn, and each time from another one on, so that no program has the quiet moments.
        for program in found[number % len(found) :] + found[: number % len(found)]:
            measure_start(program, scratch, figures[program.name])
    for number in range(effort.stops):
        measure_steady(scratch, found, figures, effort, with_idle=number == 0)
    if AS_PID_1:
        reaping = [program for program in found if program.name != "direct exec"]
        measure_storms(scratch, reaping, figures, effort)
    return figures


def warm_up(program: Program, scratch: Scratch) -> None:
    """Run it once to the end, so that all its modules are compiled, as they are in an image."""
    with Run(program, scratch, "term") as run:
        run.wait_for("exec")
        if program.serves:
            time.sleep(1.0)
            run.scrape()
        run.send(signal.SIGTERM)
        run.wait_for("term")
        run.finish()


def measure_start(program: Program, scratch: Scratch, figures: Figures) -> None:
    """Add one start: the time to the child's first instruction, and the CPU of all of it."""
    with Run(program, scratch, "exec") as run:
        took = run.wait_for("exec") - run.wait_for("begin")
        figures.start.append(took / 1e6)
        figures.cpu.append(run.finish() * 1e3)


def measure_steady(
    scratch: Scratch,
    found: list[Program],
    figures: dict[str, Figures],
    effort: Effort,
    *,
    with_idle: bool,
) -> None:
    """Run all programs at once and measure them at rest, then how each passes TERM on."""
    with ExitStack() as stack:
        runs = [stack.enter_context(Run(program, scratch, "term")) for program in found]
        for run in runs:
            run.wait_for("exec")
        time.sleep(effort.settle)
        if with_idle:
            measure_idle(runs, figures, effort)
        for run in runs:
            sent = run.send(signal.SIGTERM)
            figures[run.program.name].term.append((run.wait_for("term") - sent) / 1e3)
            # What it does at its end is not to take the processor from the next one.
            time.sleep(effort.between)


def measure_idle(runs: list[Run], figures: dict[str, Figures], effort: Effort) -> None:
    """Measure /metrics, then memory, then how often each program wakes while nothing happens."""
    serving = [run for run in runs if run.program.serves]
    for run in serving:
        for _ in range(SCRAPES_BEFORE):
            run.scrape()
    for run in runs:
        mine = figures[run.program.name]
        mine.rss, mine.pss = run.memory()
    time.sleep(0.5)
    before = {run.program.name: run.wakeups() for run in runs}
    time.sleep(effort.idle)
    for run in runs:
        figures[run.program.name].wakeups = run.wakeups() - before[run.program.name]
    for run in serving:
        figures[run.program.name].scrape = [run.scrape() * 1e3 for _ in range(effort.scrapes)]


def measure_storms(
    scratch: Scratch, found: list[Program], figures: dict[str, Figures], effort: Effort
) -> None:
    """Add the storms of every program, in turn, and then the flood."""
    for _ in range(effort.storms):
        for program in found:
            mine = figures[program.name]
            if max(mine.storm, default=0.0) < PATIENCE:
                mine.storm.append(measure_storm(program, scratch, effort, effort.orphans)[0])
    for program in found:
        mine = figures[program.name]
        if max(mine.storm) < PATIENCE:
            took, mine.grown = measure_storm(program, scratch, effort, effort.flood)
            mine.flood.append(took)


def measure_storm(
    program: Program, scratch: Scratch, effort: Effort, orphans: int
) -> tuple[float, int]:
    """Return the milliseconds until so many orphans were gone, and the kB that the largest RSS grew by."""
    with Run(program, scratch, "storm", orphans, effort.settle) as run:
        began = run.wait_for("storm")
        before = run.peak()
        took = (run.wait_for("drained") - began) / 1e6
        return took, run.peak() - before


def describe_machine() -> str:
    """Return what the figures were measured on, and how."""
    how = "each run PID 1 of its own pid namespace" if AS_PID_1 else "no root: not as PID 1"
    return f"{machine()}, {how}"


def main(argv: list[str]) -> int:
    """Run the command line and return its exit code."""
    parser = command_line("run.py", __doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: see that it works")
    parser.add_argument("--rounds", type=int, default=Effort.rounds, help="starts per program")
    asked = parser.parse_args(argv)
    effort = QUICK if asked.quick else Effort(rounds=asked.rounds)
    conditions = Conditions()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        scratch = Scratch(folder)
        found, missing = programs(scratch)
        figures = measure(scratch, found, effort)
    publish(report.text(figures, describe_machine(), str(conditions), effort, missing), asked)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
