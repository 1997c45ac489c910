"""A few bytes kept in ZooKeeper: read, write, forget. Lasting nodes that anybody there may see.

Here: what the checks' session lacks. The messages are jute records, see `system.checks.jute`.
"""

from __future__ import annotations

import struct

from entrypoint.system.checks import jute
from entrypoint.system.checks.result import CheckFailed
from entrypoint.system.checks.zookeeper import ZooKeeperSession

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from entrypoint.system.checks.result import Deadline

_CREATE, _GET, _SET = 1, 4, 5
NODE_EXISTS: Final = -110
_ALL, _ANY_VERSION = 31, -1


class Kept(ZooKeeperSession):
    """A session that also reads and writes; raises CheckFailed as the other does."""

    __slots__ = ()

    def read(self, path: str, deadline: Deadline) -> bytes | None:
        """Return what a node holds; None where there is no such node."""
        reply = self._request(_GET, _text(path) + b"\0", deadline)
        if reply.error == jute.NO_NODE:
            return None
        _expect_ok(reply)
        (length,) = struct.unpack_from(">i", reply.body) if len(reply.body) >= 4 else (-1,)
        return reply.body[4 : 4 + length] if length > 0 else b""

    def write(self, path: str, data: bytes, deadline: Deadline) -> None:
        """Have a node hold these bytes, made with its parents where it is not there."""
        body = _text(path) + _bytes(data) + struct.pack(">i", _ANY_VERSION)
        reply = self._request(_SET, body, deadline)
        if reply.error == jute.NO_NODE:
            parts = path.strip("/").split("/")
            for depth in range(1, len(parts)):
                self._create("/" + "/".join(parts[:depth]), b"", deadline)
            self._create(path, data, deadline)
            reply = self._request(_SET, body, deadline)
        _expect_ok(reply)

    def _create(self, path: str, data: bytes, deadline: Deadline) -> None:
        world = struct.pack(">ii", 1, _ALL) + _text("world") + _text("anyone")
        body = _text(path) + _bytes(data) + world + struct.pack(">i", 0)
        reply = self._request(_CREATE, body, deadline)
        if reply.error != NODE_EXISTS:
            _expect_ok(reply)

    def _request(self, kind: int, body: bytes, deadline: Deadline) -> jute.Reply:
        connection = self._connection or self._open(deadline)
        connection.renew(deadline)
        xid = self._take_xid()
        try:
            self._send(connection, struct.pack(">ii", xid, kind) + body)
            reply = jute.parse_reply(self._receive(connection))
        except ValueError:
            self._drop()
            raise CheckFailed("not a ZooKeeper answer") from None
        if reply.xid != xid:
            self._drop()
            raise CheckFailed("not a ZooKeeper answer")
        return reply


def _expect_ok(reply: jute.Reply) -> None:
    if reply.error != jute.OK:
        raise CheckFailed(jute.error_words(reply.error))


def _text(text: str) -> bytes:
    return _bytes(text.encode())


def _bytes(data: bytes) -> bytes:
    return struct.pack(">i", len(data)) + data
