"""The `tcp` check: does anything accept a connection at this address?"""

from __future__ import annotations

from entrypoint.system.checks.sockets import connect
from entrypoint.values import parse_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.system.checks.result import Deadline


def ask_tcp(address: str, deadline: Deadline) -> None:
    """Return when `address` (`host:port` or `[v6]:port`) accepts a connection; raises CheckFailed.

    An open port proves little: a JVM opens its ports before it serves, and keeps them when it does
    not serve any more.
    """
    host, port = parse_address(address)
    connect(host, port, deadline).close()
