"""The engine of the fuzzers: inputs from a seed, one oracle for all, and a watchdog.

An input is bytes, whatever it stands for: the number of a seed and its own number make it, on every machine
the same. A target says how to feed it to the program. The program may refuse it with problems that lead
somewhere; anything else (another exception, a secret that shows, control characters, memory or time
without end) is a finding.
"""

from __future__ import annotations

import functools
import json
import os
import random
import re
import resource
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from entrypoint.errors import EXIT_CODES, Problem, ProblemsError, format_problems

HERE = Path(__file__).parent
REGRESSIONS = HERE / "regressions"
REPOSITORY = HERE.parents[1]
CANARY = "S3CRETcanary51d7"
MEMORY = 768 << 20
"""Address space of a run, with all that Python takes: an input that needs more is a bomb."""
WATCHDOG = 30.0
"""Seconds of processor that one input may take before its process is ended."""
SMALL, LARGE = 16 * 1024, 1 << 20

_CODES = {int(code) for code, _, _ in EXIT_CODES if code.isdigit()}
_PLACES = {"where", "looked at", "value", "says"}
_WAYS_OUT = {"expected", "fix", "says"}
_NUMBERS = (
    b"0", b"-1", b"1", b"65535", b"65536", b"2147483648", b"9223372036854775807", b"18446744073709551616",
    b"1e308", b"nan", b"inf", b"0x7f", b"1_0", b"\xef\xbc\x91", b"\xc2\xb2", b"9" * 400, b"9" * 5000,
)  # fmt: skip
_NASTY = (
    b"\0", b"\n", b"\r", b"\r\n", b"\t", b" ", b"\x1b[31m", b"\x7f", b"\xff", b"\xfe\xff", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\xc2\x85", b"\xe2\x80\xa8", b"\\", b"\\u", b"\\ud800", b"'", b'"',
    b"${", b"}", b"{", b"{{", b"%s", b"%n", b"../", b"..", b"/", b"//", b"/dev/zero", b"/proc/self/environ",
    b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """What is fuzzed: `run` feeds an input to the program and returns all that anybody would be shown."""

    name: str
    corpus: tuple[bytes, ...]
    run: Callable[[bytes], str]
    count: int = 300
    """Inputs of a default run."""
    words: tuple[bytes, ...] = ()
    rebuild: Callable[[random.Random, bytes], bytes] | None = None
    """Changes an input by its structure; None where bytes are all there is."""
    hides: Callable[[bytes], bool] = field(default=lambda _: True)
    """Whether the canary must not show for this input."""


def inputs(target: Target, seed: int) -> Iterator[tuple[int, bytes]]:
    """Yield the inputs of a seed without end, each with its number; the first are the corpus itself."""
    yield from enumerate(target.corpus)
    number = len(target.corpus)
    while True:
        yield number, make(target, seed, number)
        number += 1


def make(target: Target, seed: int, number: int) -> bytes:
    """Return one input; the same for the same seed and number."""
    if number < len(target.corpus):
        return target.corpus[number]
    chance = random.Random(f"{target.name}:{seed}:{number}")
    data = chance.choice(target.corpus)
    if target.rebuild is not None and chance.random() < 0.6:
        for _ in range(chance.choice((1, 1, 2, 4))):
            data = target.rebuild(chance, data)
        if chance.random() < 0.7:
            return data
    limit = LARGE if chance.random() < 0.01 else SMALL
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        data = _mutated(chance, data, target, limit)
    return data[:LARGE]


def _mutated(chance: random.Random, data: bytes, target: Target, limit: int) -> bytes:  # noqa: PLR0912
    at = chance.randint(0, len(data))
    end = min(len(data), at + chance.choice((1, 1, 4, 16, 64, 1024)))
    word = chance.choice((*target.words, *_NASTY, *_NUMBERS))
    match chance.randrange(11):
        case 0:
            return data[:at] + word + data[at:]
        case 1:
            return data[:at] + word + data[end:]
        case 2:
            return data[:at] + data[end:]
        case 3:
            return data[:at]
        case 4:
            piece = data[at:end] or word
            return data[:at] + _repeated(chance, piece, limit) + data[end:]
        case 5:
            return data[:at] + _repeated(chance, word, limit) + data[at:]
        case 6:
            other = chance.choice(target.corpus)
            cut = chance.randint(0, len(other))
            return data[:at] + other[cut : cut + chance.choice((16, 256, 8192))] + data[end:]
        case 7 if data:
            changed = bytearray(data)
            for _ in range(chance.choice((1, 2, 8))):
                changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
            return bytes(changed)
        case 8:
            return data[:at] + chance.randbytes(end - at) + data[end:]
        case 9:
            lines = data.splitlines(keepends=True)
            chance.shuffle(lines)
            return b"".join(lines)
        case _:
            numbers = [*re.finditer(rb"-?\d+", data)]
            if not numbers:
                return data + word
            found = chance.choice(numbers)
            return data[: found.start()] + chance.choice(_NUMBERS) + data[found.end() :]


def _repeated(chance: random.Random, piece: bytes, limit: int) -> bytes:
    times = chance.choice((2, 10, 1000, 100_000))
    return piece * min(times, limit // max(1, len(piece)) + 1)


def judge(target: Target, data: bytes) -> str:
    """Feed an input to the program; return what is wrong with how it took that, or ""."""
    try:
        said = target.run(data)
        wrong = ""
    except ProblemsError as error:
        said = format_problems(error.problems)
        wrong = judge_problems(error.problems)
    except Exception:  # noqa: BLE001 - whatever it is, it is a finding
        return traceback.format_exc()
    if target.hides(data) and CANARY.lower() in said.lower():
        at = said.lower().index(CANARY.lower())
        return f"a secret shows: …{said[max(0, at - 200) : at + 100]}…"
    return wrong or _control_characters(said)


def judge_problems(problems: Sequence[Problem]) -> str:
    """Return what is wrong with problems as messages to a person, or ""."""
    if not problems:
        return "a ProblemsError without a problem"
    for problem in problems[:50]:
        labels = {label for label, text in problem.details if text}
        if problem.id not in documented_problems():
            return f"{problem.id} is not in docs/reference/problems.md"
        if problem.exit_code not in _CODES:
            return f"{problem.id} has exit code {problem.exit_code}, which is not documented"
        if not problem.what or "\n" in problem.what or len(problem.what) > 1000:
            return f"{problem.id} is told in {problem.what[:2000]!r}"
        if not labels & _PLACES and not labels & _WAYS_OUT:
            return f"{problem.id} has no place and no way out: {problem}"
    return ""


@functools.cache
def documented_problems() -> frozenset[str]:
    """Return the ids of docs/reference/problems.md."""
    text = (REPOSITORY / "docs/reference/problems.md").read_text()
    return frozenset(re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE))


def _control_characters(said: str) -> str:
    """A log and a terminal take what is printed as it is: an input must not be able to drive them."""
    for line in said.split("\n"):
        found = re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", line)
        if found:
            return f"a control character is printed: {line[max(0, found.start() - 80) :][:200]!r}"
    return ""


@dataclass
class Report:
    """How a run went: as JSON on the last line of a run's output."""

    target: str
    seed: int
    inputs: int = 0
    refused_by_process: str = ""
    findings: list[tuple[int, str]] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, 0)
    megabytes: int = 0

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(self.__dict__)


def run(target: Target, seed: int, seconds: float, count: int, keep: Path | None) -> Report:
    """Judge inputs until there were so many, or for so many seconds where that is not 0.

    Stops at ten findings. With `keep`, the input at hand stands in a file there: what ends the whole process
    is to be found, too.
    """
    report = Report(target.name, seed)
    end = time.monotonic() + seconds
    limit_memory()
    for number, data in inputs(target, seed):
        if (seconds and time.monotonic() >= end) or (not seconds and number >= count):
            break
        if keep is not None:
            (keep / f"{target.name}.now").write_bytes(data)
        signal.setitimer(signal.ITIMER_PROF, WATCHDOG)
        began = time.process_time()
        wrong = judge(target, data)
        took = time.process_time() - began
        signal.setitimer(signal.ITIMER_PROF, 0)
        report.slowest = max(report.slowest, (round(took, 3), number))
        report.inputs += 1
        if wrong:
            report.findings.append((number, wrong))
            if keep is not None:
                (keep / f"{target.name}-{seed}-{number}").write_bytes(data)
        if len(report.findings) >= 10:
            break
    report.megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return report


def limit_memory() -> None:
    """Have the kernel refuse this process more memory than an input may need."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ.pop("ENTRYPOINT_DEBUG", None)
