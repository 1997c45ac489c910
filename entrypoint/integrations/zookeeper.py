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

_CREATE, _GET, _SET, _CHILDREN = 1, 4, 5, 8
NODE_EXISTS: Final = -110
_ALL, _ANY_VERSION = 31, -1


class Kept(ZooKeeperSession):
    """A session that also reads and writes, below its chroot; raises CheckFailed as the other does."""

    __slots__ = ()

    def read(self, path: str, deadline: Deadline) -> bytes | None:
        """Return what a node holds; None where there is no such node."""
        reply = self._request(_GET, self._place(path) + b"\0", deadline)
        if reply.error == jute.NO_NODE:
            return None
        _expect_ok(reply)
        return _field(reply.body, 0)

    def children(self, path: str, deadline: Deadline) -> tuple[str, ...]:
        """Return the names of the nodes below a node; none where there is no such node."""
        reply = self._request(_CHILDREN, self._place(path) + b"\0", deadline)
        if reply.error == jute.NO_NODE:
            return ()
        _expect_ok(reply)
        found, at = [], 4
        while at < len(reply.body):
            name = _field(reply.body, at)
            found.append(name.decode("utf-8", "replace"))
            at += 4 + len(name)
        return tuple(found)

    def write(self, path: str, data: bytes, deadline: Deadline) -> None:
        """Have a node hold these bytes, made with its parents where it is not there."""
        whole = self._ensemble.chroot + path
        body = _text(whole) + _bytes(data) + struct.pack(">i", _ANY_VERSION)
        reply = self._request(_SET, body, deadline)
        if reply.error == jute.NO_NODE:
            parts = whole.strip("/").split("/")
            for depth in range(1, len(parts)):
                self._create("/" + "/".join(parts[:depth]), b"", deadline)
            self._create(whole, data, deadline)
            reply = self._request(_SET, body, deadline)
        _expect_ok(reply)

    def _create(self, path: str, data: bytes, deadline: Deadline) -> None:
        world = struct.pack(">ii", 1, _ALL) + _text("world") + _text("anyone")
        body = _text(path) + _bytes(data) + world + struct.pack(">i", 0)
        reply = self._request(_CREATE, body, deadline)
        if reply.error != NODE_EXISTS:
            _expect_ok(reply)

    def _place(self, path: str) -> bytes:
        return _text(self._ensemble.chroot + path)

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


def _field(body: bytes, at: int) -> bytes:
    """Return the string or buffer that begins there; one that lacks its end is what there is of it."""
    if len(body) < at + 4:
        return b""
    (length,) = struct.unpack_from(">i", body, at)
    return body[at + 4 : at + 4 + length] if length > 0 else b""


def _text(text: str) -> bytes:
    return _bytes(text.encode())


def _bytes(data: bytes) -> bytes:
    return struct.pack(">i", len(data)) + data
