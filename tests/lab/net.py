"""Loopback ports, listening sockets and waiting for a condition."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from lab.cache import LabError

LOOPBACK = "127.0.0.1"
# Below the kernel's ephemeral range: an outgoing connection cannot take the port between our
# asking and the service's bind.
FIRST_PORT, LAST_PORT = 20000, 32000
_next_port = FIRST_PORT + time.monotonic_ns() % (LAST_PORT - FIRST_PORT)


def free_port() -> int:
    """Return a TCP port that nobody listens on, on any address; never the same one twice in turn."""
    global _next_port  # noqa: PLW0603 - one sequence per process is what keeps two callers apart
    for _ in range(LAST_PORT - FIRST_PORT):
        _next_port = _next_port + 1 if _next_port < LAST_PORT else FIRST_PORT
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", _next_port))
            except OSError:
                continue
            return _next_port
    raise LabError("no free TCP port")


def wait_until(predicate: Callable[[], object], timeout: float, what: str) -> None:
    """Return when the predicate is true; raise LabError naming `what` after `timeout` seconds.

    An OSError of the predicate counts as false: the thing asked for is not there yet.
    """
    deadline = time.monotonic() + timeout
    last = ""
    while True:
        try:
            if predicate():
                return
            last = ""
        except OSError as error:
            last = f" ({error})"
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not within {timeout:g} s{last}")
        time.sleep(0.05)


def accepts(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether somebody accepts connections on the port."""
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True


class ListeningSocket:
    """A bound, listening socket: the port is taken, and nothing ever answers on it."""

    def __init__(self, port: int = 0, host: str = LOOPBACK) -> None:
        self._socket = socket.socket()
        try:
            # A port whose last connection is in TIME_WAIT can be taken again.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((host, port))
            self._socket.listen()
        except OSError:
            self._socket.close()
            raise
        self.host = host
        self.port: int = self._socket.getsockname()[1]

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
