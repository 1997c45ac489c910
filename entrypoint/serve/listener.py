"""The socket to listen on, and what it means where it cannot be had.

Here: from an address to a listening socket. Who is accepted, and when, is `http`.
"""

from __future__ import annotations

import errno
import socket

from entrypoint.errors import EXIT_CONFIG, Problem, ProblemsError
from entrypoint.values import parse_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

BACKLOG: Final = 1024
"""Where it is full, the kernel drops the kubelet's SYN too, which is sent again after a second: too late for
a probe. A thousand that wait are accepted in a tenth of that."""


def listen(address: str, look_up: bool = True) -> socket.socket:
    """Return a listening socket for `0.0.0.0:9404`, `[::]:9404`, `:9404` or `localhost:9404`.

    `:9404` is every address of both families, or of IPv4 where the kernel has no IPv6. Raises
    `ProblemsError` for a bad address, a port that is taken, and a port we may not use; without
    `look_up`, which a DNS that hangs may keep for half a minute, for a name too.
    """
    everywhere = address.startswith(":")
    try:
        host, port = parse_address(f"[::]{address}" if everywhere else address)
        # As bytes: for text, getaddrinfo imports the IDNA codec, which costs 0.6 MB of RSS.
        name = host.encode("ascii")
    except ValueError:
        raise _listen_problem(address, "not an address") from None
    try:
        return _bind(name, port, 0 if look_up else socket.AI_NUMERICHOST)
    except OSError as error:
        if everywhere and error.errno in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}:
            return listen(f"0.0.0.0{address}", look_up)  # noqa: S104 - what the colon alone asks for
        raise _listen_problem(address, error.strerror or str(error)) from None


def _bind(host: bytes, port: int, flags: int) -> socket.socket:
    (family, kind, protocol, _, where), *_ = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | flags
    )
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if family == socket.AF_INET6:
            # [::] takes IPv4 too, whatever net.ipv6.bindv6only says: the kubelet may use either.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(where)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _listen_problem(address: str, reason: str) -> ProblemsError:
    # A URL with a password, where an address belongs.
    address = address.rpartition("@")[2][:80]
    if reason == "not an address":
        expected, fix = "host:port, [v6]:port or :port", "correct ENTRYPOINT_LISTEN"
    else:
        expected = "a free port that this user may listen on"
        fix = "set ENTRYPOINT_LISTEN to another port, or end the program that has this one"
    return ProblemsError(
        Problem(
            "listen-failed",
            f'cannot listen on "{address}": {reason.lower()}',
            (("where", "$ENTRYPOINT_LISTEN"), ("expected", expected), ("fix", fix)),
            EXIT_CONFIG,
        )
    )
