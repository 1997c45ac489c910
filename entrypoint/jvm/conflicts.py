"""What options of several sources do to each other: which one wins, one collector, one heap.

Here: rules over all options at once, each a function from candidates to what remains, what is noted
and what is wrong. What one option means on one JDK is in `flags.py`.
"""

from __future__ import annotations

from entrypoint.errors import Problem
from entrypoint.jvm.flags import parse_size
from entrypoint.jvm.options import collector, keys, show
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_INITIAL_HEAP = frozenset(
    {"InitialHeapSize", "MinHeapSize", "InitialRAMPercentage", "InitialRAMFraction"}
)
_MAX_HEAP = frozenset({
    "MaxHeapSize", "MaxRAMPercentage", "MaxRAMFraction", "MaxRAM", "MinRAMPercentage", "MinRAMFraction",
    "AggressiveHeap",
})  # fmt: skip
_YOUNG = frozenset({"NewSize", "MaxNewSize", "SurvivorRatio", "NewRatio", "UseAdaptiveSizePolicy"})


@record
class OptionNote:
    """Something that was done to an option, worth saying; `origin` is where the option came from."""

    text: str
    origin: str


@record
class Candidate:
    """An option on its way to the command line; `default` ones give way to the user's.

    External candidates stand in a variable that the JVM reads itself: they count, and stay.
    """

    text: str
    origin: str
    default: bool = False
    external: bool = False


@record
class Outcome:
    """What a rule leaves: the candidates in order, notes, problems."""

    kept: tuple[Candidate, ...]
    notes: tuple[OptionNote, ...] = ()
    problems: tuple[Problem, ...] = ()


def override(candidates: tuple[Candidate, ...]) -> Outcome:
    """Let the last option win among those that set the same, and a user's option over any default.

    The candidates come in the order in which the JVM reads them; but a default of ours gives way even
    to JAVA_TOOL_OPTIONS, which the JVM reads first.
    """
    kept: list[Candidate] = []
    notes: list[OptionNote] = []
    for at, candidate in enumerate(candidates):
        rivals = candidates[at + 1 :]
        if candidate.default:
            rivals = tuple(rival for rival in candidates[:at] if rival.external) + rivals
        else:
            rivals = tuple(rival for rival in rivals if not rival.default)
        winner = _winner(candidate, rivals)
        if winner is None:
            kept.append(candidate)
        elif winner.text != candidate.text:
            text = f"{show(candidate.text)} gives way to {show(winner.text)} ({winner.origin})"
            notes.append(OptionNote(text, candidate.origin))
    return Outcome(tuple(kept), tuple(notes))


def one_collector(candidates: tuple[Candidate, ...]) -> Outcome:
    """Leave one garbage collector: the user's, else that of the last default.

    The JVM ends when two are named, even across its variables and the command line; two that the user
    named are a problem which names both places.
    """
    naming = [candidate for candidate in candidates if collector(candidate.text)]
    chosen = [candidate for candidate in naming if not candidate.default]
    problems: tuple[Problem, ...] = ()
    if len({collector(candidate.text) for candidate in chosen}) > 1:
        problems = (_two_collectors(chosen),)
    winner = chosen[-1] if chosen else naming[-1] if naming else None
    if winner is None:
        return Outcome(candidates)

    def loses(candidate: Candidate) -> bool:
        name = collector(candidate.text)
        return candidate.default and bool(name) and name != collector(winner.text)

    reason = f"{collector(winner.text)} is chosen by {winner.origin}"
    outcome = _leave_out(candidates, loses, reason)
    return Outcome(outcome.kept, outcome.notes, problems)


def one_heap(candidates: tuple[Candidate, ...]) -> Outcome:
    """Leave a default heap out when a user's option, or a later default, sets the heap."""
    setting = [c for c in candidates if _MAX_HEAP.intersection(keys(c.text))]
    users = [c for c in setting if not c.default]
    winner = users[-1] if users else setting[-1] if setting else None
    starts = [c for c in candidates if not c.default and _INITIAL_HEAP.intersection(keys(c.text))]
    starter = starts[-1] if starts else None
    after = _heap_gives_way(candidates, winner, _MAX_HEAP | _INITIAL_HEAP)
    last = _heap_gives_way(after.kept, starter, _INITIAL_HEAP)
    return Outcome(last.kept, after.notes + last.notes)


def suit_g1(candidates: tuple[Candidate, ...]) -> Outcome:
    """Under G1, leave out defaults that fix the young generation, and note the user's.

    G1 meets its pause goal by resizing the young generation; a fixed one switches that off.
    """
    if "G1" not in {collector(candidate.text) for candidate in candidates}:
        return Outcome(candidates)

    def fixes_young(candidate: Candidate) -> bool:
        return bool(_YOUNG.intersection(keys(candidate.text)))

    outcome = _leave_out(
        candidates, lambda c: c.default and fixes_young(c), "G1 sizes the young generation itself"
    )
    noted = tuple(
        OptionNote(f"{show(c.text)} kept: it keeps G1 from meeting its pause goal", c.origin)
        for c in outcome.kept
        if not c.default and {"NewSize", "MaxNewSize"}.intersection(keys(c.text))
    )
    return Outcome(outcome.kept, outcome.notes + noted)


def heap_problems(candidates: tuple[Candidate, ...]) -> tuple[Problem, ...]:
    """Return the problem of a heap that begins larger than it may become, naming both places."""
    initial, largest = (_last(candidates, name) for name in ("InitialHeapSize", "MaxHeapSize"))
    if initial is None or largest is None:
        return ()
    low, high = (_size_of(candidate.text) for candidate in (initial, largest))
    if low is None or high is None or low <= high:
        return ()
    problem = Problem(
        "jvm-heap-sizes",
        "the JVM would refuse to start: the heap begins larger than it may become",
        (
            ("where", f"{initial.text} ({initial.origin}), {largest.text} ({largest.origin})"),
            ("expected", "-Xms at most as large as -Xmx"),
            ("fix", f"lower {initial.text}, or set -Xmx as well"),
        ),
    )
    return (problem,)


def _winner(candidate: Candidate, rivals: tuple[Candidate, ...]) -> Candidate | None:
    """Return the rival that completes what sets all that the candidate sets, or None."""
    open_keys = set(keys(candidate.text))
    for rival in reversed(rivals if open_keys else ()):
        open_keys.difference_update(keys(rival.text))
        if not open_keys:
            return rival
    return None


def _heap_gives_way(
    candidates: tuple[Candidate, ...], by: Candidate | None, names: frozenset[str]
) -> Outcome:
    """Leave out the defaults of other origins that set nothing but these names."""
    if by is None:
        return Outcome(candidates)

    def loses(candidate: Candidate) -> bool:
        sets = set(keys(candidate.text))
        return candidate.default and candidate.origin != by.origin and bool(sets) and sets <= names

    return _leave_out(candidates, loses, f"{show(by.text)} ({by.origin}) sets the heap")


def _leave_out(
    candidates: tuple[Candidate, ...], loses: Callable[[Candidate], bool], reason: str
) -> Outcome:
    lost = [candidate for candidate in candidates if loses(candidate)]
    notes = tuple(OptionNote(f"{show(c.text)} left out: {reason}", c.origin) for c in lost)
    return Outcome(tuple(c for c in candidates if c not in lost), notes)


def _two_collectors(chosen: list[Candidate]) -> Problem:
    last = {collector(candidate.text): candidate for candidate in chosen}
    places = ", ".join(f"{candidate.text} ({candidate.origin})" for candidate in last.values())
    return Problem(
        "jvm-collectors",
        "the JVM would refuse to start: two garbage collectors are chosen",
        (("where", places), ("expected", "one"), ("fix", "remove one of them")),
    )


def _last(candidates: tuple[Candidate, ...], name: str) -> Candidate | None:
    return next((c for c in reversed(candidates) if name in keys(c.text)), None)


def _size_of(option: str) -> int | None:
    return parse_size(option.partition("=")[2] if "=" in option else option[4:])
