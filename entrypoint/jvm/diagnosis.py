"""What a JVM is asked when something is wrong, and what of its answers is worth a line in the log.

Here: the questions with their bounds, and text → summary: deadlocks, thread states, the largest classes. No
input or output; asking is `system.diagnosis`. The texts are those of JDK 8 to 25; what is not understood
is left out.
"""

from __future__ import annotations

import re

from entrypoint.errors import printable
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final


@record
class Question:
    """A diagnostic command, the file that its answer goes to, and how many bytes of it are kept."""

    file: str
    command: str
    limit: int


QUESTIONS: Final = (
    Question("threads.txt", "Thread.print -l", 2 << 20),
    Question("heap.txt", "GC.heap_info", 64 << 10),
    Question("flags.txt", "VM.flags", 64 << 10),
    # Without -all it begins with a full GC: seconds, on a heap that is full.
    Question("histogram.txt", "GC.class_histogram -all", 64 << 10),
)
"""In the order of their worth: what a slow JVM does not get to is the last."""

CLASSES: Final = 5
DEADLOCKS: Final = 3
STATES: Final = 8
"""Java has six."""
_LINE: Final = 300
_HEADING: Final = re.compile(r"Found one Java-level deadlock:|Found \d+ deadlocks?\.")
_THREAD: Final = re.compile(r'^(?:Thread )?"(.{1,200})":$')
_WAITS: Final = re.compile(r"^\s+waiting (?:to lock|for)\b.*?, an? ([\w.$/\[;]{1,200})\)")
_HOLDER: Final = re.compile(r'^\s+which is held by (?:Thread )?"(.{1,200})"')
_STATE: Final = re.compile(r"^\s+java\.lang\.Thread\.State: ([A-Z_]{1,40})\b")
_ROW: Final = re.compile(r"^\s*\d+:\s+(\d{1,15})\s+(\d{1,18})\s+(\S{1,200})")


def deadlocks(threads: str) -> tuple[str, ...]:
    """Return each deadlock of a thread dump as one line, naming its threads and what they wait for."""
    found: list[list[str]] = []
    waits, name = "", ""
    in_deadlock = False
    for line in threads.splitlines():
        if _HEADING.match(line):
            in_deadlock = line.startswith("Found one")
            if in_deadlock:
                found.append([])
        elif line.startswith("Java stack information"):
            in_deadlock = False
        elif in_deadlock and len(line) < _LINE:
            if match := _THREAD.match(line):
                name, waits = match[1], "a lock"
            elif match := _WAITS.match(line):
                waits = match[1]
            elif match := _HOLDER.match(line):
                found[-1].append(f'"{name}" waits for {waits}, held by "{match[1]}"')
    return tuple("; ".join(links) for links in found if links)


def states(threads: str) -> tuple[tuple[str, int], ...]:
    """Return how many threads are in each state, the most frequent first."""
    counts: dict[str, int] = {}
    for line in threads.splitlines():
        if match := _STATE.match(line):
            counts[match[1]] = counts.get(match[1], 0) + 1
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def largest(histogram: str, count: int = CLASSES) -> tuple[tuple[str, int, int], ...]:
    """Return (class, instances, bytes) of the classes that take the most."""
    rows = (_ROW.match(line) for line in histogram.splitlines())
    found = [(row[3], int(row[1]), int(row[2])) for row in rows if row is not None]
    return tuple(found[:count])


def summary(answers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what the log says about the answers, as (label, text): at most eight short, printable lines."""
    # Names of threads and classes are the application's, and the terminal is ours.
    yield from ((label, printable(text)) for label, text in _lines(answers))


def _lines(answers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    threads = answers.get("threads.txt", "")
    found = deadlocks(threads)
    for text in found[:DEADLOCKS]:
        yield "deadlock", text[: 2 * _LINE]
    if counts := states(threads):
        yield "threads", ", ".join(f"{count} {state.lower()}" for state, count in counts[:STATES])
    heap = [line.strip() for line in answers.get("heap.txt", "").splitlines() if "used" in line]
    if heap:
        yield "heap", "; ".join(" ".join(line.split())[:100] for line in heap[:3])
    if classes := largest(answers.get("histogram.txt", "")):
        rows = (f"{name} {size >> 10} KiB in {number}" for name, number, size in classes)
        yield "classes", ", ".join(rows)
