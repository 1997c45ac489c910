"""One client of the HTTP server: bytes in, bytes out, a state and a deadline.

Here: what can be done for one connection without waiting. Who is served when, and who has to go, is
decided in `http`.
"""

from __future__ import annotations

import select
import socket

from entrypoint.serve.messages import MAX_HEAD, BadRequestError, Request, parse_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final, Literal, TypeAlias

    State: TypeAlias = Literal["idle", "reading", "writing", "lingering", "closed"]

LINGER_SECONDS: Final = 1.0
"""After the last answer, for the client to close first."""


class Connection:
    """One client: bytes in, bytes out, a state and a deadline."""

    def __init__(self, client: socket.socket, deadline: float) -> None:
        self.client = client
        self.descriptor = client.fileno()
        self.deadline = deadline
        self.state: State = "reading"
        self.received = bytearray()
        self.pending = b""
        self.ends = False

    def receive(self, deadline: float) -> None:
        """Take what has come; the end of the stream, or a reset, closes the connection."""
        try:
            chunk = self.client.recv(MAX_HEAD)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self.state = "closed"
        elif self.state != "lingering":
            if self.state == "idle":
                self.state = "reading"
                self.deadline = deadline
            self.received += chunk

    def next_request(self) -> Request | BadRequestError | None:
        """Return the next whole request, the reason why there will be none, or None for not yet."""
        while self.received.startswith(b"\r\n"):
            del self.received[:2]
        end = self.received.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            if len(self.received) < MAX_HEAD:
                return None
            return BadRequestError(431, f"the request head is larger than {MAX_HEAD} bytes")
        head = bytes(self.received[:end])
        del self.received[: end + 4]
        try:
            return parse_head(head)
        except BadRequestError as error:
            return error

    def queue(self, data: bytes, ends: bool) -> None:
        """Send these bytes next, and read nothing more before they are gone."""
        self.pending = data
        self.ends = ends
        self.state = "writing"

    def send(self) -> bool:
        """Send what the kernel takes; return whether all is sent. A dead client closes."""
        try:
            count = self.client.send(self.pending, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            return False
        except OSError:
            self.state = "closed"
            return False
        self.pending = self.pending[count:]
        return not self.pending

    def sent(self, now: float, idle_seconds: float, request_seconds: float) -> None:
        """Go on after an answer: to the next request, or to the end."""
        if not self.ends:
            self.state = "reading" if self.received else "idle"
            self.deadline = now + (request_seconds if self.received else idle_seconds)
            return
        # Closing with unread bytes makes the kernel send a reset, which can overtake our answer:
        # end our half, and read what still comes, for a short time.
        try:
            self.client.shutdown(socket.SHUT_WR)
        except OSError:
            self.state = "closed"
            return
        self.state = "lingering"
        self.received.clear()
        self.deadline = now + LINGER_SECONDS

    def interest(self) -> int:
        """What poll shall wait for: not for input while an answer is on its way."""
        return select.POLLOUT if self.state == "writing" else select.POLLIN

    def close(self) -> None:
        """Give the descriptor back."""
        self.state = "closed"
        self.client.close()


def first_to_go(connections: Iterable[Connection]) -> Connection:
    """The connection that is missed least: ended, idle for longest, else the oldest request."""
    order = {"closed": 0, "lingering": 0, "idle": 1, "reading": 2, "writing": 2}
    return min(connections, key=lambda one: (order[one.state], one.deadline))
