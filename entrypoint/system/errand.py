"""A short process of ours beside java: started, given its task, bounded, and heard to its end.

Here: PID 1's side of it. What such a process does is for `integrations.__main__`: PID 1 never imports that.
It is the first to go where memory gets short, and its failure is a line in the log and nothing more.
"""

from __future__ import annotations

import os
import sys
import time
from _pickle import dumps

from entrypoint.lifecycle import signals
from entrypoint.records import record
from entrypoint.system import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Mapping

    from entrypoint.plan.model import Registration
else:
    import _signal

SAYS_LIMIT = 2000
REAP_SECONDS = 2.0
_PACKAGES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@record
class Told:
    """How an errand ended: whether it did what it was to do, and what it says."""

    done: bool
    says: str


def run(
    errand: str,
    registration: Registration,
    seconds: float,
    mask: set[int],
    expect: Callable[[int], process.Expected],
) -> Told:
    """Run an errand and return what it says; after `seconds` it is killed.

    `expect` is told the pid at once: it is the main loop that reaps. The task goes through a pipe, since
    it holds a password.
    """
    task = dumps((errand, registration, seconds))
    deadline = time.monotonic() + seconds
    try:
        pid, to, of = _spawn(mask)
        ours = expect(pid)
    except OSError as error:
        return Told(False, (error.strerror or "").lower())
    try:
        _let_it_go_first(pid)
        with open(to, "wb") as pipe:
            pipe.write(
                task
            )  # a pipe takes 64 KiB without waiting, and this has a few hundred bytes
    except OSError:
        pass  # it has ended already: its words say why
    said = _read(of, deadline)
    if said is None:
        process.send(pid, signals.KILL, group=True)
        return Told(False, f"not done in {seconds:g}s")
    code = ours.wait(REAP_SECONDS)
    text = " ".join(said.decode("utf-8", "replace").split())
    return Told(code == 0, text or ("was ended" if code is None else f"exit code {code}"))


def _spawn(mask: set[int]) -> tuple[int, int, int]:
    """Start the process; return its pid, the pipe for its task and the one for its words."""
    # -P: no module is ever looked for in our working directory, which is java's by now.
    command = (sys.executable, "-P", "-m", "entrypoint.integrations")
    path = os.environ.get("PYTHONPATH")
    environment: Mapping[str, str] = os.environ | {
        "PYTHONPATH": f"{_PACKAGES}:{path}" if path else _PACKAGES
    }
    task, to = os.pipe2(os.O_CLOEXEC)
    of, said = os.pipe2(os.O_CLOEXEC)
    try:
        pid = os.posix_spawn(
            sys.executable,
            command,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, task, 0),
                (os.POSIX_SPAWN_DUP2, said, 1),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
            setpgroup=0,
            setsigmask=mask,
            setsigdef=(_signal.SIGPIPE, _signal.SIGXFSZ),
        )
    except BaseException:
        os.close(to)
        os.close(of)
        raise
    finally:
        os.close(task)
        os.close(said)
    return pid, to, of


def _let_it_go_first(pid: int) -> None:
    descriptor = os.open(f"/proc/{pid}/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, b"1000")
    finally:
        os.close(descriptor)


def _read(descriptor: int, deadline: float) -> bytes | None:
    """Return what is written until the writer ends, cut to a limit; None where time was over first."""
    import select  # noqa: PLC0415 - only with an errand

    ready = select.poll()
    ready.register(descriptor, select.POLLIN)
    said = bytearray()
    try:
        while ready.poll(max(0, int((deadline - time.monotonic()) * 1000))):
            part = os.read(descriptor, 4096)
            if not part:
                return bytes(said)
            said += part[: max(0, SAYS_LIMIT - len(said))]
        return None
    finally:
        os.close(descriptor)
