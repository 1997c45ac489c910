"""Ports: the usual ones where they are free, others where somebody has them."""

from __future__ import annotations

import socket

from lab.net import free_port


class Ports:
    """Gives out ports, no port twice, and remembers which usual ones were taken."""

    def __init__(self) -> None:
        self.moved: list[tuple[str, int, int]] = []
        """Name, usual port, port that is used instead."""
        self._given: set[int] = set()

    def take(self, name: str, usual: int) -> int:
        """Return the usual port, or a free one when it is taken."""
        port = usual
        while port in self._given or not is_free(port):
            port = free_port()
        self._given.add(port)
        if port != usual:
            self.moved.append((name, usual, port))
        return port


def is_free(port: int) -> bool:
    """Tell whether nobody listens on the port, on any address."""
    with socket.socket() as probe:
        # As the servers do: connections of a run before this one, in TIME_WAIT, take no port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
