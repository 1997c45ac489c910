"""Processes and signals: spawn, reap, send, wait. The one spawn path and the one reaper.

Here: thin wrappers over system calls, with the quirks of PID 1 written down. No decisions. Uses the C
module `_signal`: the Python module `signal` builds enums that cost 0.7 MB and 4 ms.
"""

from __future__ import annotations

import os
import sys
import time

from entrypoint.lifecycle import signals
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Iterator, Mapping
else:
    import _signal

ALL_SIGNALS = _signal.valid_signals()


@record
class Received:
    """A signal that reached us: its number, and the sender's pid (0: the kernel, or outside)."""

    number: int
    sender: int
    own: bool = False
    """Whether a thread of ours sent it, to wake the main loop."""


@record
class Ended:
    """A process that was reaped: `code` is its exit code, or None where signal `number` ended it."""

    pid: int
    code: int | None
    number: int = 0


def set_mask(mask: set[int]) -> None:
    """Set the signal mask of this thread, as it was when we were started."""
    _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)


def end_when_asked() -> None:
    """Let TERM and INT end this process at once, as PID 1 too, for whom the kernel drops them else.

    One that we were started with ignored stays so: a shell does that to what runs in its background.
    """

    def end(number: int, _: object) -> None:
        os._exit(128 + number)

    for number in (signals.TERM, signals.INT):
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, end if os.getpid() == 1 else _signal.SIG_DFL)


def undo_inherited() -> None:
    """Undo what a careless parent may have left us: an ignored CHLD and closed standard descriptors.

    With CHLD ignored the kernel reaps by itself: no signal, no exit code, and a wait for ever. In the
    place of a closed descriptor our next pipe or socket would become java's standard output.
    """
    _signal.signal(signals.CHLD, _signal.SIG_DFL)
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is this one: those below it are open by now.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def wait_signal(deadline: float | None, heard: set[int]) -> Received | None:
    """Wait for the next signal until the monotonic `deadline` (None: for ever); None is "time over".

    The kernel gives the lowest number first: a HUP that is sent again and again would keep all others
    waiting. So each has its turn: `heard` are those that had theirs; give the same set every time.
    """
    info = _signal.sigtimedwait(ALL_SIGNALS - heard, 0) if heard else None
    if info is None:
        heard.clear()
        if deadline is None:
            info = _signal.sigwaitinfo(ALL_SIGNALS)
        else:
            info = _signal.sigtimedwait(ALL_SIGNALS, max(0.0, deadline - time.monotonic()))
    if info is None:
        return None
    heard.add(info.si_signo)
    # Not by si_code: glibc tells SI_TKILL as SI_USER. Nobody else can send with our pid.
    own = info.si_signo == signals.URG and info.si_pid == os.getpid()
    return Received(info.si_signo, info.si_pid, own)


def wake(thread: int) -> None:
    """Make `wait_signal` in that thread return: with URG, told from a real URG by its origin."""
    _signal.pthread_kill(thread, signals.URG)


def spawn(
    executable: str, argv: tuple[str, ...], environment: Mapping[str, str], mask: set[int]
) -> int:
    """Start a program in a process group of its own, in our current directory; return its pid.

    It gets the signal mask that we were started with, and default dispositions for the two signals
    that Python ignores (java would inherit that). A name without a slash is looked up in PATH. Raises
    OSError: ENOENT, EACCES, ENOEXEC, EAGAIN (pids limit), ENOMEM.
    """
    call = os.posix_spawn if "/" in executable else os.posix_spawnp
    return call(
        executable,
        argv,
        environment,
        setpgroup=0,
        setsigmask=mask,
        setsigdef=(_signal.SIGPIPE, _signal.SIGXFSZ),
    )


def fork_child(work: Callable[[], int]) -> int:
    """Run `work` in a forked process that exits with its result, and return the pid.

    Call it before there are threads. The child has default signal handling and no cleanup of ours. An
    exception is printed, and is exit code 70.
    """
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setpgid(0, 0)
        for number in (signals.TERM, signals.INT):
            _signal.signal(number, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
        code = work()
    except Exception:  # noqa: BLE001 - os._exit would swallow it
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def reap() -> tuple[list[Ended], bool]:
    """Reap every process that has ended, without a cap, and tell whether any child is left."""
    ended: list[Ended] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended, False
        if pid == 0:
            return ended, True
        if os.WIFSIGNALED(status):
            ended.append(Ended(pid, None, os.WTERMSIG(status)))
        else:
            ended.append(Ended(pid, os.WEXITSTATUS(status)))


def send(pid: int | None, number: int, group: bool) -> None:
    """Send a signal to a child or to its group; None, or a process that is gone already, is fine.

    The child has to be unreaped, so that its pid cannot have passed to somebody else. One that has left
    its group (a shell with job control does) is sent the signal all the same.
    """
    if not pid:
        return
    if group:
        _send(os.killpg, pid, number)
    if not group or _group_of(pid) not in {0, pid}:
        _send(os.kill, pid, number)


def _send(way: Callable[[int, int], None], pid: int, number: int) -> None:
    try:
        way(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def sweep(number: int, group: int) -> None:
    """Send a signal to every process of ours that is left.

    As PID 1 that is everything in the pid namespace. Elsewhere `kill(-1)` would take down the whole
    machine, so it is the child's group and what /proc lists as our descendants.
    """
    if os.getpid() == 1:
        try:
            os.kill(-1, number)
        except (ProcessLookupError, PermissionError):
            return
        return
    found = {pid: _group_of(pid) for pid in _descendants("self")}
    # The leader is reaped: without a member its number may belong to somebody else by now.
    if group in found.values():
        send(group, number, group=True)
    for pid, its_group in found.items():
        if its_group != group:
            send(pid, number, group=False)


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def _descendants(pid: str) -> Iterator[int]:
    """Yield our children and theirs; nothing where the kernel does not list children."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return
    for task in tasks:
        try:
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                children = file.read().split()
        except OSError:
            continue
        for child in children:
            yield int(child)
            yield from _descendants(child)


def catches(pid: int, number: int) -> bool:
    """Tell whether a process has a handler for a signal (SigCgt): a booting JVM has none for QUIT."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("SigCgt:"):
                    return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    except (OSError, ValueError, IndexError):
        return False
    return False


def is_alive(pid: int) -> bool:
    """Tell whether a process exists and is not a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in {b"Z", b"X"}
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return False
    except OSError:
        # We may have no descriptor left: nothing that java should be restarted for.
        return _exists(pid)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def take_terminal(pid: int) -> None:
    """Make the child's group the foreground of our terminal, if standard input is one.

    Only when we are the foreground: in the background the terminal is somebody else's. A child that read
    before this was stopped by TTIN, so it gets a CONT. Not a terminal (ENOTTY), closed (EBADF) and not
    ours (ENXIO, EPERM) are all fine.
    """
    try:
        if os.tcgetpgrp(0) != os.getpgrp():
            return
        os.tcsetpgrp(0, pid)
    except OSError:
        return
    send(pid, signals.CONT, group=True)


def write_in_time(descriptor: int, text: str, seconds: float) -> None:
    """Write text as far as the descriptor takes it; give up on a pipe that stays full for so long.

    A pipe that is ready has room for 4096 bytes at least: so much is written without waiting.
    """
    import select  # noqa: PLC0415 - only for the messages of a start that failed

    data = text.encode("utf-8", "replace")
    ready = select.poll()
    ready.register(descriptor, select.POLLOUT)
    try:
        while data and ready.poll(int(seconds * 1000)):
            data = data[os.write(descriptor, data[:4096]) :]
    except OSError:
        return
