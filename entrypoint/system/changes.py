"""The files that a plan was made of, looked at again; and the question whether they still make a plan.

Here: looks that cost a stat for each file, and reading only where the stat says so; and a short-lived
process that prepares a plan and ends. What a change is and what follows from it is for others.
"""

from __future__ import annotations

import os
import sys
import time

from entrypoint.lifecycle import signals
from entrypoint.lifecycle.changes import ABSENT, Content, content_of
from entrypoint.records import record
from entrypoint.system import inputs, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Iterable
    from typing import Final, TypeAlias

    Stamp: TypeAlias = tuple[int, int, int, int, int]
else:
    import _signal

SETTLED_NS: Final = 2_000_000_000
"""A file that was changed less than this ago is read again: the kernel's clock of files ticks in
milliseconds, so that a second change in the same tick leaves the stat as it was."""
OUTPUT_LIMIT: Final = 64 * 1024
REAP_SECONDS: Final = 5.0
PROBLEMS: Final = 3
_PROGRAM: Final = (
    f"import sys; sys.path.append({os.path.dirname(__file__).removesuffix('/entrypoint/system')!r});"
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
        found = inputs.read_file(path, mounts=())
        content = ABSENT if found is None else content_of(found.content, found.problem)
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
    expect: Callable[[int], process.Expected],
) -> Trial:
    """Make a plan in a process of its own, as `entrypoint plan` with these words does; throw it away.

    `expect` is told the pid at once: it is the main loop that reaps. The process is the first to go
    where memory gets short.
    """
    deadline = time.monotonic() + seconds
    try:
        reader, writer = os.pipe2(os.O_CLOEXEC)
        try:
            try:
                pid = _spawn(words, writer, mask)
            finally:
                os.close(writer)
            ours = expect(pid)
            _let_it_go_first(pid)
            said = _read(reader, deadline)
        finally:
            os.close(reader)
    except OSError as error:
        return Trial(None, (error.strerror or "").lower())
    if said is None:
        process.send(pid, signals.KILL, group=True)
        return Trial(None, f"no answer in {seconds:g}s")
    return Trial(ours.wait(REAP_SECONDS), _summary(said))


def _spawn(words: Iterable[str], writer: int, mask: set[int]) -> int:
    # -P: no module is ever looked for in our working directory, which is java's by now.
    command = (sys.executable, "-P", "-c", _PROGRAM, "plan", *words)
    return os.posix_spawn(
        sys.executable,
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, writer, 2),
        ],
        setpgroup=0,
        setsigmask=mask,
        setsigdef=(_signal.SIGPIPE, _signal.SIGXFSZ),
    )


def _let_it_go_first(pid: int) -> None:
    """Have the kernel end it, not java, should there be no memory for both."""
    try:
        descriptor = os.open(f"/proc/{pid}/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(descriptor, b"1000")
    except OSError:
        return
    finally:
        os.close(descriptor)


def _read(reader: int, deadline: float) -> bytes | None:
    """Return what is written until the writer ends, cut to a limit; None where time was over first."""
    import select  # noqa: PLC0415 - only where a changed configuration is to be tried

    ready = select.poll()
    ready.register(reader, select.POLLIN)
    said = bytearray()
    while ready.poll(max(0, int((deadline - time.monotonic()) * 1000))):
        part = os.read(reader, 4096)
        if not part:
            return bytes(said)
        said += part[: max(0, OUTPUT_LIMIT - len(said))]
    return None


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
