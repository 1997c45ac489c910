"""A small HTTP server on one thread: GET and HEAD, for the kubelet and for Prometheus.

Here: the loop, deadlines and limits. What is answered is `routes`, what a message looks like is
`messages`, one client's bytes are `connection`, the socket to listen on is `listener`.

`http.server` costs 10 MB of RSS, polls twice a second, and lets one slow client hold a thread for
ever. This server has no tick, and a client that is slow, half-open or hostile costs it one of a
fixed number of places for a fixed time. Signals are blocked in every thread by the main one, so no
call here is ever interrupted.
"""

from __future__ import annotations

import errno
import os
import resource
import select
import threading
import time

from entrypoint.serve.connection import Connection, first_to_go
from entrypoint.serve.messages import BadRequestError, Request, Response, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Final

    from entrypoint.serve.access import Guard

REQUEST_SECONDS: Final = 5.0
"""From the first byte of a request (or the connection's start) to the last byte of its answer.

A TLS handshake is a part of the first request."""
IDLE_SECONDS: Final = 75.0
"""Between two requests of one connection: longer than the usual scrape interval of one minute."""
PAUSE_SECONDS: Final = 1.0
LIMIT: Final = 64
ACCEPTS_PER_TURN: Final = 16
"""So that a flood of new connections never keeps the accepted ones from being answered."""

_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Server:
    """Answers requests from one listening socket on a thread of its own until it is stopped.

    `answer` runs on that thread: it has to be quick, and may raise, which is a 500 and is told to
    `on_error`. `guard` says before it who may ask; without one, everybody may, and TLS is not spoken. The
    server owns the socket and closes it.
    """

    def __init__(
        self,
        listener: socket.socket,
        answer: Callable[[Request], Response],
        on_error: Callable[[Exception], None],
        guard: Guard | None = None,
        *,
        limit: int = LIMIT,
        request_seconds: float = REQUEST_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._answer = answer
        self._on_error = on_error
        self._guard = guard
        self._limit = min(limit, _fair_share())
        self._request_seconds = request_seconds
        self._idle_seconds = idle_seconds
        self._connections: dict[int, Connection] = {}
        self._poll = select.poll()
        self._backlog = select.poll()
        self._backlog.register(listener, select.POLLIN)
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._spare: int | None = _open_spare()
        self._accept_again: float | None = None
        self._more: set[int] = set()
        """Connections with another request that has come already: their turn is next."""
        self._stopping = False
        self._stop_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        """Begin to answer; requests that came since `listen` have waited in the backlog."""
        self._poll.register(self._wake, select.POLLIN)
        self._poll.register(self._listener, select.POLLIN)
        self._thread.start()

    def stop(self) -> None:
        """End at once: open connections are closed, and the thread is gone when this returns."""
        with self._stop_lock:
            if self._wake < 0:
                return
            self._stopping = True
            if self._thread.ident is not None:
                os.eventfd_write(self._wake, 1)
                self._thread.join()
            self._listener.close()
            os.close(self._wake)
            self._wake = -1
            if self._spare is not None:
                os.close(self._spare)
                self._spare = None

    def _run(self) -> None:
        try:
            self._serve()
        except Exception as error:  # noqa: BLE001 - a bug of ours: say it, then refuse clients
            self._on_error(error)
            self._listener.close()
        for connection in tuple(self._connections.values()):
            self._close(connection)

    def _serve(self) -> None:
        while not self._stopping:
            events = self._poll.poll(self._timeout())
            now = time.monotonic()
            # Those who wait for an answer come before those who only just arrive.
            more, self._more = self._more, set()
            for descriptor, event in {**dict.fromkeys(more, 0), **dict(events)}.items():
                connection = self._connections.get(descriptor)
                if connection is not None:
                    self._advance(connection, event, now)
            self._expire(now)
            if any(descriptor == self._listener.fileno() for descriptor, _ in events):
                self._accept(now)

    def _timeout(self) -> int | None:
        """Milliseconds to the nearest deadline; None, which is for ever, when there is none."""
        if self._more:
            return 0
        deadlines = [connection.deadline for connection in self._connections.values()]
        if self._accept_again is not None:
            deadlines.append(self._accept_again)
        if not deadlines:
            return None
        # One millisecond more: rounding down would turn the last millisecond into a busy loop.
        return max(0, int((min(deadlines) - time.monotonic()) * 1000) + 1)

    def _accept(self, now: float) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            # accept looks for a free descriptor before it looks for a client: at the limit it says
            # EMFILE with nobody there, and room would be made at the cost of the one just accepted.
            if not self._backlog.poll(0):
                return
            try:
                client, _address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    continue  # The client left between its SYN and our accept.
                if not self._make_room(now):
                    return
                continue
            if len(self._connections) >= self._limit:
                self._close(first_to_go(self._connections.values()))
            client.setblocking(False)
            channel = None if self._guard is None else self._guard.channel
            connection = Connection(client, now + self._request_seconds, channel)
            self._connections[connection.descriptor] = connection
            self._poll.register(client, select.POLLIN)
            # Most clients send at once: answering here leaves nothing for a flood to push out.
            self._advance(connection, select.POLLIN, now)

    def _make_room(self, now: float) -> bool:
        """Free a descriptor for the next accept: a connection of ours, or the spare one.

        The kubelet has to get in even when something else in this process has used up the limit.
        With nothing left to free, the listener rests for a second: it stays readable, and poll would
        return at once for ever.
        """
        if self._connections:
            self._close(first_to_go(self._connections.values()))
            return True
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
            return True
        self._poll.unregister(self._listener)
        self._accept_again = now + PAUSE_SECONDS
        return False

    def _expire(self, now: float) -> None:
        for connection in tuple(self._connections.values()):
            if connection.deadline <= now:
                if connection.state == "reading" and connection.received:
                    response = BadRequestError(408, "the request did not arrive in time").response
                    connection.queue(encode(response, False, True, _date()), ends=True)
                    connection.send()
                self._close(connection)
        if self._accept_again is not None and self._accept_again <= now:
            self._accept_again = None
            self._poll.register(self._listener, select.POLLIN)

    def _close(self, connection: Connection) -> None:
        del self._connections[connection.descriptor]
        self._poll.unregister(connection.descriptor)
        connection.close()
        if self._spare is None:
            self._spare = _open_spare()

    def _advance(self, connection: Connection, event: int, now: float) -> None:
        """Do what can be done for a connection now, without waiting for its client.

        One answer a turn: hundreds of pipelined requests must not keep the kubelet waiting.
        """
        answered = False
        if event & select.POLLNVAL:
            raise AssertionError("a closed descriptor was polled")
        if event & (select.POLLIN | select.POLLHUP | select.POLLERR):
            connection.receive(now + self._request_seconds)
        while connection.state != "closed":
            if not connection.send():
                break
            if connection.state == "writing":
                connection.sent(now, self._idle_seconds, self._request_seconds)
                if answered and connection.received:
                    self._more.add(connection.descriptor)
                    break
                continue
            request = connection.next_request() if connection.state == "reading" else None
            if request is None:
                break
            connection.queue(*self._respond(request))
            answered = True
        if connection.state == "closed":
            self._close(connection)
        else:
            self._poll.modify(connection.descriptor, connection.interest())

    def _respond(self, request: Request | BadRequestError) -> tuple[bytes, bool]:
        if isinstance(request, BadRequestError):
            return encode(request.response, False, True, _date()), True
        try:
            refusal = None if self._guard is None else self._guard.refusal(request)
            response = refusal or self._answer(request)
        except Exception as error:  # noqa: BLE001 - the kubelet needs an answer, whatever our bug
            response = Response(500, b"internal error\n")
            self._on_error(error)
        return encode(response, request.method == "HEAD", request.close, _date()), request.close


def _fair_share() -> int:
    """Return how many descriptors clients may have, of a tight limit: checks and metrics need some too."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return LIMIT if soft == resource.RLIM_INFINITY else max(4, soft // 4)


def _open_spare() -> int | None:
    try:
        return os.open("/dev/null", os.O_RDONLY)
    except OSError:
        return None


def _date() -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
