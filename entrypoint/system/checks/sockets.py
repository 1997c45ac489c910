"""Connections that cannot outlast their deadline or outgrow their budget.

Here: name lookup, TCP connect, and reading and writing, all against one `Deadline`. Nothing here
knows what is spoken over the connection.
"""

from __future__ import annotations

import socket
import threading

from entrypoint.system.checks.result import CheckFailed, describe_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self, TypeAlias, TypeVar

    from entrypoint.system.checks.result import Deadline

    T = TypeVar("T")

    Endpoint: TypeAlias = tuple[int, tuple[str | int, ...] | tuple[int, bytes]]

ANSWER_LIMIT = 256 * 1024
"""Bytes that any peer may send us in one check."""


class Connection:
    """A connected socket that reads and writes against one deadline and one budget of bytes."""

    __slots__ = ("_budget", "_deadline", "_sock")

    def __init__(self, sock: socket.socket, deadline: Deadline, budget: int = ANSWER_LIMIT) -> None:
        self._sock = sock
        self._deadline = deadline
        self._budget = budget

    def renew(self, deadline: Deadline, budget: int = ANSWER_LIMIT) -> None:
        """Bound what comes next by another deadline: for a connection kept between checks."""
        self._deadline = deadline
        self._budget = budget

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._sock.settimeout(self._deadline.remaining())
            self._sock.sendall(data)
        except TimeoutError:
            raise CheckFailed(f"no answer in {self._deadline}") from None

    def receive(self) -> bytes:
        """Return the bytes that come next; empty when the peer has closed."""
        try:
            self._sock.settimeout(self._deadline.remaining())
            data = self._sock.recv(65536)
        except TimeoutError:
            raise CheckFailed(f"no answer in {self._deadline}") from None
        self._budget -= len(data)
        if self._budget < 0:
            raise CheckFailed("the answer is too long")
        return data

    def receive_exactly(self, count: int) -> bytes:
        """Return exactly `count` bytes that have to come in this many; an early end is a failure."""
        parts = bytearray()
        while len(parts) < count:
            try:
                self._sock.settimeout(self._deadline.remaining())
                data = self._sock.recv(count - len(parts))
            except TimeoutError:
                raise CheckFailed(f"no answer in {self._deadline}") from None
            if not data:
                raise CheckFailed("closed the connection")
            parts += data
        return bytes(parts)

    def close(self) -> None:
        """Close the socket; may be called twice."""
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Return a socket connected to the first address of `host` that accepts.

    Raises CheckFailed with `refused`, `unknown host db`, `no connection in 2s` and the like. Every
    address gets its share of the time, since a dead IPv6 route must not hide a live IPv4 one.
    """
    endpoints = lookup(host, port, deadline)
    failure = CheckFailed(f"unknown host {host}")
    for position, (family, address) in enumerate(endpoints):
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            sock.settimeout(deadline.share(len(endpoints) - position).remaining())
            sock.connect(address)
        except TimeoutError:
            sock.close()
            failure = CheckFailed(f"no connection in {deadline}")
        except OSError as error:
            sock.close()
            failure = CheckFailed(describe_os_error(error))
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    raise failure


def ask_in_turn(
    servers: Sequence[tuple[str, int]],
    deadline: Deadline,
    ask: Callable[[str, int, Deadline], T],
) -> T:
    """Return what the first server says that can be asked; each gets its share of the time.

    When none can, raises CheckFailed with the reason of every one of them.
    """
    failures: list[tuple[str, str]] = []
    for position, (host, port) in enumerate(servers):
        try:
            return ask(host, port, deadline.share(len(servers) - position))
        except CheckFailed as failure:
            failures.append((f"{host}:{port}", failure.detail))
        except TimeoutError:
            failures.append((f"{host}:{port}", f"no answer in {deadline}"))
        except OSError as error:
            failures.append((f"{host}:{port}", describe_os_error(error)))
    if len(failures) == 1:
        raise CheckFailed(failures[0][1])
    raise CheckFailed(", ".join(f"{address} {detail}" for address, detail in failures))


class _Lookup:
    """A question to the resolver that is under way; several checks may wait for one answer."""

    __slots__ = ("done", "endpoints", "error")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.endpoints: tuple[Endpoint, ...] = ()
        self.error: OSError | None = None


_lock = threading.Lock()
_under_way: dict[tuple[str, int], _Lookup] = {}


def lookup(host: str, port: int, deadline: Deadline) -> tuple[Endpoint, ...]:
    """Return the addresses of `host`, in the resolver's order; raises CheckFailed.

    getaddrinfo has no time-out of its own and may take 5 s for every server and search domain of
    resolv.conf. So it runs on a thread, one for each name however many checks ask.
    """
    try:
        return _getaddrinfo(host, port, socket.AI_NUMERICHOST)
    except (OSError, ValueError):
        pass
    key = (host, port)
    with _lock:
        pending = _under_way.get(key)
        if pending is None:
            pending = _Lookup()
            threading.Thread(
                target=_resolve, args=(key, pending), name=f"lookup-{host}", daemon=True
            ).start()
            _under_way[key] = pending
    try:
        answered = pending.done.wait(deadline.remaining())
    except TimeoutError:
        answered = False
    if not answered:
        raise CheckFailed(f"DNS did not answer for {host} in {deadline}")
    if pending.error is not None:
        raise CheckFailed(f"{describe_os_error(pending.error)} {host}")
    return pending.endpoints


def _resolve(key: tuple[str, int], pending: _Lookup) -> None:
    try:
        pending.endpoints = _getaddrinfo(*key, 0)
    except OSError as error:
        pending.error = error
    except ValueError:
        # A NUL in the name, or one that IDNA cannot encode.
        pending.error = socket.gaierror(socket.EAI_NONAME, "not a host name")
    finally:
        with _lock:
            del _under_way[key]
        pending.done.set()


def _getaddrinfo(host: str, port: int, flags: int) -> tuple[Endpoint, ...]:
    # As bytes: Python puts a str through the IDNA codec, whose tables cost a megabyte.
    name = host.encode() if host.isascii() else host
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=flags)
    return (*[(family, address) for family, _, _, _, address in found],)
