"""HotSpot's attach protocol: a question to a live JVM, as `jcmd` asks it, without a JDK.

Here: the file, the signal, the socket, and one command with its answer. Everything ends by a
deadline and within a bound, and the file is removed whatever happens. What answers mean is for
`jvm.heap_info`.

A JVM opens its socket when it gets QUIT and finds `/tmp/.attach_pidN` of its own user. A JVM that does not
catch QUIT (one that is starting, or any other program) would die of it, so SigCgt is looked at first;
with -Xrs it does not either, but has its socket from the start.
"""

from __future__ import annotations

import os
import stat
import struct
import time

from entrypoint.errors import printable
from entrypoint.lifecycle import signals
from entrypoint.records import record
from entrypoint.system import process
from entrypoint.system.hsperf import Identity, identify
from entrypoint.system.procfs import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket as _socket
    from typing import Final
else:
    import _socket  # `socket` makes enums of its constants, which takes 8 ms before java's start

MAX_ANSWER: Final = 4 << 20
TIMEOUT: Final = 2.0
OLD: Final = 60.0
_DISABLED: Final = "+DisableAttachMechanism"
_VARIABLES: Final = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")


class AttachError(Exception):
    """No answer from the JVM; `reason` says why, `signalled` whether it was sent a QUIT for it.

    `timed_out` tells silence from a socket that is gone or that somebody else answers.
    """

    def __init__(self, reason: str, signalled: bool = False, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.signalled = signalled
        self.timed_out = timed_out


@record
class Attach:
    """A JVM that listens: each command is a connection of its own."""

    pid: int
    path: str
    who: Identity

    def jcmd(self, command: str, timeout: float = TIMEOUT, limit: int = MAX_ANSWER) -> str:
        """Return the answer to a diagnostic command such as `GC.heap_info`; raises AttachError.

        An answer longer than `limit` bytes is cut there.
        """
        if "\0" in command:
            raise AttachError("a command cannot hold a NUL")
        try:
            answer = _exchange(self, command, time.monotonic() + timeout, limit)
        except OSError as error:
            # EAGAIN: nobody has taken the questions before this one, and the queue of the socket is full.
            silent = isinstance(error, (TimeoutError, BlockingIOError))
            says = f"{command}: {error.strerror or 'no answer in time'}"
            raise AttachError(says, timed_out=silent) from error
        status, newline, body = answer.partition(b"\n")
        if status != b"0" or not newline:
            says = printable(" ".join(body[:1000].decode("utf-8", "replace").split()))[:200]
            raise AttachError(f"{command}: the JVM answers {says or 'nothing'}")
        return body.decode("utf-8", "replace")


def attach(pid: int, timeout: float = TIMEOUT, may_signal: bool = True) -> Attach:
    """Return the JVM as something to ask; raises AttachError.

    Sends at most one QUIT, and only to a process that catches it, has not forbidden attaching and has
    no socket yet. A JVM that then does not see our file prints a thread dump instead, so whoever
    was told `signalled` does not try again soon; without `may_signal` an existing socket is all that counts.
    """
    who = identify(pid)
    if who is None:
        raise AttachError("the process is gone")
    tmp = f"/proc/{pid}/root/tmp"
    path = f"{tmp}/.java_pid{who.inner_pid}"
    if _is_listening(path, who):
        return Attach(pid, path, who)
    if not may_signal:
        raise AttachError("the JVM did not open its socket")
    if is_disabled(pid):
        raise AttachError("-XX:+DisableAttachMechanism")
    if not process.catches(pid, signals.QUIT):
        raise AttachError("java does not catch QUIT (yet): it would die of it")
    _trigger(pid, who, f"{tmp}/.attach_pid{who.inner_pid}", path, time.monotonic() + timeout)
    return Attach(pid, path, who)


def is_disabled(pid: int) -> bool:
    """Tell whether the JVM was told to answer QUIT with a thread dump only."""
    if _DISABLED in read_text(f"/proc/{pid}/cmdline", 1 << 20):
        return True
    words = read_text(f"/proc/{pid}/environ", 1 << 20).split("\0")
    return any(_DISABLED in word and word.startswith(_VARIABLES) for word in words)


def _trigger(pid: int, who: Identity, trigger: str, path: str, deadline: float) -> None:
    """Make the JVM open its socket: one file, one signal, and a wait."""
    # In /tmp, not in the working directory where the JVM looks first: the socket has to go there
    # as well, so where /tmp is read-only we find out before the signal.
    try:
        _remove_if_old(trigger)
        fd = os.open(
            trigger, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
    except FileExistsError as error:
        raise AttachError(f"{trigger} is there: somebody else attaches") from error
    except OSError as error:
        raise AttachError(f"cannot write {trigger}: {error.strerror}") from error
    try:
        try:
            if os.fstat(fd).st_uid != who.uid:
                os.fchown(fd, who.uid, who.gid)
        finally:
            os.close(fd)
        os.kill(pid, signals.QUIT)
        pause = 0.0005
        while not _is_listening(path, who):
            left = deadline - time.monotonic()
            if left <= 0:
                raise AttachError("the JVM did not open its socket in time", signalled=True)
            time.sleep(min(pause, left))
            pause = min(pause * 2, 0.05)
    except OSError as error:
        raise AttachError(f"cannot attach: {error.strerror}") from error
    finally:
        _unlink(trigger)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return


def _remove_if_old(trigger: str) -> None:
    """Remove what a client that was killed left behind: attaching takes milliseconds."""
    try:
        if os.lstat(trigger).st_mtime < time.time() - OLD:
            os.unlink(trigger)
    except FileNotFoundError:
        return


def _is_listening(path: str, who: Identity) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISSOCK(status.st_mode) and status.st_uid == who.uid


def _exchange(jvm: Attach, command: str, deadline: float, limit: int) -> bytes:
    """Send one command and return the answer, cut at the limit; raises OSError and AttachError."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        connection.settimeout(_left(deadline))
        connection.connect(jvm.path)
        _check_peer(connection, jvm.pid, jvm.who.uid)
        connection.sendall(f"1\0jcmd\0{command}\0\0\0".encode())
        answer = bytearray()
        while len(answer) < limit:
            connection.settimeout(_left(deadline))
            part = connection.recv(min(65536, limit - len(answer)))
            if not part:
                break
            answer += part
        return bytes(answer)
    finally:
        connection.close()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise AttachError("no complete answer in time", timed_out=True)
    return left


def _check_peer(connection: _socket.socket, pid: int, uid: int) -> None:
    """Refuse an answer of anybody but the JVM: the socket lies in a folder that all may write to."""
    credentials = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
    peer, owner, _group = struct.unpack("3i", credentials)
    if peer != pid or owner != uid:
        raise AttachError(f"the socket belongs to pid {peer} of user {owner}")
