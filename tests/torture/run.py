"""Tortures the real entrypoint: run after run from seeds, each judged, with the figures at the end.

Run as root: python tests/torture/run.py [--seconds N | --runs N] [--seed N] [--java]
One case again: python tests/torture/run.py --seed N --runs 1 --keep
"""

from __future__ import annotations

import argparse
import collections
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path[:1] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from lab.cache import Missing
from torture.cases import Case, draw
from torture.invariants import broken
from torture.world import Seen, Tools, perform

REGRESSIONS = Path(__file__).with_name("regressions.jsonl")


def regressions() -> list[tuple[str, Case]]:
    """Return the cases that once broke something, each with what it was."""
    lines = [json.loads(line) for line in REGRESSIONS.read_text().splitlines() if line.strip()]
    return [(line["was"], Case.of(line["case"])) for line in lines]


def repeat(case: Case) -> str:
    """Return the one command that carries out a case again."""
    return f"python tests/torture/run.py --seed {case.seed} --runs 1 --keep" + (
        " --java" if case.mode == "java" else ""
    )


class Tally:
    """Counts what was done, for the figures."""

    def __init__(self) -> None:
        self.runs = 0
        self.impossible: collections.Counter[str] = collections.Counter()
        self.faults: collections.Counter[str] = collections.Counter()
        self.modes: collections.Counter[str] = collections.Counter()
        self.codes: collections.Counter[int] = collections.Counter()
        self.signals = 0
        self.moments: collections.Counter[str] = collections.Counter()
        self.failures: list[tuple[Case, list[str]]] = []

    def take(self, seen: Seen, wrong: list[str]) -> None:
        """Count one run."""
        case = seen.case
        if seen.impossible:
            self.impossible[seen.impossible] += 1
            return
        self.runs += 1
        self.modes[f"{case.mode}, {'PID 1' if case.pid1 else 'subreaper'}"] += 1
        self.codes[seen.code] += 1
        self.signals += len(seen.sent)
        self.moments.update(sent.moment for sent, _ in seen.sent)
        if case.rules:
            self.faults.update(" ".join(rule.split(":")[:2]) for rule in case.rules.split(";"))
        else:
            self.faults[case.fault or "none"] += 1
        if wrong:
            self.failures.append((case, wrong))

    def text(self) -> str:
        """Return the figures as Markdown."""

        def row(counter: collections.Counter[str]) -> str:
            return ", ".join(f"{name} {count}" for name, count in counter.most_common())

        codes = ", ".join(f"{code}: {count}" for code, count in sorted(self.codes.items()))
        lines = [
            "| what | how many |",
            "|---|---|",
            f"| runs | {self.runs} |",
            f"| of them | {row(self.modes)} |",
            f"| signals sent | {self.signals}: {row(self.moments)} |",
            f"| runs by fault | {row(self.faults)} |",
            f"| runs by exit code | {codes} |",
            f"| not possible on this machine | {row(self.impossible) or 0} |",
            f"| **invariants broken** | **{len(self.failures)}** |",
        ]
        return "\n".join(lines)


def cases(first: int, real_java: bool) -> Iterator[Case]:
    """Yield the cases of this seed and those after it, for ever."""
    while True:
        yield draw(first, real_java)
        first += 1


def tell(seen: Seen, wrong: list[str]) -> str:
    """Return everything about a run that broke something, and how to repeat it."""
    lines = [f"seed {seen.case.seed}: {line}" for line in wrong]
    lines += ["  case:   " + seen.case.to_json(), "  repeat: " + repeat(seen.case)]
    lines.append(f"  code {seen.code}, message {seen.message[:600]!r}")
    lines.append(f"  sent {[(s.moment, s.to, s.number, heard) for s, heard in seen.sent]}")
    lines.append(f"  trace {seen.trace[-12:]}")
    lines += [f"  log {line}" for line in seen.log.splitlines()[-25:]]
    lines += [f"  out {line[:200]}" for line in seen.output.splitlines()[-4:]]
    return "\n".join(lines)


def main() -> int:
    """Run what the command line asks for; 1 where an invariant was broken."""
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("--seconds", type=float, default=60, help="stop after so long; default: 60")
    words.add_argument("--runs", type=int, help="so many runs, however long they take")
    words.add_argument(
        "--seed", type=int, default=None, help="the first seed; default: by the clock"
    )
    words.add_argument("--java", action="store_true", help="some runs with a real JVM")
    words.add_argument("--keep", action="store_true", help="keep folders; tell of good runs too")
    words.add_argument("--case", help="one case as a line of JSON, in the place of seeds")
    found = words.parse_args()
    seed = int(time.time()) if found.seed is None else found.seed
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    real = _real_java() if found.java else None
    tools = Tools.make(folder, real)
    tally = Tally()
    until = None if found.runs else time.monotonic() + found.seconds
    chosen = cases(seed, found.java)
    if found.case:
        chosen, found.runs = iter([Case.of(json.loads(found.case))]), 1
    for number, case in enumerate(chosen):
        if (until and time.monotonic() >= until) or (found.runs and number >= found.runs):
            break
        seen = perform(case, tools, number)
        wrong = broken(seen)
        tally.take(seen, wrong)
        if wrong or found.keep:
            print(tell(seen, wrong), flush=True)
        if not found.keep:
            shutil.rmtree(folder / f"run-{number}", ignore_errors=True)
        if found.runs == number + 1:
            break
    print(f"\nfirst seed {seed}\n\n{tally.text()}")
    for case, wrong in tally.failures:
        print(f"{'; '.join(wrong)[:200]}\n    {repeat(case)}")
    if not found.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if tally.failures else 0


def _real_java() -> Path:
    from lab.needs import default_java

    home = default_java()
    if isinstance(home, Missing):
        raise SystemExit(str(home))
    return home


if __name__ == "__main__":
    sys.exit(main())
