"""A small ZooKeeper client: enough to look at znodes and to make ephemeral ones.

The wire format is jute: every frame and buffer has a 4-byte big-endian length before it.
Source: zookeeper.jute and zookeeper-client protocol classes of ZooKeeper 3.9.
"""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Self

CREATE, DELETE, EXISTS, GET_DATA, SET_DATA, PING, GET_CHILDREN, CLOSE = 1, 2, 3, 4, 5, 11, 8, -11
NO_NODE, NODE_EXISTS = -101, -110
EPHEMERAL = 1
WATCH_XID = -1
STAT_SIZE = 68
# zoo_acl world:anyone with every permission.
OPEN_ACL = (
    struct.pack(">ii", 1, 31) + struct.pack(">i5s", 5, b"world") + struct.pack(">i6s", 6, b"anyone")
)


class ZooKeeperError(OSError):
    """The server answered with an error code, for example NO_NODE."""

    def __init__(self, code: int, what: str) -> None:
        super().__init__(f"ZooKeeper error {code}: {what}")
        self.code = code


def four_letter(host: str, port: int, word: str, timeout: float = 5) -> str:
    """Return the answer to a four-letter command such as `srvr`, `ruok` or `mntr`."""
    with socket.create_connection((host, port), timeout) as connection:
        connection.sendall(word.encode())
        chunks: list[bytes] = []
        while chunk := connection.recv(65536):
            chunks.append(chunk)
    return b"".join(chunks).decode(errors="replace")


class ZooKeeperClient:
    """One session. It sends no pings: keep it shorter than its session time-out (seconds)."""

    def __init__(self, host: str, port: int, timeout: float = 10, session: float = 30) -> None:
        self._socket = socket.create_connection((host, port), timeout)
        self._xid = 0
        self._send(struct.pack(">iqiqi16s", 0, 0, int(session * 1000), 0, 16, bytes(16)))
        answer = self._receive()
        _, negotiated, self.session_id = struct.unpack_from(">iiq", answer)
        self.session_timeout: float = negotiated / 1000

    def create(self, path: str, data: bytes = b"", *, ephemeral: bool = False) -> None:
        """Create the znode; its parent must be there."""
        flags = struct.pack(">i", EPHEMERAL if ephemeral else 0)
        self._call(CREATE, _text(path) + _buffer(data) + OPEN_ACL + flags, path)

    def get(self, path: str) -> bytes:
        """Return the znode's data."""
        answer = self._call(GET_DATA, _text(path) + b"\0", path)
        (length,) = struct.unpack_from(">i", answer)
        return answer[4 : 4 + length] if length > 0 else b""

    def set(self, path: str, data: bytes) -> None:
        """Replace the znode's data, whatever its version."""
        self._call(SET_DATA, _text(path) + _buffer(data) + struct.pack(">i", -1), path)

    def exists(self, path: str) -> bool:
        """Tell whether the znode is there."""
        return self._stat(path) is not None

    def ephemeral_owner(self, path: str) -> int | None:
        """Return the session that owns the znode, 0 for a persistent one, None for none."""
        stat = self._stat(path)
        if stat is None:
            return None
        owner: int = struct.unpack_from(">q", stat, 44)[0]
        return owner

    def children(self, path: str) -> list[str]:
        """Return the names of the znode's children, sorted."""
        answer = self._call(GET_CHILDREN, _text(path) + b"\0", path)
        (count,) = struct.unpack_from(">i", answer)
        names: list[str] = []
        at = 4
        for _ in range(count):
            (length,) = struct.unpack_from(">i", answer, at)
            names.append(answer[at + 4 : at + 4 + length].decode())
            at += 4 + length
        return sorted(names)

    def delete(self, path: str) -> None:
        """Delete the znode, whatever its version."""
        self._call(DELETE, _text(path) + struct.pack(">i", -1), path)

    def close(self) -> None:
        """End the session: its ephemeral znodes go at once."""
        try:
            self._call(CLOSE, b"", "session")
        except OSError:
            pass  # The server may be gone already; so is the session then.
        finally:
            self.drop()

    def drop(self) -> None:
        """Cut the connection without ending the session, as a crash does."""
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

    def _stat(self, path: str) -> bytes | None:
        try:
            return self._call(EXISTS, _text(path) + b"\0", path)[:STAT_SIZE]
        except ZooKeeperError as error:
            if error.code == NO_NODE:
                return None
            raise

    def _call(self, operation: int, body: bytes, what: str) -> bytes:
        self._xid += 1
        self._send(struct.pack(">ii", self._xid, operation) + body)
        while True:
            answer = self._receive()
            xid, _, code = struct.unpack_from(">iqi", answer)
            if xid == self._xid:
                break
        if code != 0:
            raise ZooKeeperError(code, what)
        return answer[16:]

    def _send(self, frame: bytes) -> None:
        self._socket.sendall(struct.pack(">i", len(frame)) + frame)

    def _receive(self) -> bytes:
        (length,) = struct.unpack(">i", self._exactly(4))
        return self._exactly(length)

    def _exactly(self, size: int) -> bytes:
        chunks = b""
        while len(chunks) < size:
            chunk = self._socket.recv(size - len(chunks))
            if not chunk:
                raise ConnectionError("ZooKeeper closed the connection")
            chunks += chunk
        return chunks


def _buffer(data: bytes) -> bytes:
    return struct.pack(">i", len(data)) + data


def _text(value: str) -> bytes:
    return _buffer(value.encode())
