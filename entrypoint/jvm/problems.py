"""What is wrong with an option, told to a person.

Here: the problems that concern one option. Those between options are in `conflicts.py`. A word that
may be part of a secret is never shown, only its position.
"""

from __future__ import annotations

from entrypoint.errors import Problem
from entrypoint.jvm.options import LAUNCH_OPTIONS, launch_name, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.jvm.conflicts import Candidate
    from entrypoint.jvm.release import Jdk

_STRAY_FIX = (
    "quote a value that holds blanks; a main class belongs into the profile (java.main),\n"
    "arguments of the application behind --"
)


def refused(candidate: Candidate, jdk: Jdk, reason: str, fix: str, expected: str) -> Problem:
    """Return the problem of an option that this JDK does not take."""
    details = [("where", candidate.origin), ("value", show(candidate.text))]
    details += [("expected", expected)] if expected else []
    details += [("fix", fix or f"correct it in {candidate.origin}, or remove it")]
    what = f"JDK {jdk.version} cannot take {show(candidate.text).partition('=')[0]}: {reason}"
    return Problem("jvm-option-refused", what, tuple(details))


def misplaced(option: str, origin: str) -> Problem:
    """Return the problem of an option that decides what is started, with what to do instead."""
    name = launch_name(option)
    return Problem(
        "jvm-option-misplaced",
        f"{name} has no place in {origin}",
        (("where", origin), ("fix", LAUNCH_OPTIONS[name])),
    )


def stray(origin: str, words: tuple[str, ...], at: int) -> Problem:
    """Return the problem of a word that is no option, at a position counted from 1."""
    before = f", after {show(words[at - 2]).partition('=')[0]}" if at > 1 else ""
    before = "" if before.endswith("…") else before
    return Problem(
        "jvm-option-stray",
        f"{origin} holds a word that is no option",
        (
            ("where", f"word {at} of {origin}{before} (not shown: it may be part of a secret)"),
            ("expected", "options, which begin with -"),
            ("fix", _STRAY_FIX),
        ),
    )
