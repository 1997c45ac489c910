from __future__ import annotations

from entrypoint.errors import (
    EXIT_CODES,
    EXIT_CONFIG,
    EXIT_DEPENDENCY,
    Problem,
    ProblemsError,
    cause,
    format_details,
    format_problem,
    format_problems,
)

MISSING = Problem(
    "setting-missing",
    'cannot resolve setting "database.url": no value',
    (("where", "otter-manager.yaml:42"), ("fix", "set OTTER_DATABASE_URL\nor mount it")),
)


def test_a_problem_reads_as_the_design_says() -> None:
    head, where, fix, more = format_problem(MISSING).splitlines()
    assert head.startswith('entrypoint: cannot resolve setting "database.url": no value ')
    assert head.endswith("[setting-missing]")
    assert len(head) == 100
    assert where == "  where     otter-manager.yaml:42"
    assert fix == "  fix       set OTTER_DATABASE_URL"
    assert more == "            or mount it"


def test_long_text_is_folded_and_the_id_gets_its_own_line() -> None:
    text = format_problem(Problem("long-one", "word " * 30, (("says", "word " * 60),)))
    assert "\n  problem   long-one\n" in text
    assert all(len(line) <= 100 for line in text.splitlines()[1:])


def test_the_count_comes_first_when_there_are_several() -> None:
    several = format_problems((MISSING, MISSING))
    assert several.startswith("entrypoint: 2 problems in the configuration, nothing was started\n")
    gate = Problem("gate-timeout", "db did not come", exit_code=EXIT_DEPENDENCY)
    assert format_problems((gate, gate)).startswith("entrypoint: 2 problems, nothing was started\n")
    assert not format_problems((MISSING,)).startswith("entrypoint: 1")


def test_below_the_first_problems_own_line_stands_all_the_rest() -> None:
    assert format_details((MISSING,)).splitlines() == [
        "  problem   setting-missing",
        *format_problem(MISSING).splitlines()[1:],
    ]
    gate = Problem("gate-timeout", "db did not come", (("says", "refused"),))
    first, *_, second, says = format_details((MISSING, gate)).splitlines()
    assert first == "  problem   setting-missing (the first of 2)"
    assert [second, says] == format_problem(gate).splitlines()
    assert "(the first of 300)" in format_details((gate,) * 300)


def test_the_first_problem_gives_the_exit_code() -> None:
    gate = Problem("gate-timeout", "x", exit_code=EXIT_DEPENDENCY)
    assert ProblemsError(gate, MISSING).exit_code == EXIT_DEPENDENCY
    assert ProblemsError(MISSING).exit_code == EXIT_CONFIG


def test_exit_codes_are_told_once_each() -> None:
    codes = [code for code, _, _ in EXIT_CODES]
    assert len(codes) == len(set(codes))
    assert {"0", "64", "69", "70", "73", "78", "126", "127", "128+n"} <= set(codes)


def test_what_the_system_refuses_is_no_bug_of_ours_and_no_value_is_told() -> None:
    assert (
        cause(OSError(24, "Too many open files", "/secret")) == "cannot go on: too many open files"
    )
    assert cause(MemoryError()) == "cannot go on: cannot allocate memory"
    assert "pids limit" in cause(RuntimeError("can't start new thread"))
    assert cause(RuntimeError("secret")) == "a bug of entrypoint: RuntimeError"
    assert cause(OSError("secret")) == "a bug of entrypoint: OSError"


def test_what_a_problem_says_cannot_drive_a_terminal_or_forge_a_line() -> None:
    said = "a\x1b]0;x\x07\nentrypoint: all is well\u202e"
    error = ProblemsError(Problem("x", said, (("value", "\x1b[31m\udcff"), ("fix", "a\nb\x00"))))
    assert error.problems[0].what == r"a\x1b]0;x\x07\nentrypoint: all is well\u202e"
    text = format_problems(error.problems)
    assert all(line.isprintable() for line in text.splitlines())
    assert r"\x1b[31m\udcff" in text
    assert len(ProblemsError(Problem("x", "y" * 5000)).problems[0].what) == 500
