from __future__ import annotations

import argparse

import pytest

from entrypoint import VERBS, arguments
from entrypoint.errors import EXIT_USAGE, ProblemsError, format_problem


def test_the_verbs_that_pid_1_knows_are_those_of_the_command_line() -> None:
    """One that is missing would be taken for a profile, and overwrite the termination message."""
    (verbs,) = [
        action.choices
        for action in arguments.build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    assert {*VERBS, "run"} == {*verbs, "help"}


def test_every_verb_is_explained_on_its_own_line() -> None:
    text = arguments.build_parser().format_help()
    for verb in {*VERBS, "run"} - {"help"}:
        assert any(line.split()[:1] == [verb] and line.split()[1:] for line in text.splitlines())


@pytest.mark.parametrize(
    ("argv", "what", "fix"),
    [
        (["plan", "jvm", "--foo"], "plan does not take --foo", "entrypoint plan --help"),
        (["explain", "a", "b", "c"], "explain does not take b c", "entrypoint explain --help"),
        (["run", "jvm", "--port=1"], "run does not take --port=1", "behind --"),
    ],
)
def test_an_argument_too_many_is_told_by_its_verb(argv: list[str], what: str, fix: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        arguments.parse(argv)
    assert caught.value.exit_code == EXIT_USAGE
    (problem,) = caught.value.problems
    assert problem.what == what
    assert fix in format_problem(problem)
