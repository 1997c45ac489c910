"""The options of the final command line: from all sources to one line that this JVM accepts.

Here: `assemble`, and the story of every option with its origin. The classpath, the main class and their
arguments come from the profile, not from here; the memory options are computed in `memory.py`.
"""

from __future__ import annotations

import re

from entrypoint.errors import Problem, ProblemsError
from entrypoint.jvm import conflicts, flags, gclog
from entrypoint.jvm.conflicts import Candidate, OptionNote
from entrypoint.jvm.options import Words, launch_name, pair, show, split_as_jvm, unexpanded
from entrypoint.jvm.problems import misplaced, refused, stray
from entrypoint.jvm.release import LATEST_MEASURED, OLDEST_FEATURE
from entrypoint.records import assert_never, record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrypoint.jvm.release import Jdk


EXTERNAL_VARIABLES = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
"""Variables that the JVM reads itself, in the order in which it reads them; the last one wins."""

# 8u191 brought MaxRAMPercentage and the container support to 8.
_OLDEST_UPDATE_OF_8 = 191


@record
class JvmOption:
    """One option of the final command line, with the source it comes from."""

    text: str
    origin: str


@record
class External:
    """What the JVM itself will add from a variable; `applies` is false where this JDK ignores it."""

    variable: str
    options: tuple[str, ...]
    applies: bool = True

    @property
    def shown(self) -> tuple[str, ...]:
        """The options as they may be printed: values that can hold a secret are hidden."""
        return tuple(show(option) for option in self.options)


@record
class JvmOptions:
    """The final options in order, with all that is worth saying about how they came about."""

    options: tuple[JvmOption, ...]
    notes: tuple[OptionNote, ...] = ()
    problems: tuple[Problem, ...] = ()
    external: tuple[External, ...] = ()
    needs_dry_run: bool = False

    @property
    def argv(self) -> tuple[str, ...]:
        """The options alone, as words of the command line."""
        return tuple(option.text for option in self.options)


@record
class _Judged:
    kept: tuple[Candidate, ...] = ()
    notes: tuple[OptionNote, ...] = ()
    problems: tuple[Problem, ...] = ()
    unsure: bool = False

    def __add__(self, other: _Judged) -> _Judged:
        return _Judged(
            self.kept + other.kept,
            self.notes + other.notes,
            self.problems + other.problems,
            self.unsure or other.unsure,
        )


def assemble(
    jdk: Jdk, groups: tuple[tuple[str, tuple[str, ...]], ...], external: Mapping[str, str]
) -> JvmOptions:
    """Return the options that this JDK is started with.

    `groups` are (origin, words), the later one wins; the origins `computed…` and `profile…` are
    defaults, which give way to the user's. `external` holds the text of each of EXTERNAL_VARIABLES
    that is set. Every option that is translated, dropped or overridden has its note. With problems,
    nothing may be started; with `needs_dry_run`, this JVM has to be asked first.
    """
    shown, outside = _read_external(jdk, external)
    inside = _Judged()
    for origin, words in groups:
        inside += _judge_group(origin, words, jdk)
    unified = _unify_gc_log(inside.kept, jdk)
    first = tuple(c for c in outside.kept if c.origin != "_JAVA_OPTIONS")
    last = tuple(c for c in outside.kept if c.origin == "_JAVA_OPTIONS")
    kept, notes, problems = _settle(first + unified.kept + last)
    options = tuple(JvmOption(c.text, c.origin) for c in _unlocks_first(kept) if not c.external)
    return JvmOptions(
        options,
        outside.notes + inside.notes + unified.notes + notes,
        outside.problems + inside.problems + unified.problems + problems,
        shown,
        outside.unsure or inside.unsure or not _is_measured(jdk),
    )


def is_default(origin: str) -> bool:
    """Tell whether options of this origin are defaults of ours, which give way to the user's."""
    return origin.startswith(("computed", "profile"))


def _settle(
    candidates: tuple[Candidate, ...],
) -> tuple[tuple[Candidate, ...], tuple[OptionNote, ...], tuple[Problem, ...]]:
    notes: tuple[OptionNote, ...] = ()
    problems: tuple[Problem, ...] = ()
    for rule in (
        conflicts.override, conflicts.one_collector, conflicts.one_heap, conflicts.suit_g1,
    ):  # fmt: skip
        outcome = rule(candidates)
        candidates = outcome.kept
        notes += outcome.notes
        problems += outcome.problems
    return candidates, notes, problems + conflicts.heap_problems(candidates)


def _judge_group(origin: str, words: tuple[str, ...], jdk: Jdk) -> _Judged:
    paired = pair(words)
    judged = _Judged(problems=tuple(stray(origin, words, at) for at in paired.stray))
    for option in paired.options:
        candidate = Candidate(option, origin, is_default(origin))
        literal = unexpanded(option)
        if literal and not candidate.default:
            text = f"{show(option).partition('=')[0]} holds {literal}, left as it is: nothing is expanded"
            judged += _Judged(notes=(OptionNote(text, origin),))
        if launch_name(option):
            judged += _Judged(problems=(misplaced(option, origin),))
        elif flags.is_legacy_gc_log(option, jdk.feature):
            judged += _Judged(kept=(candidate,))
        else:
            judged += _judge(candidate, jdk)
    return judged


def _judge(candidate: Candidate, jdk: Jdk) -> _Judged:
    verdict = flags.judge(candidate.text, jdk.feature)
    name, origin = show(candidate.text), candidate.origin
    match verdict:
        case flags.Keep(_, ""):
            return _Judged((candidate,))
        case flags.Keep(_, reason):
            return _Judged((candidate,), (OptionNote(f"{name} kept: {reason}", origin),))
        case flags.Drop(reason):
            return _Judged(notes=(OptionNote(f"{name} dropped: {reason}", origin),))
        case flags.Replace(options, reason):
            instead = " ".join(show(option) for option in options)
            note = OptionNote(f"{name} becomes {instead}: {reason}", origin)
            return _Judged(tuple(replace(candidate, text=text) for text in options), (note,))
        case flags.Refuse(reason, fix, expected):
            return _Judged(problems=(refused(candidate, jdk, reason, fix, expected),))
        case flags.Unknown(reason):
            note = OptionNote(f"{name} is for the JVM to judge, in a dry run: {reason}", origin)
            return _Judged((candidate,), (note,), unsure=True)
        case _:
            return assert_never(verdict)


def _unify_gc_log(candidates: tuple[Candidate, ...], jdk: Jdk) -> _Judged:
    """Put one -Xlog in the place of all the legacy GC logging options."""
    legacy = tuple(c for c in candidates if flags.is_legacy_gc_log(c.text, jdk.feature))
    if not legacy:
        return _Judged(candidates)
    last = legacy[-1]
    origin = ", ".join(dict.fromkeys(candidate.origin for candidate in legacy))
    unified = gclog.unify(tuple(candidate.text for candidate in legacy))
    kept = []
    for candidate in candidates:
        if candidate is last and unified:
            kept.append(Candidate(unified, origin, all(c.default for c in legacy)))
        elif candidate not in legacy:
            kept.append(candidate)
    names = " ".join(show(candidate.text) for candidate in legacy)
    done = f"becomes {unified}" if unified else "dropped"
    return _Judged(
        tuple(kept), (OptionNote(f"{names} {done}: GC logging is -Xlog since 9", origin),)
    )


def _unlocks_first(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    # The JVM wants an unlock option before the first option that it unlocks.
    unlocks = tuple(flags.UNLOCK.values())
    return tuple(sorted(candidates, key=lambda candidate: candidate.text not in unlocks))


def _read_external(jdk: Jdk, external: Mapping[str, str]) -> tuple[tuple[External, ...], _Judged]:
    shown: list[External] = []
    judged = _Judged()
    for variable in EXTERNAL_VARIABLES:
        text = external.get(variable, "")
        if not text.strip():
            continue
        applies = variable != "JDK_JAVA_OPTIONS" or jdk.feature >= 9
        if not applies:
            note = OptionNote(f"JDK {jdk.feature} ignores this variable", variable)
            judged += _Judged(notes=(note,))
        try:
            words = split_as_jvm(text, variable)
        except ProblemsError as error:
            judged += _Judged(problems=error.problems if applies else ())
            continue
        # Only the launcher, which reads JDK_JAVA_OPTIONS, joins an option with its word.
        paired = pair(words) if variable == "JDK_JAVA_OPTIONS" else Words(words)
        shown.append(External(variable, paired.options, applies))
        if applies:
            judged += _judge_external(variable, paired.options, jdk)
            judged += _Judged(unsure=bool(paired.stray))
    return tuple(shown), judged


def _judge_external(variable: str, options: tuple[str, ...], jdk: Jdk) -> _Judged:
    """Judge what we cannot change: an option that ends the JVM is a problem, the rest is noted."""
    judged = _Judged()
    for option in options:
        lenient = "-XX:+IgnoreUnrecognizedVMOptions" in options and option.startswith("-XX:")
        candidate = Candidate(option, variable, external=True)
        verdict = flags.judge(option, jdk.feature)
        match verdict:
            case flags.Refuse(reason, fix, expected):
                judged += _Judged(problems=(refused(candidate, jdk, reason, fix, expected),))
            case flags.Unknown():
                judged += _Judged((candidate,), unsure=True)
            case flags.Replace(texts) if texts[0] in flags.UNLOCK.values():
                judged += _Judged((candidate,), unsure=texts[0] not in options)
            case flags.Drop(reason, "fatal") | flags.Replace(_, reason, "fatal") if not lenient:
                fix = f"take it out of {variable}; JAVA_OPTIONS would be translated"
                judged += _Judged(problems=(refused(candidate, jdk, reason, fix, ""),))
            case flags.Drop(reason, effect) | flags.Keep(effect, reason) if effect != flags.WORKS:
                judged += _Judged(
                    (candidate,), (OptionNote(f"{show(option)} {effect}: {reason}", variable),)
                )
            case _:
                judged += _Judged((candidate,))
    return judged


def _is_measured(jdk: Jdk) -> bool:
    """Tell whether the table was measured on a JVM like this one."""
    update = re.fullmatch(r"8u(\d+)", jdk.version)
    if update and int(update[1]) < _OLDEST_UPDATE_OF_8:
        return False
    return jdk.vm == "HotSpot" and OLDEST_FEATURE <= jdk.feature <= LATEST_MEASURED
