"""A server on threads of the test, for playing a slow, broken or hostile peer on a real socket."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

Talk = Callable[[socket.socket], None]


class Actor:
    """A server that plays `talk` with every client; `talk` may be replaced while it runs."""

    def __init__(self, talk: Talk, family: socket.AddressFamily = socket.AF_INET) -> None:
        self.talk = talk
        self.ended = threading.Event()
        self._listener = socket.create_server(
            ("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family
        )
        self.host, self.port = self._listener.getsockname()[:2]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def close(self) -> None:
        self.ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._play, args=(client,), daemon=True).start()

    def _play(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(20)
            self.talk(client)


def receive_exactly(client: socket.socket, count: int) -> bytes:
    """Return `count` bytes; an early end is an OSError, which ends the actor's talk."""
    data = b""
    while len(data) < count:
        part = client.recv(count - len(data))
        if not part:
            raise ConnectionError
        data += part
    return data
