"""One client of the HTTP server: bytes in, bytes out, a state and a deadline.

Here: what can be done for one connection without waiting, in the clear or by TLS: the first byte tells
which. Who is served when, and who has to go, is decided in `http`.
"""

from __future__ import annotations

import select
import socket

from entrypoint.serve.messages import MAX_HEAD, BadRequestError, Request, parse_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Final, Literal, TypeAlias

    from entrypoint.serve.tls import Channel

    State: TypeAlias = Literal["idle", "reading", "writing", "lingering", "closed"]

LINGER_SECONDS: Final = 1.0
"""After the last answer, for the client to close first."""
EMPTY_LINES: Final = 2
"""Between two requests; old clients send one after a body. More are no request."""
TLS_HELLO: Final = b"\x16"
"""The first byte of a TLS handshake; no request of HTTP begins with it."""


class Connection:
    """One client: bytes in, bytes out, a state and a deadline.

    `channel` gives the TLS for a client that asks for it, or None where it is not spoken.
    """

    def __init__(
        self,
        client: socket.socket,
        deadline: float,
        channel: Callable[[], Channel | None] | None = None,
    ) -> None:
        self.client = client
        self._new_channel = channel
        self._channel: Channel | None = None
        self._begun = False
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
            self._take(chunk)

    def _take(self, chunk: bytes) -> None:
        if not self._begun:
            self._begun = True
            if self._new_channel is not None and chunk.startswith(TLS_HELLO):
                self._channel = self._new_channel()
        if self._channel is None:
            self.received += chunk
            return
        plain = self._channel.receive(chunk)
        self.pending += self._channel.take()
        if plain is None:
            self.send()  # why: a farewell that may get lost
            self.state = "closed"
        else:
            self.received += plain

    def next_request(self) -> Request | BadRequestError | None:
        """Return the next whole request, the reason why there will be none, or None for not yet."""
        if self.received.startswith(TLS_HELLO):
            return BadRequestError(400, "TLS is not spoken here: use http")
        for _ in range(EMPTY_LINES):
            if self.received.startswith(b"\r\n"):
                del self.received[:2]
        end = self.received.find(b"\r\n\r\n", 0, MAX_HEAD)
        if end < 0:
            if len(self.received) < MAX_HEAD:
                return None
            return BadRequestError(431, f"the request head is larger than {MAX_HEAD} bytes")
        head = bytes(self.received[:end])
        del self.received[: end + 4]
        try:
            return parse_head(head, self._channel is not None)
        except BadRequestError as error:
            return error

    def queue(self, data: bytes, ends: bool) -> None:
        """Send these bytes next, and read nothing more before they are gone."""
        self.pending += data if self._channel is None else self._channel.encrypt(data, ends)
        self.ends = ends
        self.state = "writing"

    def send(self) -> bool:
        """Send what the kernel takes; return whether all is sent. A dead client closes."""
        if not self.pending:
            return True
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
        return select.POLLOUT if self.pending else select.POLLIN

    def close(self) -> None:
        """Give the descriptor back."""
        self.state = "closed"
        self.client.close()


def first_to_go(connections: Iterable[Connection]) -> Connection:
    """The connection that is missed least: ended, idle for longest, else the oldest request."""
    order = {"closed": 0, "lingering": 0, "idle": 1, "reading": 2, "writing": 2}
    return min(connections, key=lambda one: (order[one.state], one.deadline))
