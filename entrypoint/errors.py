"""Problems that a person can act on, and the exit codes of the whole program.

Here: `Problem` (what, where, value, expected, fix), the exception that carries all of them at once,
their text, and the one table of exit codes. No input or output.
"""

from __future__ import annotations

from entrypoint.records import record, replace

EXIT_OK = 0
EXIT_USAGE = 64
EXIT_DEPENDENCY = 69
EXIT_INTERNAL = 70
EXIT_CANNOT_CREATE = 73
EXIT_CONFIG = 78
EXIT_NOT_EXECUTABLE = 126
EXIT_NOT_FOUND = 127
EXIT_SIGNAL_BASE = 128

MAX_SHOWN = 100
"""Problems that are printed: a wrong file can have one on each of a million lines."""

MAX_WHAT = 500
"""Characters of the line that says what is wrong."""

DENIED = "permission denied"
"""What the system says of a file that is there and is not for us to read."""

LET_READ = "let the pod's user read it: defaultMode and fsGroup of the volume, or runAsUser"
"""What to do about that."""

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
        "a bug of entrypoint, or the system refused it something; or an exit 0 that nobody asked for",
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
        # `what` goes into logs and the termination message as it is: on one line, and no longer than one.
        self.problems = tuple(
            problem
            if problem.what.isprintable() and len(problem.what) <= MAX_WHAT
            else replace(problem, what=printable(problem.what[:MAX_WHAT]))
            for problem in problems
        )
        super().__init__("; ".join(problem.what for problem in self.problems[:MAX_SHOWN]))

    @property
    def exit_code(self) -> int:
        """The code of the first problem: the one whose line is also the termination message."""
        return self.problems[0].exit_code


def refusal(error: BaseException) -> str:
    """Return what the system refused us, in its words; "" where the error is of another kind.

    Without what else the error says: that may hold a value.
    """
    if isinstance(error, MemoryError):
        return "cannot allocate memory"
    if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
        return "no thread to be had (a pids limit)"
    return (error.strerror or "").lower() if isinstance(error, OSError) else ""


def cause(error: BaseException) -> str:
    """Return in a few words why we cannot go on: the system refused something, or a bug of ours."""
    refused = refusal(error)
    return f"cannot go on: {refused}" if refused else f"a bug of entrypoint: {type(error).__name__}"


def format_problem(problem: Problem) -> str:
    """Return the problem as text: a headline with its id, then aligned, labelled lines."""
    headline = f"entrypoint: {printable(problem.what)}"
    if len(headline) + len(problem.id) + 4 <= 100:
        lines = [f"{headline:<{98 - len(problem.id)}}[{problem.id}]"]
    else:
        lines = [headline, f"  {'problem':<9} {problem.id}"]
    return "\n".join((*lines, *_labelled(problem.details)))


def format_details(problems: tuple[Problem, ...]) -> str:
    """Return what belongs below a line that already says what the first problem is: all the rest."""
    first, *others = problems[:MAX_SHOWN]
    name = f"{first.id} (the first of {len(problems)})" if others else first.id
    lines = _labelled((("problem", name), *first.details))
    return "\n".join((*lines, *map(format_problem, others))) + "\n"


def _labelled(details: tuple[tuple[str, str], ...]) -> list[str]:
    lines = []
    for label, text in details:
        lines_of = map(printable, text.splitlines())
        first, *rest = [part for line in lines_of for part in _folded(line)] or [""]
        lines.append(f"  {label:<9} {first}")
        lines.extend(f"  {'':<9} {line}" for line in rest)
    return lines


def printable(line: str) -> str:
    """Return a line with what drives a terminal, or is no text, as an escape: inputs stand in messages."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


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
    """Return the first hundred problems as text, the count of all first when there is more than one."""
    parts = [format_problem(problem) for problem in problems[:MAX_SHOWN]]
    if len(problems) > MAX_SHOWN:
        parts.append(f"entrypoint: and {len(problems) - MAX_SHOWN} more, which are not shown")
    if len(parts) > 1:
        where = " in the configuration" if problems[0].exit_code == EXIT_CONFIG else ""
        parts.insert(0, f"entrypoint: {len(problems)} problems{where}, nothing was started")
    return "\n".join(parts) + "\n"
