"""The files that a plan was made of, looked at again; and the question whether they still make a plan.

Here: looks that cost a stat for each file, and reading only where the stat says so; and a short-lived
process that prepares a plan and ends. What a change is and what follows from it is for others.
"""

from __future__ import annotations

import os
import time

from entrypoint.lifecycle.changes import ABSENT, Content, content_of
from entrypoint.records import record
from entrypoint.system import companion, inputs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final, TypeAlias

    from entrypoint.system.expected import Expect

    Stamp: TypeAlias = tuple[int, int, int, int, int]

SETTLED_NS: Final = 2_000_000_000
"""A file that was changed less than this ago is read again: the kernel's clock of files ticks in
milliseconds, so that a second change in the same tick leaves the stat as it was."""
PROBLEMS: Final = 3
_PROGRAM: Final = (
    f"import sys; sys.path.append({companion.PACKAGES!r});"
    "from entrypoint.__main__ import main; main()"
)


class Looks:
    """Looks at paths again and again; a file whose stat is the same as at the last look is not read."""

    def __init__(self, paths: Iterable[str], patterns: Iterable[str] = ()) -> None:
        self._paths = tuple(paths)
        self._patterns = tuple(patterns)
        self._known: dict[str, tuple[Stamp, Content]] = {}

    def look(self) -> dict[str, Content]:
        """Return what each path holds now, those that patterns stand for too; never raises OSError.

        A path of a volume that hangs keeps the caller.
        """
        seen = {path: self._content(path) for path in self._paths}
        for pattern in self._patterns:
            try:
                more = inputs.expand(pattern)
            except (OSError, ValueError) as error:
                seen[pattern] = Content(problem=inputs.in_words(error))
                continue
            seen.update({path: self._content(path) for path in more if path not in seen})
        return seen

    def _content(self, path: str) -> Content:
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return ABSENT
        except (OSError, ValueError) as error:
            return Content(problem=inputs.in_words(error))
        stamp = (
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )
        stamp_before, content = self._known.get(path, (None, ABSENT))
        if stamp == stamp_before:
            return content
        found = inputs.read_bytes(path)
        content = ABSENT
        if found is not None:
            content = content_of(*found)
            inputs.wipe(found[0])
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED_NS:
            self._known[path] = (stamp, content)
        return content


@record
class Trial:
    """How the making of a plan went: its exit code, None where it did not come to an end, and its words."""

    code: int | None
    says: str = ""


def try_plan(
    words: Iterable[str],
    seconds: float,
    mask: set[int],
    expect: Expect,
) -> Trial:
    """Make a plan in a process of its own, as `entrypoint plan` with these words does; throw it away."""
    task = companion.Task(("-c", _PROGRAM, "plan", *words), hears=2)
    heard = companion.run(task, seconds, mask, expect)
    if heard.late or heard.problem:
        return Trial(None, heard.problem or f"no answer in {seconds:g}s")
    return Trial(heard.code, _summary(heard.said))


def _summary(said: bytes) -> str:
    """Return the first lines of the problems that were told, without the details and the count."""
    lines = said.decode(errors="replace").splitlines()
    heads = [line.removeprefix("entrypoint: ") for line in lines if line.startswith("entrypoint: ")]
    heads = [head for head in heads if not head.endswith(", nothing was started")]
    shown = "; ".join(_without_id(head) for head in heads[:PROBLEMS])
    return f"{shown} and {len(heads) - PROBLEMS} more" if heads[PROBLEMS:] else shown


def _without_id(head: str) -> str:
    text = head.rpartition(" [")[0] if head.endswith("]") else head
    return text.rstrip()
