"""The memory of the container in the plan: what java is told, the table, and what does not fit.

Here: from the profile, the settings and the options of all sources to the budget's words. The arithmetic
is in `jvm/memory.py`.
"""

from __future__ import annotations

from entrypoint.errors import Problem, ProblemsError
from entrypoint.jvm import memory, memory_options
from entrypoint.jvm.command import EXTERNAL_VARIABLES
from entrypoint.plan.model import MemoryRow, Note
from entrypoint.records import record
from entrypoint.values import format_size, parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrypoint.jvm.command import JvmOptions
    from entrypoint.jvm.memory import Budget, Needs
    from entrypoint.jvm.memory_options import MemoryOptions
    from entrypoint.plan.scope import Scope
    from entrypoint.profile.schema import MemorySpec
    from entrypoint.settings.model import Facts

_LAST_VARIABLE = EXTERNAL_VARIABLES[-1]
_PERCENT = "memory.heap-percent"


@record
class Divided:
    """The options that hold java to its budget, the budget as a table, and what is to be said of it."""

    options: tuple[str, ...]
    rows: tuple[MemoryRow, ...]
    notes: tuple[Note, ...] = ()


def divide(
    name: str, spec: MemorySpec, options: JvmOptions, feature: int, scope: Scope, facts: Facts
) -> Divided:
    """Return how the container's memory is divided up, given the options of everybody but us.

    Without a limit nothing is computed. Raises ProblemsError when it cannot fit, unless the operator
    wants java started all the same (`memory.overcommit`).
    """
    given = memory_options.read(_in_order(options))
    needs = _needs(spec, scope)
    if facts.memory_limit is None:
        return Divided((), (_unlimited(given),))
    limit = facts.memory_limit
    budget = memory.budget(limit, facts.cpus, feature, needs, given)
    notes = []
    if needs.heap_percent is not None and given.sets_heap:
        notes.append(
            Note(f"{_PERCENT} gives way to an option that sets the heap", needs.percent_origin)
        )
    if not budget.fits:
        enough = memory.smallest_limit(facts.cpus, feature, needs, given, limit)
        if budget.hopeless and not needs.overcommit:
            raise ProblemsError(_does_not_fit(name, budget, enough, facts))
        would_do = f"; {format_size(enough)} would do" if enough else ""
        text = (
            f"the memory may not be enough: the sum is {budget.sum >> 20} of {limit >> 20} MiB, and the"
            f" kernel kills what takes more{would_do}"
        )
        notes.append(Note(text, "memory"))
    elif facts.held_in_memory > budget.spare:
        text = (
            f"files in /tmp and the run directory may take {format_size(facts.held_in_memory)} of memory,"
            f" which the plan has only {format_size(budget.spare)} for: make these folders smaller"
        )
        notes.append(Note(text, "memory"))
    return Divided(budget.options, tuple(_rows(budget)), tuple(notes))


def _in_order(options: JvmOptions) -> Iterator[tuple[str, str]]:
    """Yield the options of all sources as the JVM reads them: the last variable after the command line."""
    last: list[tuple[str, str]] = []
    for external in options.external:
        if external.applies:
            pairs = [(option, external.variable) for option in external.options]
            if external.variable == _LAST_VARIABLE:
                last = pairs
            else:
                yield from pairs
    yield from ((option.text, option.origin) for option in options.options)
    yield from last


def _needs(spec: MemorySpec, scope: Scope) -> Needs:
    percent = _percent(spec.heap_percent, scope)
    setting = scope.settings.get(_PERCENT)
    origin = str(setting.origin.place) if setting and setting.origin else "profile"
    return memory.Needs(
        classes=spec.classes,
        threads=spec.threads,
        stack=_size(spec.thread_stack, scope),
        direct=_size(spec.direct, scope),
        code_cache=_size(spec.code_cache, scope),
        least_heap=_size(spec.least_heap, scope),
        file_cache=_percent(spec.file_cache, scope),
        heap_percent=percent,
        percent_origin=origin,
        overcommit=scope.text("{memory.overcommit}") == "true",
    )


def _percent(text: str | None, scope: Scope) -> float | None:
    filled = "" if text is None else scope.text(text).rstrip("%")
    return float(filled) if filled else None


def _size(text: str | None, scope: Scope) -> int | None:
    filled = "" if text is None else scope.text(text)
    return parse_size(filled) if filled else None


def _unlimited(given: MemoryOptions) -> MemoryRow:
    if given.heap is None:
        return MemoryRow("heap", None, "the JVM decides: no container limit")
    return MemoryRow("heap", given.heap.bytes, str(given.heap))


def _rows(budget: Budget) -> Iterator[MemoryRow]:
    for region in budget.regions:
        yield MemoryRow(region.name, region.size, region.origin)
    if budget.left_over >= 0:
        yield MemoryRow("left over", budget.left_over, "")
    else:
        yield MemoryRow("missing", -budget.left_over, f"the sum is {budget.sum >> 20} MiB")


def _does_not_fit(name: str, budget: Budget, enough: int | None, facts: Facts) -> Problem:
    small = not budget.heap_given
    lines = [f"{'region':<12}{'MiB':>5}   from"]
    for region in budget.regions:
        size, origin = region.size, region.origin
        if small and region.name == "heap":
            size, origin = budget.least_heap, "the smallest heap worth starting with"
        lines.append(f"{region.name:<12}{size >> 20:>5}   {origin}")
    total = budget.sum + (budget.least_heap - budget.heap if small else 0)
    lines.append(f"{'sum':<12}{total >> 20:>5}   of {budget.limit >> 20}")
    raise_it = f"raise the memory limit to {enough >> 20} MiB" if enough else ""
    lower = next((r.origin for r in budget.regions if r.name == "heap" and r.given), "")
    ways = [
        raise_it,
        f"lower {lower}" if lower else "",
        "or try it with ENTRYPOINT_MEMORY_OVERCOMMIT=true",
    ]
    group = f" (cgroup {facts.cgroup})" if facts.cgroup else ""
    return Problem(
        "memory-does-not-fit",
        f"{name} does not fit into {format_size(budget.limit)} of memory",
        (
            ("where", f"the container's limit{group}"),
            ("sum", "\n".join(lines)),
            ("fix", ", ".join(way for way in ways if way)),
        ),
    )
