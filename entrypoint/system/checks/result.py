"""What one asking gave: the result, how a failure is told, and the deadline that bounds it all.

Here: `CheckResult`, `CheckFailed`, `Deadline`, and the words for operating-system errors. No sockets
are opened here. A detail is one short printable line and never holds a secret.
"""

from __future__ import annotations

import errno
import socket
import time

from entrypoint.records import record
from entrypoint.values import format_duration, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DETAIL_LIMIT = 160

_WORDS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "connection reset",
    errno.EPIPE: "connection reset",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "no route to network",
    errno.ENOENT: "no such file",
    errno.EACCES: "permission denied",
}


@record
class CheckResult:
    """The outcome of asking once: `detail` is `ok` or the reason in one short line.

    `said_no` tells the peer's own no from no answer, and from one that is about something else.
    """

    ok: bool
    detail: str
    seconds: float
    said_no: bool = False


class CheckFailed(Exception):  # noqa: N818 - a wrong answer is an outcome, not an error of ours
    """Says that the answer was wrong or did not come; its text is the result's detail."""

    @property
    def detail(self) -> str:
        """The reason, as one short printable line."""
        return one_line(str(self), DETAIL_LIMIT)


class SaidNo(CheckFailed):
    """Says that the peer answered the very question, with no: not that it is away, slow or refuses."""


class Deadline:
    """A moment after which nothing is waited for any more, whatever the peer keeps sending."""

    __slots__ = ("_clock", "_end", "_started", "seconds")

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._started = clock()
        self._end = self._started + seconds

    def remaining(self) -> float:
        """Return the seconds left, always above zero; raise TimeoutError when none is left."""
        left = self._end - self._clock()
        if left <= 0:
            raise TimeoutError
        return left

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return self._clock() - self._started

    def share(self, parts: int) -> Deadline:
        """Return a deadline for one of `parts` equal parts of what is left."""
        return Deadline(self.remaining() / parts, self._clock)

    def __str__(self) -> str:
        return format_duration(self.seconds)


def describe_os_error(error: OSError) -> str:
    """Return the short words for an error of the operating system, such as `refused`."""
    if isinstance(error, socket.gaierror):
        again = error.args[:1] == (socket.EAI_AGAIN,)
        return "DNS does not answer" if again else "unknown host"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    words = _WORDS.get(error.errno or 0)
    return words or one_line(error.strerror or type(error).__name__, DETAIL_LIMIT).lower()
