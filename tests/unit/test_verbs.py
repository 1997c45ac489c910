from __future__ import annotations

import argparse

from entrypoint import VERBS, arguments


def test_the_verbs_that_pid_1_knows_are_those_of_the_command_line() -> None:
    """One that is missing would be taken for a profile, and overwrite the termination message."""
    (verbs,) = [
        action.choices
        for action in arguments.build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    assert {*VERBS, "run"} == {*verbs, "help"}
