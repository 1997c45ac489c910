"""Options that one setting each switches on: debugger, JMX, GC log, and where evidence of a death goes.

Here: from settings to groups of options, with what is to be said about them. The options' text is `jvm/`.
"""

from __future__ import annotations

from entrypoint.errors import Problem, ProblemsError
from entrypoint.jvm import access, evidence
from entrypoint.plan.model import Diagnosis, Note
from entrypoint.records import record
from entrypoint.values import format_size, parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from entrypoint.jvm.access import Access
    from entrypoint.jvm.release import Jdk
    from entrypoint.plan.scope import Scope
    from entrypoint.settings.model import Facts, Setting

    T = TypeVar("T")

FOLDER_SETTING = "diagnosis.dir"
BUDGET_SETTING = "diagnosis.max-size"
_DEBUG, _JMX, _GC_LOG = "java.debug", "java.jmx", "java.gc-log"
_IN_MEMORY = 16 << 20
"""What evidence may take of a folder in memory, which counts as memory of the container."""


@record
class Switches:
    """Groups of options that give way to the profile's, and groups that win over them."""

    weak: tuple[tuple[str, tuple[str, ...]], ...]
    strong: tuple[tuple[str, tuple[str, ...]], ...]
    diagnosis: Diagnosis
    jmx: Access | None
    ports: tuple[tuple[str, int], ...]
    notes: tuple[Note, ...]


def build(jdk: Jdk, scope: Scope, facts: Facts, user: Iterable[str]) -> Switches:
    """Return what the switches add; `user` are all options that the user gave.

    Raises ProblemsError for settings that say nothing we know, for a folder that the user named and java
    could not write to, and for a JMX port that is open to every network without a word about passwords.
    """
    problems: list[Problem] = []
    debug = _read(scope, _DEBUG, access.parse_debug, problems)
    jmx = _read(scope, _JMX, access.parse_jmx, problems)
    open_questions = access.undecided(user) if jmx and jmx.everywhere else ()
    if open_questions:
        problems.append(_open_jmx(scope, open_questions))
    diagnosis, notes = _diagnosis(scope, facts, problems)
    if problems:
        raise ProblemsError(*problems)
    weak = [_group(FOLDER_SETTING, evidence.options(diagnosis.folder, diagnosis.heap_dumps))]
    strong, ports = [], []
    if debug:
        strong.append(_group(_DEBUG, access.debug_options(debug, jdk.feature)))
        notes += [Note(text, _place(scope, _DEBUG)) for text in access.debug_notes(debug)]
        ports.append((_DEBUG, debug.port))
    if jmx:
        strong.append(_group(_JMX, access.jmx_options(jmx)))
        notes += [Note(text, _place(scope, _JMX)) for text in access.jmx_notes(jmx)]
        ports.append((_JMX, jmx.port))
        if not jmx.everywhere:
            weak.append(_group(_JMX, (f"{access.RMI_HOST}127.0.0.1",)))
    gc_log = scope.text(f"{{{_GC_LOG}}}")
    size = "10m" if diagnosis.heap_dumps else "1m"
    strong.append(
        _group(_GC_LOG, evidence.gc_log_options(gc_log, diagnosis.folder, jdk.feature, size))
    )
    return Switches(tuple(weak), tuple(strong), diagnosis, jmx, tuple(ports), tuple(notes))


def jmx_elsewhere(jmx: Access | None, argv: tuple[str, ...]) -> tuple[Note, ...]:
    """Return a note when JMX is on loopback, but sends its clients to another address (`argv` tells)."""
    hosts = [word.partition("=")[2] for word in argv if word.startswith(access.RMI_HOST)]
    if jmx is None or jmx.everywhere or not hosts or hosts[-1] in {"127.0.0.1", "localhost"}:
        return ()
    text = (
        f"JMX sends its clients to {hosts[-1]} (java.rmi.server.hostname), where nothing listens:"
        f" only JAVA_JMX=*:{jmx.port} can be reached there"
    )
    return (Note(text, _JMX),)


def is_asked(setting: Setting) -> bool:
    """Tell whether a setting has a value that is not the profile's default."""
    return setting.origin is not None and setting.origin.kind != "profile"


def _group(setting: str, words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    # "computed" makes them defaults: the user's own options win over them.
    return f"computed ({setting})", words


def _read(
    scope: Scope, setting: str, parse: Callable[[str], T | None], problems: list[Problem]
) -> T | None:
    text = scope.text(f"{{{setting}}}")
    try:
        return parse(text)
    except ValueError as error:
        details = (
            ("where", _place(scope, setting)),
            ("value", text[:80]),
            ("expected", str(error)),
        )
        what = f'setting "{setting}" has a value that does not fit'
        problems.append(Problem("setting-invalid", what, details))
        return None


def _diagnosis(scope: Scope, facts: Facts, problems: list[Problem]) -> tuple[Diagnosis, list[Note]]:
    """Return the folder of evidence: the one that is set, or one in the run folder where it cannot be had.

    In memory, a heap dump would take what is left of the container's limit: none is made there, unless
    the user named the folder.
    """
    folder, budget = scope.text(f"{{{FOLDER_SETTING}}}"), _budget(scope)
    setting = scope.settings.get(FOLDER_SETTING)
    asked = setting is not None and is_asked(setting)
    if asked and facts.diagnosis_problem:
        problems.append(_unwritable(scope, folder, facts.diagnosis_problem))
    if not folder:  # a profile may take the default away
        return Diagnosis(f"{scope.text('{run}')}/diagnosis", _IN_MEMORY, heap_dumps=False), []
    usable = asked or not facts.diagnosis_problem
    if usable and (asked or not facts.diagnosis_in_memory):
        return Diagnosis(folder, budget), []
    reason = facts.diagnosis_problem or "it is in memory"
    where = folder if usable else f"{scope.text('{run}')}/diagnosis"
    most = min(budget, _IN_MEMORY)
    text = (
        f"no heap dumps, and crash logs only in {where}, at most {format_size(most)}: {folder} is no"
        f" volume ({reason}); mount one there, or set ENTRYPOINT_DIAGNOSIS_DIR"
    )
    return Diagnosis(where, most, heap_dumps=False), [Note(text, FOLDER_SETTING)]


def _budget(scope: Scope) -> int:
    text = scope.text(f"{{{BUDGET_SETTING}}}")
    return parse_size(text) if text else _IN_MEMORY


def _place(scope: Scope, name: str) -> str:
    setting = scope.settings.get(name)
    return setting.origin.place if setting is not None and setting.origin is not None else name


def _unwritable(scope: Scope, folder: str, reason: str) -> Problem:
    details = (
        ("where", _place(scope, FOLDER_SETTING)),
        ("value", folder),
        ("says", reason),
        ("fix", "mount a volume there that java's user can write to, or name another folder"),
    )
    return Problem(
        "diagnosis-unwritable", "no evidence could be written to the folder for it", details
    )


def _open_jmx(scope: Scope, undecided: tuple[str, ...]) -> Problem:
    prefix = "-Dcom.sun.management.jmxremote"
    fix = (
        f"keep it on loopback (JAVA_JMX={access.JMX_PORT}) and use kubectl port-forward; or give\n"
        f"{prefix}.password.file=… and a key store; or say =false where the network is trusted"
    )
    details = (
        ("where", _place(scope, _JMX)),
        ("expected", "in JAVA_OPTIONS: " + ", ".join(f"{prefix}.{name}=…" for name in undecided)),
        ("fix", fix),
    )
    what = "JMX would be open to every network, and nothing says who may use it"
    return Problem("jmx-open", what, details)
