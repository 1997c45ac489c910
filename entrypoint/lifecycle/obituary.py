"""What a death of java means to the person who has to mend it: cause, figures, fix, evidence.

Here: `Death`, everything that was known at the end, and `obituary`, the text's parts. No input or output;
what is known is gathered by `last_words`. Only numbers that were measured are told.
"""

from __future__ import annotations

from entrypoint.errors import Problem
from entrypoint.lifecycle import signals
from entrypoint.records import record
from entrypoint.values import format_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from entrypoint.lifecycle.history import JvmSample
    from entrypoint.lifecycle.report import Outcome

CRASHES: Final = (4, signals.ABRT, 7, 8, 11)
"""ILL, ABRT, BUS, FPE, SEGV: the JVM writes a crash log and then ends by ABRT."""
OUT_OF_MEMORY: Final = 3
"""The exit code of -XX:+ExitOnOutOfMemoryError."""
MARGIN: Final = 0.25
_STEP: Final = 64 << 20


@record
class Death:
    """How java ended, and what was known: None or "" is "not known".

    `oom_kills` are the kernel's counts before and after; `memory_peak` and `memory_limit` the container's;
    `sample` the last look at java, `full_gc_at` the time of the last full collection seen, both by
    the monotonic clock of `now`. `threads` is what the profile expects at the busiest. `crash` are the
    first lines of the crash log, `evidence` the folders and files that tell more.
    """

    outcome: Outcome
    now: float = 0.0
    asked: bool = False
    oom_kills: tuple[int | None, int | None] = (None, None)
    memory_peak: int | None = None
    memory_limit: int | None = None
    sample: JvmSample | None = None
    full_gc_at: float | None = None
    heap_option: str = ""
    exits_on_oom: bool = False
    threads: int | None = None
    crash: tuple[str, ...] = ()
    heap_dump: str = ""
    evidence: tuple[str, ...] = ()


def obituary(death: Death) -> Problem | None:
    """Return the death as a problem with its details; None where the exit code says it all."""
    outcome = death.outcome
    if outcome.oom_killed:
        return _oom_killed(death)
    if outcome.killed:
        details = (("what", "SIGKILL (137) by entrypoint, at the end of the stop ladder"),)
        return Problem(
            "java-not-stopped", "java did not stop in time", _with_evidence(death, details)
        )
    if outcome.number == signals.KILL and not death.asked:
        return _killed(death)
    if outcome.number in CRASHES:
        return _crashed(death)
    exits = outcome.code == OUT_OF_MEMORY and death.exits_on_oom
    if exits or (outcome.code and death.heap_dump):
        return _out_of_memory(death)
    return None


def _oom_killed(death: Death) -> Problem:
    before, after = death.oom_kills
    what = f"SIGKILL (137); memory.events oom_kill {before} → {after}"
    if death.memory_limit:
        used = "" if death.memory_peak is None else f"{_mib(death.memory_peak)} of "
        what += f"; usage {used}{_mib(death.memory_limit)} MiB"
    details = [("what", what), *_heap(death)]
    sample, limit = death.sample, death.memory_limit
    option = death.heap_option or "the heap"
    likely = "memory outside the heap: metaspace, threads, direct buffers, native libraries"
    if sample is not None and sample.threads and death.threads and sample.threads > death.threads:
        expected = f"where the profile expects {death.threads}"
        likely = f"memory outside the heap: {sample.threads:.0f} threads {expected}"
    if sample is not None and limit and sample.heap_max and sample.heap_max > 0.8 * limit:
        share = f"{sample.heap_max / limit:.0%} of the limit"
        likely = f"a heap that may take {share} leaves too little for the rest of java"
    details.append(("likely", likely))
    fix = f"lower {option}, or raise the memory limit"
    if limit:
        more = -(-int(limit * (1 + MARGIN)) // _STEP) * _STEP
        fix = f"raise the limit to {_mib(more)} MiB, or lower {option}"
    details.append(("fix", fix))
    what = "java was killed by the kernel: out of memory"
    return Problem("oom-killed", what, _with_evidence(death, details))


def _killed(death: Death) -> Problem:
    before, after = death.oom_kills
    text = "SIGKILL (137), not by entrypoint"
    if before is not None and after is not None:
        text += f", and not for want of memory: oom_kill stays {after}"
    details = [("what", text), *_heap(death)]
    details.append(("likely", "kill -9 by somebody in the container or on the node"))
    return Problem("java-killed", "java was killed by SIGKILL", _with_evidence(death, details))


def _crashed(death: Death) -> Problem:
    name = signals.name(death.outcome.number)
    details = [("what", f"{name} ({death.outcome.status})"), *_heap(death)]
    if death.crash:
        details.append(("says", "\n".join(death.crash)))
        likely = "a bug in native code or in the JVM: the problematic frame says where"
    else:
        likely = "a crash without a crash log, or a kill with that signal"
    details.append(("likely", likely))
    what = f"java crashed: {name}"
    return Problem("java-crashed", what, _with_evidence(death, details))


def _out_of_memory(death: Death) -> Problem:
    how = "-XX:+ExitOnOutOfMemoryError" if death.exits_on_oom else "a heap dump was made"
    what = f"exit code {death.outcome.code} after an OutOfMemoryError ({how})"
    details = [("what", what), *_heap(death)]
    fix = f"raise {death.heap_option or 'the heap'}, or find in the heap dump what fills it"
    if not death.heap_dump:
        fix = f"raise {death.heap_option or 'the heap'}; no heap dump was made, or not found"
    details.append(("fix", fix))
    if death.heap_dump:
        details.append(("dump", death.heap_dump))
    what = "java ended after an OutOfMemoryError"
    return Problem("java-out-of-memory", what, _with_evidence(death, details))


def _heap(death: Death) -> list[tuple[str, str]]:
    """Return the line of the last look at java, if there was one."""
    sample = death.sample
    if sample is None:
        return []
    parts = []
    if sample.heap_used is not None:
        of = f" of {_mib(sample.heap_max)}" if sample.heap_max else ""
        parts.append(f"{_mib(sample.heap_used)}{of} MiB")
    if death.full_gc_at is not None:
        parts.append(f"last full GC seen {_ago(death.now, death.full_gc_at)}")
    if sample.metaspace is not None:
        parts.append(f"metaspace {_mib(sample.metaspace)}")
    if sample.threads is not None:
        parts.append(f"threads {sample.threads:.0f}")
    if not parts:
        return []
    label = "java" if sample.heap_used is None else "heap"
    return [(label, f"{'; '.join(parts)} (looked at {_ago(death.now, sample.at)})")]


def _with_evidence(
    death: Death, details: list[tuple[str, str]] | tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    if not death.evidence:
        return tuple(details)
    return (*details, ("evidence", "\n".join(death.evidence)))


def _ago(now: float, then: float) -> str:
    return f"{format_duration(max(0.0, now - then))} ago"


def _mib(size: float) -> str:
    return f"{size / (1 << 20):.0f}"
