"""What must hold of every run, whatever was done to it: `broken` returns what does not.

Here: judgement only, of a `Seen`. A fault excuses what it makes impossible, and nothing else; the table of
excuses is at the top.
"""

from __future__ import annotations

import os

from entrypoint.errors import EXIT_DEPENDENCY, EXIT_INTERNAL
from entrypoint.lifecycle.machine import State
from entrypoint.lifecycle.policy import Policy
from entrypoint.plan.model import CheckPlan, Launch, StopStep
from entrypoint.system.termination import MESSAGE_LIMIT
from model import acceptor
from torture.cases import INT, KILL, QUIT, TERM, Case
from torture.world import Seen

EXCUSES: dict[str, frozenset[int]] = {
    "run full": frozenset({73}),
    "run read-only": frozenset({73}),
    "descriptors": frozenset({70, 73, 78, 126}),
    "processes": frozenset({70, 126}),
    "write": frozenset({73}),
    "read": frozenset({70}),
    "open": frozenset({73, 78}),
    "rename": frozenset({73}),
    "mkdir": frozenset({73}),
    "sync": frozenset({73}),
    "fork": frozenset({126}),
    "spawn": frozenset({126, 127}),
    "thread": frozenset({126}),
    "socket": frozenset({78}),
    "pipe": frozenset({126}),
    "chdir": frozenset({78}),
    "memory": frozenset({70, 126}),
}
"""Exit codes with which a start may fail, by what is wrong with the world."""
UNSENDABLE = {KILL, 19}


def broken(seen: Seen) -> list[str]:
    """Return every invariant that the run broke, in words."""
    if seen.impossible:
        return []
    found: list[str] = []
    if seen.hung:
        found.append(f"the stop is bounded: {seen.hung}")
        return found
    text = seen.log + seen.output
    early = _died_early(seen) or _could_not_load(seen)
    if ("Traceback" in text and not early) or "Fatal Python error" in text:
        found.append("never a traceback")
    if "A bug of entrypoint" in text or "a bug of entrypoint" in text + seen.message:
        found.append("no bug of ours is told")
    if seen.left:
        found.append(f"nothing outlives us: {seen.left}")
    if seen.zombies:
        found.append(f"no zombie stays: {seen.zombies}")
    if seen.lost:
        found.append(f"no signal is lost: {seen.lost}")
    if seen.code < 0:
        if not _ended_by_signal_before_we_listened(seen):
            found.append(f"we ended by signal {-seen.code}")
        return found
    found.extend(_message(seen))
    return found


def _ended_by_signal_before_we_listened(seen: Seen) -> bool:
    """Elsewhere than as PID 1 a signal ends a booting interpreter as it ends any program."""
    early = {sent.number for sent, heard in seen.sent if sent.to == "us" and not heard}
    return not seen.case.pid1 and -seen.code in early and not seen.trace


def _message(seen: Seen) -> list[str]:
    case = seen.case
    if seen.message_size > MESSAGE_LIMIT:
        return [f"the termination message fits: {seen.message_size} bytes"]
    ending = acceptor.ending(seen.message.partition("\n")[0] + "\n")
    if ending is None:
        if (_died_early(seen) or _could_not_load(seen)) and not seen.message:
            return []
        if _message_excused(case):
            return _code_alone(seen)
        return [f"a termination message is there: {seen.message!r}, code {seen.code}"]
    summary, code = ending
    if code != seen.code:
        return [f"the message tells our exit code: {code}, and not {seen.code}"]
    if _stop_was_lost(seen, summary):
        return ["no signal is lost: not the one that asks for the end"]
    wrong = acceptor.explain(_start(case), _model_view(seen, code, summary))
    return [f"the model allows what happened: {wrong}"] if wrong else []


def _stop_was_lost(seen: Seen, summary: str) -> bool:
    """Whether a program had to be killed, as nobody passed on what asked it to end (plain, no grace)."""
    killed = [
        i for i, (sent, _) in enumerate(seen.sent) if (sent.to, sent.number) == ("java", KILL)
    ]
    if not killed or seen.sent[killed[-1]][0].moment != "final":
        return False
    asked = any(
        heard and sent.to == "us" and sent.number in {TERM, INT}
        for sent, heard in seen.sent[: killed[-1]]
    )
    return asked and "SIGKILL" in summary and " after SIG" not in summary


def _message_excused(case: Case) -> bool:
    """Whether the fault is of the kind that keeps the message from being written."""
    if case.fault.startswith("message") or case.fault in {"descriptors"}:
        return True
    words = ("open:", "write:", "truncate:")
    return any(rule.startswith(words) for rule in case.rules.split(";")) or "memory:" in case.rules


def _died_early(seen: Seen) -> bool:
    """The interpreter handles INT by itself before our first statement, and ends with 130."""
    early = {sent.number for sent, heard in seen.sent if sent.to == "us" and not heard}
    return INT in early and seen.code in {130, 1}


def _code_alone(seen: Seen) -> list[str]:
    """Without a message the code must still be one that java's own end, or a failed start, explains."""
    own = {128 + number if code is None else code for code, number in _fates(seen)}
    if not seen.trace:
        allowed = {0, EXIT_DEPENDENCY} | _excused(seen.case) | _helper_lost(seen)
    else:
        allowed = own | {137}
        if any(sent.number in {TERM, INT} for sent, _ in seen.sent):
            allowed |= {0}
        if 0 in own or _may_fail_late(seen.case):
            allowed |= {EXIT_INTERNAL}
    return [] if seen.code in allowed else [f"the exit code is true: {seen.code} of {allowed}"]


def _helper_lost(seen: Seen) -> set[int]:
    return {EXIT_INTERNAL} if any(sent.to == "helper" for sent, _ in seen.sent) else set()


# ---- the model ----


def _steps(case: Case) -> tuple[StopStep, ...]:
    return tuple(StopStep(action, seconds) for action, seconds in case.ladder)


def _start(case: Case) -> State:
    if case.mode != "plain":
        return State()
    policy = Policy(
        name="", stop=_steps(case), expects_exit=True, stop_is_success=False, guards_quit=False
    )
    return State("starting", policy)


def _launch(case: Case) -> Launch:
    gate = CheckPlan("gate", "file", "gate", (), ("gate",))
    gates = () if case.gate is None else (gate,)
    return Launch("jvm", "0", "java", ("java",), "/", (), gates=gates, stop=_steps(case))


def _model_view(seen: Seen, code: int, summary: str) -> acceptor.Seen:
    case = seen.case
    if case.mode == "plain":
        # The program's name is what the summary begins with: here it is that of a file of the cache.
        summary = " " + summary.partition(" ")[2] if summary.startswith("actor-") else summary
    has_log = (
        case.mode != "plain"
        and case.fault not in {"output full", "output closed", "descriptors", "processes"}
        and not ("write:" in case.rules or "thread:" in case.rules or "memory:" in case.rules)
    )
    failed = code in _helper_lost(seen) or (
        code in _excused(case) and (not seen.trace or _may_fail_late(case))
    )
    never = case.gate == -1 and code == EXIT_DEPENDENCY
    return acceptor.Seen(
        code,
        summary,
        acceptor.phases(seen.log) if has_log else None,
        None if case.mode == "plain" else _launch(case),
        frozenset(sent.number for sent, _ in seen.sent if sent.to == "us") | {QUIT},
        (0, os.getpid()),
        frozenset(_fates(seen)),
        case.fault == "out of memory",
        failed or never,
        case.gate != -1,
    )


def _loses_code(case: Case) -> bool:
    """Whether files of the program itself cannot be read: it then ends where it needs them."""
    return any(part in case.rules for part in ("/entrypoint/", "/lib/python", ".cpython"))


def _could_not_load(seen: Seen) -> bool:
    """Whether the interpreter could not read our first module: then nobody is there to say it better."""
    return _loses_code(seen.case) and seen.code == 1 and not seen.trace


def _excused(case: Case) -> frozenset[int]:
    if _loses_code(case):
        return frozenset({70, 73, 78, 126})
    kinds = [case.fault, *(rule.partition(":")[0] for rule in case.rules.split(";"))]
    return frozenset[int]().union(*(EXCUSES.get(kind, frozenset()) for kind in kinds))


def _may_fail_late(case: Case) -> bool:
    """Whether we may fail while java runs: with no memory there is no program that always goes on."""
    # Plain mode loads most of itself when the program runs already; what tells of the end comes last.
    early = case.mode == "plain" and _loses_code(case) and "termination" not in case.rules
    return "memory:" in case.rules or early


def _fates(seen: Seen) -> set[tuple[int | None, int]]:
    """Return how java may have ended of its own accord, or by what was sent to it."""
    fates: set[tuple[int | None, int]] = set()
    for line in seen.trace:
        words = line.split()
        if words[0] == "end":
            fates.add((int(words[2]), 0) if words[1] == "exit" else (None, int(words[2])))
    to_java = {sent.number for sent, _ in seen.sent if sent.to == "java"}
    if KILL in to_java or seen.case.fault == "out of memory":
        fates.add((None, KILL))
    if seen.case.mode == "java":
        codes = {0, 1, 134, *(128 + sent.number for sent, _ in seen.sent), 143, 130}
        return fates | {(code, 0) for code in codes} | {(None, n) for n in range(1, 65)}
    if "ready" not in seen.trace or not fates:
        # Before it listens, every signal does to it what signals do; the first or the last of some.
        sent = {sent.number for sent, _ in seen.sent} - UNSENDABLE
        fates |= {(None, number) for number in sent | {TERM, INT}}
    if not fates and "begin" not in seen.trace:
        fates.add((None, TERM))
    return fates
