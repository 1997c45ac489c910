"""What an integration can do for an instance, and finding one by its name.

Here: the Protocol, what passes through it, and the loader. Nothing here knows an application's name: a
profile says `with: otter`, and the module `integrations.otter` answers.
"""

from __future__ import annotations

import importlib

from entrypoint.errors import EXIT_DEPENDENCY, Problem
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeAlias, cast

    from entrypoint.lifecycle.events import Registered
    from entrypoint.plan.model import Registration

    Tell: TypeAlias = Callable[["Progress"], None]

    class Integration(Protocol):
        """What a module of this package offers."""

        def register(self, asked: Registration, tell: Tell) -> Registered:
            """Register this instance; raises ProblemsError. Safe to run again after any interruption."""

        def leave(self, asked: Registration) -> str:
            """Do what is to be done before this instance stops, and say what, in a few words."""

        def resume(self, asked: Registration) -> str:
            """Start what ran before this instance stopped, and say what, in a few words."""


@record
class Progress:
    """Where a registration stands: how often it was tried, and why it has to be tried again."""

    attempts: int
    seconds: float
    detail: str


class TryAgainError(Exception):
    """It did not work out, and may later: `problem` is what to say when the time is over.

    `attempts` limits how often in a row it is tried: what is not going to change is not waited for.
    """

    def __init__(self, detail: str, problem: Problem | None = None, attempts: int = 0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.problem = problem
        self.attempts = attempts


def load(name: str) -> Integration:
    """Return the integration of that name; the profile's grammar knows which there are."""
    module: object = importlib.import_module(f"entrypoint.integrations.{name}")
    if TYPE_CHECKING:
        return cast("Integration", module)
    return module


def gave_up(asked: Registration, progress: Progress) -> Problem:
    """Return the problem of a registration that did not come about in time."""
    attempts = f"{progress.attempts} attempt{'s' if progress.attempts != 1 else ''}"
    return Problem(
        "registration-timeout",
        f"could not register at {asked.target}: {progress.detail}",
        (
            ("where", f"registration with {asked.integration}, {asked.target}"),
            ("says", f"{progress.detail} (last of {attempts})"),
            ("expected", "the registration within at-most, by default ENTRYPOINT_GATE_TIMEOUT"),
            ("fix", "see what it says, and whether the address is right and reachable from here"),
        ),
        EXIT_DEPENDENCY,
    )
