"""What one torture run is made of: a `Case`, drawn from a seed, the same for ever from the same seed.

Here: values and chance only; nothing is started. A case can be written as one line of JSON, which is what the
file of regressions holds: there a case stays what it was when the generator changes.
"""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

TERM, INT, QUIT, KILL, STOP, CONT = 15, 2, 3, 9, 19, 18
FORWARDED = tuple(
    sorted({int(one) for one in signal.valid_signals()} - {KILL, STOP, 17, TERM, INT, 32, 33})
)
MOMENTS = (
    "start",
    "blocked",
    "waiting",
    "begun",
    "listens",
    "running",
    "asked",
    "killing",
    "ended",
)
"""When a signal is sent: so many milliseconds after this was seen, or when the run ends without it."""


@dataclass(frozen=True)
class Sent:
    """A signal of a run: at which moment, so many milliseconds later, to whom, which."""

    moment: str
    delay: int
    to: str
    number: int


@dataclass(frozen=True)
class Case:
    """One run, in full."""

    seed: int
    mode: str = "profile"
    """plain, profile (on an actor in the place of java), or java (a real one)."""
    pid1: bool = True
    part: str = "listen"
    """What the actor does; see README.md."""
    ladder: tuple[tuple[str, float], ...] = (("TERM", 0.3), ("KILL", 1.0))
    """Rungs of the stop ladder; in plain mode only TERM, the grace, or nothing."""
    gate: int | None = None
    """Milliseconds until what is waited for is there; -1: never, and we give up after 200 ms."""
    check: int | None = None
    """Milliseconds until the startup check passes."""
    signals: tuple[Sent, ...] = ()
    fault: str = ""
    """What is wrong with the world, or "" for nothing; see `world.py`."""
    amount: int = 0
    """How much of it: descriptors, processes, bytes."""
    rules: str = ""
    """Rules of the fault layer, with {run}, {message} and {home} in the place of folders."""

    def to_json(self) -> str:
        """Return the case in one line."""
        return json.dumps(asdict(self))

    @staticmethod
    def of(found: Mapping[str, Any]) -> Case:
        """Return the case that was written with `to_json`."""
        case = Case(**{**found, "signals": tuple(Sent(**one) for one in found["signals"])})
        return replace(case, ladder=tuple((str(a), float(b)) for a, b in case.ladder))


def draw(seed: int, real_java: bool = False) -> Case:
    """Return the case of a seed; `real_java` allows runs that take a second of processor time."""
    chance = random.Random(seed)
    mode = chance.choices(("plain", "profile", "java"), (35, 65, 3 if real_java else 0))[0]
    case = Case(seed, mode, pid1=chance.random() < 0.8)
    case = replace(case, ladder=_ladder(chance, mode), part=_part(chance))
    if mode != "plain":
        gate = chance.choices((None, chance.randrange(150), -1), (70, 22, 8))[0]
        check = chance.choices((None, chance.randrange(200)), (60, 40))[0]
        case = replace(case, gate=gate, check=check)
    case = replace(case, signals=_signals(chance))
    if "traced" in case.part:
        # Without a ladder nobody could end it: what is traced stays a zombie until its tracer ends.
        case = replace(case, ladder=case.ladder or PLAIN_LADDER)
    return _with_fault(chance, case) if mode != "java" and chance.random() < 0.5 else case


PLAIN_LADDER = (("TERM", 0.2), ("KILL", 1.0))


def _ladder(chance: random.Random, mode: str) -> tuple[tuple[str, float], ...]:
    if mode == "plain":
        return chance.choice(((), PLAIN_LADDER))
    rungs: list[tuple[str, float]] = []
    if chance.random() < 0.4:
        rungs.append(("drain", chance.choice((0.0, 0.03, 0.2))))
    rungs.append((chance.choice(("TERM", "TERM", "TERM", "INT")), chance.choice((0.05, 0.3))))
    if chance.random() < 0.5:
        rungs.append(("thread-dump", 0.1))
    return (*rungs, ("KILL", 1.0))


ENDINGS = (
    "exit=0",
    "exit=1",
    "exit=3",
    "exit=137",
    "exit=143",
    "exit=255",
    "crash=11",
    "crash=6",
    "crash=9",
    "crash=15",
)


def _part(chance: random.Random) -> str:
    words: list[str] = []
    if chance.random() < 0.3:
        words.append(f"sleep={chance.randrange(40)}")
    obeys = chance.choices(
        ("die", "ignore", "exit143", "exit0", "exit5", "crash11", f"slow{chance.randrange(400)}"),
        (30, 15, 20, 8, 5, 5, 17),
    )[0]
    words.append(f"obeys={obeys}")
    if chance.random() < 0.9:
        words.append("listen")
    words += (_deed(chance) for _ in range(chance.choice((0, 0, 1, 1, 2, 3))))
    if chance.random() < 0.3:
        words += [f"sleep={chance.randrange(200)}", chance.choice(ENDINGS)]
    elif chance.random() < 0.06:
        words.append(chance.choice(("stop", "traced")))
    # The thread that plays the part goes on in another one: nothing after it is played.
    return " ".join(sorted(words, key=lambda word: word == "thread"))


def _deed(chance: random.Random) -> str:
    return chance.choice(
        (
            f"orphans={chance.randrange(1, 60)}",
            "daemon=plain",
            "daemon=session",
            "daemon=session+double",
            "daemon=stubborn",
            "daemon=session+double+stubborn",
            "close",
            "fill",
            "thread",
            "group",
            f"sleep={chance.randrange(120)}",
        )
    )


def _signals(chance: random.Random) -> tuple[Sent, ...]:
    sent: list[Sent] = []
    for _ in range(chance.choice((0, 1, 1, 2, 3, 5))):
        moment = chance.choice(MOMENTS)
        delay = chance.choice((0, 0, chance.randrange(10), chance.randrange(60)))
        kind = chance.random()
        if kind < 0.40:
            sent.append(Sent(moment, delay, "us", chance.choice((TERM, TERM, TERM, INT))))
        elif kind < 0.65:
            sent.append(Sent(moment, delay, "us", chance.choice(FORWARDED)))
        elif kind < 0.75:
            numbers = (
                chance.choice((*FORWARDED, TERM, INT)) for _ in range(chance.randrange(2, 30))
            )
            sent += (Sent(moment, delay, "us", number) for number in numbers)
        elif kind < 0.83:
            sent += (
                Sent(moment, delay, "us", STOP),
                Sent(moment, delay + chance.randrange(80), "us", CONT),
            )
        elif kind < 0.93:
            sent += (
                Sent(moment, delay, "java", STOP),
                Sent(moment, delay + chance.randrange(200), "java", CONT),
            )
        elif kind < 0.97:
            sent.append(Sent(moment, delay, "java", chance.choice((KILL, 11, TERM, 6))))
        else:
            moment = chance.choice(("blocked", "waiting"))
            sent.append(Sent(moment, delay, "helper", chance.choice((KILL, TERM, 11, STOP))))
    return tuple(sent)


LAYER = (
    ("write", ("5", "28", "short"), ("{run}", "{message}", "/stderr")),
    ("read", ("5", "short"), ("", "pipe:")),
    ("open", ("5", "13", "24", "28", "30"), ("{run}", "{message}", "/sys/fs/cgroup", "{home}")),
    (
        "open",
        ("5", "24"),
        ("/entrypoint/", "/entrypoint/system", "/entrypoint/lifecycle", "/lib/python3"),
    ),
    ("rename", ("5", "28"), ("{run}",)),
    ("mkdir", ("28", "30"), ("{run}",)),
    ("truncate", ("5",), ("{message}",)),
    ("sync", ("5", "28"), ("",)),
    ("fork", ("11", "12"), ("",)),
    ("spawn", ("11", "12", "7", "13", "2"), ("",)),
    ("thread", ("11",), ("",)),
    ("socket", ("24", "12", "105"), ("",)),
    ("pipe", ("24",), ("",)),
    ("poll", ("4", "12"), ("",)),
    ("chdir", ("2", "5", "13"), ("",)),
    ("wait", ("4",), ("",)),
    ("signal", ("4",), ("",)),
    ("clock", ("jump",), ("",)),
    ("clock", ("jump",), ("",)),
    ("memory", ("12",), ("",)),
)
FAULTS = (
    ("layer", 40),
    ("run full", 6),
    ("run read-only", 3),
    ("message full", 4),
    ("message read-only", 3),
    ("descriptors", 8),
    ("processes", 8),
    ("frozen", 5),
    ("out of memory", 3),
    ("output full", 8),
    ("output closed", 5),
    ("signals ignored", 5),
    ("signals blocked", 5),
)


def _with_fault(chance: random.Random, case: Case) -> Case:
    names, weights = zip(*FAULTS, strict=True)
    fault = chance.choices(names, weights)[0]
    match fault:
        case "layer":
            rules: list[str] = []
            for _ in range(chance.choice((1, 1, 1, 2, 3))):
                call, errors, paths = chance.choice(LAYER)
                skip = chance.choice((0, 0, 1, chance.randrange(6), chance.randrange(40)))
                count = chance.choice((0, 1, 1, 2, 5))
                if call == "memory":
                    skip, count = chance.randrange(20_000), chance.choice((1, 1, 3))
                # For ever would be a poll or a wait that never works: no machine does that.
                if call in {"poll", "wait", "signal"}:
                    count = count or 3
                error = chance.choice(errors)
                if error == "short":
                    count = 0
                rules.append(f"{call}:{error}:{skip}:{count}:{chance.choice(paths)}".rstrip(":"))
            return replace(case, fault=fault, rules=";".join(rules))
        case "run full":
            return replace(case, fault=fault, pid1=True, amount=chance.choice((1, 20_000, 200_000)))
        case "descriptors":
            return replace(case, fault=fault, amount=chance.randrange(7, 32))
        case "processes":
            return replace(case, fault=fault, amount=chance.randrange(1, 14))
        case "frozen":
            case = replace(case, fault=fault, part="listen", signals=(), pid1=True)
            return replace(case, ladder=case.ladder or PLAIN_LADDER)
        case "out of memory":
            return replace(case, fault=fault, part="obeys=die listen memory", signals=())
        case _:
            if fault == "output full":
                # The interpreter would write of an INT during its own boot, and wait for ever.
                late = tuple(sent for sent in case.signals if sent.moment != "start")
                case = replace(case, signals=late)
            # A small file system is mounted where nobody else sees it: in namespaces of the run's own.
            mounts = fault.startswith(("run", "message"))
            return replace(case, fault=fault, pid1=case.pid1 or mounts)
