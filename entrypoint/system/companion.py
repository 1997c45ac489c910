"""A short process of ours beside java: started, given its task, bounded, and heard to its end.

Here: PID 1's side of it, for whatever needs more than PID 1 shall import. It is the first to go where memory
gets short; the main loop reaps it; and its failure is for the caller to tell, and nothing more.
"""

from __future__ import annotations

import os
import sys
import time

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Mapping
    from typing import Final, Literal

    from entrypoint.system.expected import Expect, Expected
else:
    import _signal

REAP_SECONDS: Final = 5.0
PACKAGES: Final = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
"""The folder that our package is in."""


@record
class Task:
    """What to run: Python's words, what it reads on its standard input, and which output is heard.

    The input has to fit into a pipe (64 KiB); of the output `limit` bytes are kept.
    """

    words: tuple[str, ...]
    hears: Literal[1, 2]
    input: bytes = b""
    environment: Mapping[str, str] | None = None
    limit: int = 64 * 1024


@record
class Heard:
    """How it ended: `code` is None where it was killed, or did not end; `problem` says why there was none.

    `late` where time was over first; it is killed then.
    """

    said: bytes = b""
    code: int | None = None
    problem: str = ""
    late: bool = False


def run(task: Task, seconds: float, mask: set[int], expect: Expect) -> Heard:
    """Run a task to its end, or for so many seconds; never raises OSError.

    It is the main loop that reaps: `expect` tells it of the process.
    """
    deadline = time.monotonic() + seconds
    try:
        ours, to, of = _begin(task, mask, expect)
    except OSError as error:
        return Heard(problem=(error.strerror or "").lower())
    _write(to, task.input)
    said = _read(of, task.limit, deadline)
    if said is not None:
        code = ours.wait(REAP_SECONDS)
        if ours.has_ended:
            return Heard(said, code)
    # Time is over, or it has closed its pipe and goes on.
    ours.kill()
    return Heard(late=True)


def _begin(task: Task, mask: set[int], expect: Expect) -> tuple[Expected, int, int]:
    """Start it; return it, the pipe for its input and the one that it is heard by."""
    ends: list[int] = []
    try:
        ends += os.pipe2(os.O_CLOEXEC)
        ends += os.pipe2(os.O_CLOEXEC)
        reads, to, of, says = ends
        ours = expect(lambda: _spawn(task, mask, reads, says))
    except BaseException:
        for descriptor in ends:
            os.close(descriptor)
        raise
    os.close(reads)
    os.close(says)
    return ours, to, of


def _spawn(task: Task, mask: set[int], reads: int, says: int) -> int:
    pid = os.posix_spawn(
        sys.executable,
        # -P: no module is ever looked for in our working directory, which is java's by now.
        (sys.executable, "-P", *task.words),
        os.environ if task.environment is None else task.environment,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, reads, 0),
            (os.POSIX_SPAWN_OPEN, 3 - task.hears, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, says, task.hears),
        ],
        setpgroup=0,
        setsigmask=mask,
        setsigdef=(_signal.SIGPIPE, _signal.SIGXFSZ),
    )
    _let_it_go_first(pid)
    return pid


def _let_it_go_first(pid: int) -> None:
    """Have the kernel end it, not java, should there be no memory for both."""
    try:
        with open(f"/proc/{pid}/oom_score_adj", "wb", buffering=0) as file:
            file.write(b"1000")
    except OSError:
        return


def _write(descriptor: int, data: bytes) -> None:
    try:
        if data:
            os.write(descriptor, data)
    except OSError:
        return  # it has ended already: its words say why
    finally:
        os.close(descriptor)


def _read(descriptor: int, limit: int, deadline: float) -> bytes | None:
    """Return what is written until the writer ends, cut to a limit; None where time was over first."""
    import select  # noqa: PLC0415 - only with such a process

    ready = select.poll()
    ready.register(descriptor, select.POLLIN)
    said = bytearray()
    try:
        while ready.poll(max(0, int((deadline - time.monotonic()) * 1000))):
            part = os.read(descriptor, 4096)
            if not part:
                return bytes(said)
            said += part[: max(0, limit - len(said))]
        return None
    finally:
        os.close(descriptor)
