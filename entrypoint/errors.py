"""Problems that a person can act on, and the exit codes of the whole program.

Here: `Problem` (what, where, value, expected, fix), the exception that carries all of them at once,
their text, and the one table of exit codes. No input or output.
"""

from __future__ import annotations

from entrypoint.records import record

EXIT_OK = 0
EXIT_USAGE = 64
EXIT_DEPENDENCY = 69
EXIT_INTERNAL = 70
EXIT_CANNOT_CREATE = 73
EXIT_CONFIG = 78
EXIT_NOT_EXECUTABLE = 126
EXIT_NOT_FOUND = 127
EXIT_SIGNAL_BASE = 128

EXIT_CODES: tuple[tuple[str, str, str], ...] = (
    (
        "0",
        "ok",
        "a stop was asked for and the application answered 0 or 143; or the program ended well",
    ),
    ("1-255", "application", "the application's own exit code, passed on unchanged"),
    ("64", "usage", "the command line of entrypoint itself is wrong"),
    ("69", "dependency", "a gate did not pass in time: a dependency never came"),
    (
        "70",
        "internal",
        "a bug of entrypoint; or an exit 0 of the application that nobody asked for",
    ),
    (
        "73",
        "cannot-create",
        "a file or folder cannot be written: permissions, read-only, or a full disk",
    ),
    ("78", "configuration", "the configuration has problems; nothing was started"),
    ("126", "not-executable", "the program to start exists and cannot be executed"),
    ("127", "not-found", "the program to start does not exist"),
    ("128+n", "signal", "the application was ended by signal n (137: KILL, 143: TERM)"),
)
"""Code, name, meaning: the source of docs/reference/exit-codes.md."""


@record
class Problem:
    """One thing that is wrong, told so that the reader can mend it.

    `what` is one line without a full stop; `details` are (label, text) pairs such as
    ("where", "otter-manager.yaml:42"), printed in order. Labels: where, looked at, value, expected,
    fix, says. Never put a secret into any of them. `id` is stable, kebab-case, and documented.
    """

    id: str
    what: str
    details: tuple[tuple[str, str], ...] = ()
    exit_code: int = EXIT_CONFIG


class ProblemsError(Exception):
    """Carries every problem that was found, so that all are shown at once."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.what for problem in problems))
        self.problems = problems

    @property
    def exit_code(self) -> int:
        """The code of the first problem: the one whose line is also the termination message."""
        return self.problems[0].exit_code


def format_problem(problem: Problem) -> str:
    """Return the problem as text: a headline with its id, then aligned, labelled lines."""
    headline = f"entrypoint: {problem.what}"
    if len(headline) + len(problem.id) + 4 <= 100:
        lines = [f"{headline:<{98 - len(problem.id)}}[{problem.id}]"]
    else:
        lines = [headline, f"  {'problem':<9} {problem.id}"]
    for label, text in problem.details:
        first, *rest = [part for line in text.splitlines() for part in _folded(line)] or [""]
        lines.append(f"  {label:<9} {first}")
        lines.extend(f"  {'':<9} {line}" for line in rest)
    return "\n".join(lines)


def _folded(line: str) -> list[str]:
    """Return a line in pieces that fit beside a label; a long word stays whole."""
    pieces = [""]
    for word in line.split(" "):
        if pieces[-1] and len(pieces[-1]) + 1 + len(word) > 88:
            pieces.append(word)
        else:
            pieces[-1] = f"{pieces[-1]} {word}" if pieces[-1] else word
    return pieces


def format_problems(problems: tuple[Problem, ...]) -> str:
    """Return all problems as text, the count first when there is more than one."""
    parts = [format_problem(problem) for problem in problems]
    if len(parts) > 1:
        where = " in the configuration" if problems[0].exit_code == EXIT_CONFIG else ""
        parts.insert(0, f"entrypoint: {len(parts)} problems{where}, nothing was started")
    return "\n".join(parts) + "\n"
