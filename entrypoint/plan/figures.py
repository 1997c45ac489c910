"""Ports and durations of a plan: reference text, filled, as numbers.

Here: what is no number once it is filled is a problem with its place, since a value may come from any file.
"""

from __future__ import annotations

from entrypoint.errors import Problem, ProblemsError
from entrypoint.values import parse_duration, parse_port

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrypoint.plan.scope import Scope
    from entrypoint.profile.schema import Profile


def ports(profile: Profile, scope: Scope) -> Iterator[tuple[str, int]]:
    """Yield the ports that are known: not what is assigned later, or what only java can resolve.

    Raises ProblemsError for one that is no port.
    """
    for name, text in profile.ports:
        port = "" if scope.pending(text) else scope.text(text)
        if not port or "${" in port:
            continue
        try:
            yield name, parse_port(port)
        except ValueError as error:
            raise ProblemsError(_unfit(f"ports.{name}", str(profile.place), port, error)) from None


def seconds(text: str, scope: Scope, place: str) -> float:
    """Return a duration in seconds; raises ProblemsError where it is none."""
    filled = scope.text(text)
    try:
        return parse_duration(filled)
    except ValueError as error:
        what = "a wait of the stop ladder"
        raise ProblemsError(_unfit(what, place, filled, error)) from None


def _unfit(what: str, place: str, value: str, error: ValueError) -> Problem:
    details = (("where", place), ("value", value[:200]), ("expected", str(error)))
    return Problem("profile-invalid-value", f"{what} has a wrong value", details)
