"""What one run of a container tells the next one: a few lines in a file that outlives it.

Here: the record, its text, and its short words. No input or output: where the file is, and writing
it, is for the engine. The file may be somebody else's or broken: then there was no run before.
"""

from __future__ import annotations

from entrypoint.records import record
from entrypoint.values import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from entrypoint.lifecycle.changes import Watched
    from entrypoint.lifecycle.report import Outcome

FILE: Final = "last-run"
"""Its name in the run directory: an emptyDir there outlives the container, not the pod."""
LIMIT: Final = 4096
"""Bytes of the file that count."""


@record
class Run:
    """One run of this container: `number` counts from 1, times are Unix seconds.

    `ended` and `code` are None while it runs, and for ever when it was killed together with us.
    `how` is a short word for a cause that the code hides: oom-killed, killed; or empty.
    """

    number: int
    began: float
    ended: float | None = None
    code: int | None = None
    how: str = ""
    summary: str = ""


@record
class Background:
    """What the helper tells beside the launch: the plan as text, this run, and the one before it.

    `watched` are the files to look at again; None where nobody wants to hear of changes.
    """

    plan: str
    run: Run
    previous: Run | None = None
    watched: Watched | None = None


def format_run(run: Run) -> bytes:
    """Return the text of the file."""
    pairs: tuple[tuple[str, object], ...] = (
        ("number", run.number),
        ("began", run.began),
        ("ended", run.ended),
        ("code", run.code),
        ("how", run.how),
        ("summary", one_line(run.summary, 1000)),
    )
    lines = (f"{name}={value}\n" for name, value in pairs if value not in (None, ""))
    return "".join(lines).encode("utf-8", "replace")[:LIMIT]


def parse_run(content: bytes) -> Run | None:
    """Return the run that a file tells of; None for anything that is not such a file."""
    text = content[:LIMIT].decode("utf-8", "replace")
    found = dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)
    number = _whole(found.get("number", ""), 10**9)
    began = _time(found.get("began", ""))
    if not number or began is None:
        return None
    return Run(
        number,
        began,
        _time(found.get("ended", "")),
        _whole(found.get("code", ""), 255),
        one_line(found.get("how", ""), 40),
        one_line(found.get("summary", ""), 1000),
    )


def how(outcome: Outcome | None) -> str:
    """Return the short word for how java ended, where the exit code alone does not tell it."""
    if outcome is None:
        return ""
    if outcome.oom_killed:
        return "oom-killed"
    return "killed after the grace period" if outcome.killed else ""


def _whole(text: str, limit: int) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        return None
    return int(text) if int(text) <= limit else None


def _time(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < 1e11 else None
