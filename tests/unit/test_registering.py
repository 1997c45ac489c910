"""What PID 1 hears of a registration while it is under way."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from entrypoint.errors import Problem, ProblemsError
from entrypoint.integrations.protocol import Progress, gave_up, load
from entrypoint.lifecycle.events import Registered
from entrypoint.lifecycle.health import GateStatus
from entrypoint.plan.model import Launch, Registration
from entrypoint.profile.schema import INTEGRATIONS
from entrypoint.registering import register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.integrations.protocol import Integration, Tell

ASKED = Registration("fake", "http://manager:8080", (), ("nid",), ("nid",))
GIVEN = Registered((("nid", "7"),), "the list", (("nid", "7"),))
LAUNCH = Launch("app", "0", "/bin/java", ("java",), "/", (), registration=ASKED)


class Fake:
    """An integration that tells what it was made to tell."""

    def __init__(self, told: Sequence[Progress], problem: Problem | None = None) -> None:
        self.told, self.problem = told, problem

    def register(self, asked: Registration, tell: Tell) -> Registered:
        assert asked is ASKED
        for one in self.told:
            tell(one)
        if self.problem is not None:
            raise ProblemsError(self.problem)
        return GIVEN

    def leave(self, asked: Registration) -> str:
        raise AssertionError(asked)

    def resume(self, asked: Registration) -> str:
        raise AssertionError(asked)


def statuses(fake: Integration) -> list[GateStatus]:
    found: list[GateStatus] = []
    assert register(LAUNCH, found.append, lambda _: fake) == GIVEN
    return found


def test_the_beginning_and_the_end_are_told() -> None:
    first, last = statuses(Fake([]))
    assert (first.name, first.status, first.registers) == ("registration", "waiting", True)
    assert (last.status, last.target, last.attempts) == ("passed", "http://manager:8080", 1)
    assert last.seconds > 0


def test_the_end_counts_the_attempts_before_it() -> None:
    *_, last = statuses(Fake([Progress(1, 0.5, "refused"), Progress(2, 1.5, "refused")]))
    assert (last.status, last.attempts) == ("passed", 3)


def test_news_are_told_at_once_and_the_same_again_now_and_then() -> None:
    told = [Progress(n, n * 0.5, "refused" if n < 140 else "answers 500") for n in range(1, 150)]
    found = statuses(Fake(told))[1:-1]
    assert [(one.seconds, one.detail) for one in found] == [
        (0.5, "refused"), (1.0, "refused"), (5.0, "refused"), (15.0, "refused"), (30.0, "refused"),
        (60.0, "refused"), (70.0, "answers 500"),
    ]  # fmt: skip


def test_a_failure_passes_through() -> None:
    problem = gave_up(ASKED, Progress(3, 60.0, "refused"))
    assert problem.exit_code == 69 and "refused" in problem.what
    with pytest.raises(ProblemsError) as found:
        register(LAUNCH, lambda _: None, lambda _: Fake([], problem))
    assert found.value.problems == (problem,)


def test_the_integrations_of_the_grammar_are_there() -> None:
    for name in INTEGRATIONS:
        assert callable(load(name).register)
