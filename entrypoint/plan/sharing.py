"""Class-data sharing: whether java starts from an archive of classes, or makes one when it ends, and why not.

Here: from settings and facts to options and notes. What a JDK can do is `jvm/sharing.py`.
"""

from __future__ import annotations

import os.path

from entrypoint.errors import Problem, ProblemsError
from entrypoint.jvm import sharing as jvm
from entrypoint.plan.model import CommandPart, Note, Sharing
from entrypoint.plan.scope import SecretInTextError
from entrypoint.records import record
from entrypoint.values import format_duration, format_size, parse_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from entrypoint.jvm.release import Jdk
    from entrypoint.plan.scope import Scope
    from entrypoint.profile.schema import Profile
    from entrypoint.settings.model import Facts

SETTING: Final = "java.sharing"
FOLDER_SETTING: Final = "java.sharing-dir"
_MODES: Final = ("use", "auto", "train")
BUDGET: Final = 512 << 20
_LEAST_STOP: Final = {jvm.ARCHIVE: 10.0, jvm.CACHE: 15.0}
"""Seconds after TERM: Kafka's archive takes 2.5 s, its AOT cache 5 s, on two busy CPUs."""


@record
class Wanted:
    """What is to be looked at on the disk before anything can be decided."""

    folder: str
    class_path: tuple[str, ...]
    """The class path as java gets it; the jar alone where a jar is run."""
    soon: frozenset[str]
    """Folders that hold files once ours are written."""
    makes: bool


@record
class Shared:
    """Options that are added to the command line, and what is to be said about them."""

    options: tuple[str, ...] = ()
    sharing: Sharing = Sharing()
    notes: tuple[Note, ...] = ()
    stop_when_ready: bool = False


@record
class Line:
    """The command line as far as it matters here: all options whatever their source, and the heap."""

    options: tuple[str, ...]
    heap: int | None


def wanted(profile: Profile, scope: Scope) -> Wanted | None:
    """Return what is to be looked at; None where nothing will be shared."""
    mode, folder = scope.text(f"{{{SETTING}}}"), scope.text(f"{{{FOLDER_SETTING}}}")
    java = profile.java
    if mode not in _MODES or not folder or java is None:
        return None
    try:
        jar = scope.text(java.jar)
        entries = (jar,) if jar else tuple(map(scope.text, java.classpath))
        soon = frozenset(os.path.dirname(scope.text(file.target)) for file in profile.files)
    except SecretInTextError:
        return None
    joined = (part for entry in entries for part in entry.split(":"))
    return Wanted(folder, tuple(filter(None, joined)), soon, mode != "use")


def decide(profile: Profile, jdk: Jdk, scope: Scope, facts: Facts, line: Line) -> Shared:
    """Return what is added to a command line for class-data sharing.

    Raises ProblemsError where an archive was asked for (`train`) and cannot be made.
    """
    mode = scope.text(f"{{{SETTING}}}")
    folder = scope.text(f"{{{FOLDER_SETTING}}}")
    if mode not in _MODES or not folder or not facts.class_path:
        return Shared()
    against = _against(jdk, facts, line.options)
    if against:
        return _cannot(mode, against, folder)
    names = {
        kind: jvm.archive_name(jdk, kind, facts.class_path, line.options, line.heap)
        for kind in jvm.kinds(jdk)
    }
    sizes = dict(facts.archives)
    found = next((kind for kind, name in names.items() if name in sizes), "")
    kind = _kind_to_make(jdk, facts, line.options, mode)
    obstacle = _cannot_make(profile, scope, facts, kind) if mode != "use" else ""
    if mode == "train":
        if not obstacle and not any("startup" in check.roles for check in profile.checks):
            obstacle = "no check tells when it is ready (checks with for: [startup])"
        if obstacle:
            raise ProblemsError(_no_training(obstacle, folder))
    elif found:
        file = f"{folder}/{names[found]}"
        text = f"java starts from the classes in {file} ({format_size(sizes[names[found]])})"
        return Shared(jvm.use(found, file), Sharing(file), (Note(text, SETTING),))
    elif mode == "use":
        return _no_archive(folder, len(sizes))
    elif obstacle:
        return _cannot(mode, obstacle, folder)
    file = f"{folder}/{names[kind]}"
    text = f"java's classes will be kept in {file} when it ends, which then takes seconds more"
    options = jvm.make(kind, file)
    making = Sharing(file, making=True, budget=BUDGET)
    return Shared(options, making, (Note(text, SETTING),), mode == "train")


def named_jars(
    program: tuple[str, ...], shown: tuple[CommandPart, ...], facts: Facts
) -> tuple[tuple[str, ...], tuple[CommandPart, ...]]:
    """Return the end of a command line, and what a plan shows of it, with each jar named."""
    if program[0] != "-cp":
        return program, shown
    (class_path, *words), origin = shown[0].words, shown[0].origin
    first = CommandPart((f"{class_path} (each jar, by name)", *words), origin)
    return ("-cp", ":".join(facts.class_path_jars), *program[2:]), (first, *shown[1:])


def _against(jdk: Jdk, facts: Facts, options: Iterable[str]) -> str:
    """Return why this java shares no classes at all; "" where it can."""
    options = tuple(options)
    if own := jvm.own_option(options):
        return f"{own.partition('=')[0]} is given, which decides"
    if not jvm.kinds(jdk):
        return f"JDK {jdk.version} has no archives of an application's classes" + (
            "; 13 and later do" if jdk.vm == "HotSpot" else f" that we know ({jdk.vm})"
        )
    if facts.class_path_folder:
        return f"the class path has a folder with files, {facts.class_path_folder}: only jars do"
    if option := jvm.obstacle(options):
        return f"with {option} the JVM shares no classes"
    return ""


def _kind_to_make(jdk: Jdk, facts: Facts, options: Iterable[str], mode: str) -> str:
    """Return what to make: not the AOT cache where the second JVM that it takes may not fit into memory."""
    kinds = jvm.kinds(jdk)
    tight = mode == "auto" and facts.memory_limit is not None
    return kinds[-1] if tight or not jvm.can_make_cache(options) else kinds[0]


def _cannot_make(profile: Profile, scope: Scope, facts: Facts, kind: str) -> str:
    """Return why no archive is made; "" where nothing is against it."""
    if facts.sharing_problem:
        return facts.sharing_problem
    if facts.sharing_in_memory:
        return "its folder is in memory"
    rungs = (step for step in profile.stop if step.action not in {"drain", "thread-dump"})
    first = next(rungs, None)
    wait = parse_duration(scope.text(first.wait)) if first is not None else 0.0
    if wait < _LEAST_STOP[kind]:
        least = format_duration(_LEAST_STOP[kind])
        return (
            f"java has {format_duration(wait)} to stop (ENTRYPOINT_STOP_TIMEOUT), less than {least}"
        )
    return ""


def _cannot(mode: str, reason: str, folder: str) -> Shared:
    """Say why, to whoever asked for it; `use` is the default, and says nothing."""
    if mode == "train":
        raise ProblemsError(_no_training(reason, folder))
    if mode != "auto":
        return Shared()
    return Shared(notes=(Note(f"no classes are shared: {reason}", SETTING),))


def _no_archive(folder: str, others: int) -> Shared:
    if not others:
        return Shared()
    text = (
        f"java starts without shared classes: no archive in {folder} ({others} there) belongs to this JDK,"
        " class path and options"
    )
    return Shared(notes=(Note(text, SETTING),))


def _no_training(reason: str, folder: str) -> Problem:
    details = (
        ("where", "ENTRYPOINT_SHARING=train"),
        ("value", folder),
        ("says", reason),
        ("fix", "change that, or set ENTRYPOINT_SHARING=off: java starts without an archive too"),
    )
    return Problem("sharing-impossible", "no archive of classes can be made", details)
