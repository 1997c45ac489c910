"""The few messages of ZooKeeper's client protocol that a check needs, as bytes and back. Pure.

Jute is ZooKeeper's record format: big-endian numbers, strings and buffers with a 4-byte length in
front. Every message is a frame: its length in 4 bytes, then the record.
Source: zookeeper.jute and ClientCnxn.java of ZooKeeper 3.9.
"""

from __future__ import annotations

import struct

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

FRAME_LIMIT: Final = 64 * 1024
"""Our answers are about 100 bytes; more than this is not ZooKeeper."""

OK: Final = 0
NO_NODE: Final = -101
_EXISTS: Final = 3
_CLOSE: Final = -11

_ERRORS: Final = {
    -4: "connection lost",
    -5: "marshalling error",
    -6: "not implemented",
    -7: "operation timed out",
    -8: "bad arguments",
    -102: "no permission",
    -112: "session expired",
    -115: "authentication failed",
    -118: "session moved",
    -124: "the server wants SASL",
}


@record
class Stat:
    """What ZooKeeper says of a node: zxids are transactions, times milliseconds since 1970.

    `ephemeral_owner` is the session that the node dies with, 0 for a lasting one. `czxid` tells a node
    from an earlier one of the same path: it grows with every creation, by no clock.
    """

    czxid: int
    mzxid: int
    ctime: int
    mtime: int
    version: int
    cversion: int
    aversion: int
    ephemeral_owner: int
    data_length: int
    num_children: int
    pzxid: int


@record
class Welcome:
    """The answer to a connect request: `timeout` is what the server granted, in milliseconds."""

    timeout: int
    session: int


@record
class Reply:
    """The head of an answer, and what follows it."""

    xid: int
    zxid: int
    error: int
    body: bytes


_CONNECT_ANSWER = struct.Struct(">iiqi")
_REPLY = struct.Struct(">iqi")
_STAT = struct.Struct(">qqqqiiiqiiq")
_LENGTH = struct.Struct(">i")


def frame(body: bytes) -> bytes:
    """Return a message with its length in front."""
    return _LENGTH.pack(len(body)) + body


def frame_length(prefix: bytes) -> int:
    """Return the length that 4 bytes announce; raises ValueError for one no ZooKeeper would send."""
    (length,) = _LENGTH.unpack(prefix)
    if not 0 < length <= FRAME_LIMIT:
        raise ValueError(f"a frame of 1 to {FRAME_LIMIT} bytes")
    return int(length)


def connect_request(timeout_ms: int) -> bytes:
    """Return the request for a new session that may not be read-only."""
    password = bytes(16)
    return struct.pack(">iqiqi", 0, 0, timeout_ms, 0, len(password)) + password + b"\0"


def exists_request(xid: int, path: str) -> bytes:
    """Return the question whether `path` exists, with no watch."""
    name = path.encode()
    return struct.pack(">iii", xid, _EXISTS, len(name)) + name + b"\0"


def close_request(xid: int) -> bytes:
    """Return the request to end the session, and with it its ephemeral nodes."""
    return struct.pack(">ii", xid, _CLOSE)


def parse_welcome(data: bytes) -> Welcome:
    """Return the answer to a connect request; raises ValueError."""
    if len(data) < _CONNECT_ANSWER.size:
        raise ValueError("a connect answer")
    version, timeout, session, length = _CONNECT_ANSWER.unpack_from(data)
    if version != 0 or not 0 <= length <= len(data) - _CONNECT_ANSWER.size:
        raise ValueError("a connect answer")
    return Welcome(timeout, session)


def parse_reply(data: bytes) -> Reply:
    """Return the head of an answer and its body; raises ValueError."""
    if len(data) < _REPLY.size:
        raise ValueError("a reply")
    xid, zxid, error = _REPLY.unpack_from(data)
    return Reply(xid, zxid, error, data[_REPLY.size :])


def parse_stat(data: bytes) -> Stat:
    """Return the stat that an `exists` answers with; raises ValueError."""
    if len(data) < _STAT.size:
        raise ValueError("a stat")
    return Stat(*_STAT.unpack_from(data))


def error_words(code: int) -> str:
    """Return what an error code of ZooKeeper means."""
    return _ERRORS.get(code, f"error {code}")
