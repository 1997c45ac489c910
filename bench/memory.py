"""Where each MB of PID 1 goes, with profile jvm and /metrics scraped: by mapping, and by module.

    python3 bench/memory.py [--out FILE] [--page FILE]

Prints Markdown: docs/reference/memory-of-pid-1.md. Needs cc, and root to be PID 1.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace

import report
from programs import Program, Scratch, programs
from publish import command_line, publish
from run import warm_up
from running import Run

SCRAPES = 20
FIELDS = ("Rss", "Pss", "Private_Dirty")
# Every module, the one that imports it first counts its own growth only. VmRSS lags behind by pages; the
# sum of smaps does not.
NOTE = """
import os, sys

class Note:
    def __init__(self, loader): self.loader = loader
    def __getattr__(self, name): return getattr(self.loader, name)
    def exec_module(self, module):
        global below
        outer, before = below, rss()
        below = 0
        try:
            self.loader.exec_module(module)
        finally:
            grown = rss() - before
            if os.getpid() == own:
                with open(os.environ["BENCH_NOTES"], "a") as file:
                    file.write(f"{module.__name__} {grown - below}\\n")
            below = outer + grown

class Finder:
    def find_spec(self, name, path=None, target=None):
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = Note(spec.loader)
                return spec
        return None

def rss():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Rss:"))

own, below = os.getpid(), 0
with open(os.environ["BENCH_NOTES"], "a") as file:
    file.write(f"(the interpreter) {rss()}\\n")
sys.meta_path.insert(0, Finder())
"""


def kind(path: str) -> str:
    """Return what a mapping is, in words."""
    name = os.path.basename(path)
    if not path:
        return "Python's objects and threads' stacks (anonymous)"
    if path in {"[heap]", "[stack]"}:
        return f"C's {path.strip('[]')}"
    if path.startswith("["):
        return "of the kernel"
    if "python" in name and ".cpython" not in name:
        return "the interpreter: code and constants"
    if re.match(r"(libc|ld-linux|libm|libpthread|libdl|libutil)\b", name):
        return "the C library"
    return "other libraries and modules in C"


def mappings(pid: int) -> dict[str, Counter[str]]:
    """Return kB by kind of mapping and field of smaps."""
    found: dict[str, Counter[str]] = {}
    current = Counter[str]()
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as file:
        for line in file:
            words = line.split()
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                current = found.setdefault(kind(words[5] if len(words) > 5 else ""), Counter())
            elif words[0][:-1] in FIELDS:
                current[words[0][:-1]] += int(words[1])
    return found


def by_mapping(program: Program, scratch: Scratch) -> list[str]:
    """Return the table of one run's mappings, after some scrapes."""
    with Run(program, scratch, "term") as run:
        run.wait_for("exec")
        time.sleep(2.0)
        for _ in range(SCRAPES):
            run.scrape()
        found = mappings(run.pid)
    rows = [[name, *(str(sizes[field]) for field in FIELDS)] for name, sizes in found.items()]
    rows.sort(key=lambda row: -int(row[1]))
    sums = [str(sum(sizes[field] for sizes in found.values())) for field in FIELDS]
    return report.table(["mapping", "RSS kB", "PSS kB", "written to kB"], [*rows, ["sum", *sums]])


def by_module(program: Program, scratch: Scratch) -> list[str]:
    """Return the table of what each import adds, in a run of its own: looking costs memory too."""
    folder = tempfile.mkdtemp(dir=scratch.folder)
    notes = os.path.join(folder, "notes")
    with open(os.path.join(folder, "sitecustomize.py"), "w", encoding="utf-8") as file:
        file.write(NOTE)
    paths = f"{folder}:{program.environment['PYTHONPATH']}"
    environment = program.environment | {"PYTHONPATH": paths, "BENCH_NOTES": notes}
    with Run(replace(program, environment=environment), scratch, "term") as run:
        run.wait_for("exec")
        time.sleep(3.0)
        for _ in range(SCRAPES):
            run.scrape()
        whole = run.memory()[0]
    grown = Counter[str]()
    with open(notes, encoding="utf-8") as file:
        for line in file:
            name, _, size = line.rpartition(" ")
            # What another thread gave back meanwhile is not this module's.
            grown[_group(name)] += max(0, int(size))
    grown[
        "at work: threads, values, buffers; less what was given back or counted by two threads"
    ] = whole - grown.total()
    rows = [[name, str(size)] for name, size in grown.most_common()]
    return report.table(["part", "RSS kB"], [*rows, ["sum", str(grown.total())]])


def _group(name: str) -> str:
    top = name.partition(".")[0]
    if top == "entrypoint":
        parts = name.split(".")
        return (
            f"entrypoint.{parts[1]}"
            if len(parts) > 2
            else "entrypoint: the loop and what is beside it"
        )
    if name.startswith("(") or top in {"prometheus_client", "psutil"}:
        return name if name.startswith("(") else top
    return "the standard library"


def main(argv: list[str]) -> int:
    """Run the command line and return its exit code."""
    asked = command_line("memory.py", __doc__).parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        scratch = Scratch(folder)
        (program,) = (one for one in programs(scratch)[0] if one.name == report.JVM)
        warm_up(program, scratch)
        tables = [*by_mapping(program, scratch), "", *by_module(program, scratch)]
    publish("\n".join(tables) + "\n", asked)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
