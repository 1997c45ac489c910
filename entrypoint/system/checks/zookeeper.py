"""The `zookeeper` check: does a server serve, and is a node there, or gone?

Two ways of asking. Without a path: the four-letter word `srvr`, which costs the ensemble nothing. With
a path: a session of our own, kept between askings, since opening one is a write on every server.
"""

from __future__ import annotations

from entrypoint.records import record
from entrypoint.system.checks import jute
from entrypoint.system.checks.result import CheckFailed, SaidNo
from entrypoint.system.checks.sockets import Connection, ask_in_turn, connect
from entrypoint.values import parse_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from entrypoint.system.checks.jute import Stat
    from entrypoint.system.checks.result import Deadline

DEFAULT_PORT: Final = 2181
SERVER_LIMIT: Final = 32
SRVR_LIMIT: Final = 16 * 1024


@record
class Ensemble:
    """The servers of a connect string, and the chroot in front of every path (empty: none)."""

    servers: tuple[tuple[str, int], ...]
    chroot: str = ""


def parse_servers(text: str) -> Ensemble:
    """Return the servers of `h:p,h:p/chroot`; `;` separates too, as otter has it. Raises ValueError."""
    hosts, slash, chroot = text.strip().partition("/")
    entries = [entry.strip() for entry in hosts.replace(";", ",").split(",") if entry.strip()]
    if not 0 < len(entries) <= SERVER_LIMIT:
        raise ValueError("ZooKeeper servers such as zk1:2181,zk2:2181")
    servers = (*[parse_address(entry, DEFAULT_PORT) for entry in entries],)
    chroot = (slash + chroot).rstrip(";,/ ")
    return Ensemble(servers, chroot)


class ZooKeeperSession:
    """A session with one of the servers, opened when first needed and again when it was lost.

    Not for several threads at once. `last` is the stat of the last node found, None when it was not
    there: with its `czxid` and `ephemeral_owner` a caller can tell a node from one of an earlier
    session. No pings are sent: the session lives as long as it is asked more often than it times out.
    """

    __slots__ = ("_connection", "_ensemble", "_next_server", "_timeout_ms", "_xid", "last")

    def __init__(self, ensemble: Ensemble, timeout_ms: int = 30_000) -> None:
        self._ensemble = ensemble
        self._timeout_ms = timeout_ms
        self._connection: Connection | None = None
        self._next_server = 0
        self._xid = 0
        self.last: Stat | None = None

    def exists(self, path: str, deadline: Deadline) -> Stat | None:
        """Return the stat of `path` under the chroot, or None; raises CheckFailed.

        The answer of a fresh session is no older than the session: the server that answers has seen
        the transaction that opened it. A kept one may see a change some milliseconds late.
        """
        if self._connection is not None:
            try:
                return self._ask(self._connection, path, deadline)
            except (CheckFailed, OSError):
                # The server went away or let the session expire while nobody asked: not an answer.
                self._drop()
                deadline.remaining()
        return self._ask(self._open(deadline), path, deadline)

    def open(self, deadline: Deadline) -> None:
        """Open the session now; raises CheckFailed when no server grants one."""
        self._open(deadline)

    def close(self, deadline: Deadline) -> None:
        """End the session at the server, without waiting for it longer than the deadline."""
        if self._connection is None:
            return
        try:
            self._connection.renew(deadline)
            self._send(self._connection, jute.close_request(self._take_xid()))
            self._receive(self._connection)
        except (CheckFailed, OSError, ValueError):
            pass
        finally:
            self._drop()

    def _ask(self, connection: Connection, path: str, deadline: Deadline) -> Stat | None:
        xid = self._take_xid()
        connection.renew(deadline)
        try:
            self._send(connection, jute.exists_request(xid, self._ensemble.chroot + path))
            reply = jute.parse_reply(self._receive(connection))
            if reply.xid != xid:
                raise CheckFailed("not a ZooKeeper answer")
            match reply.error:
                case jute.OK:
                    self.last = jute.parse_stat(reply.body)
                case jute.NO_NODE:
                    self.last = None
                case code:
                    raise CheckFailed(jute.error_words(code))
        except ValueError:
            self._drop()
            raise CheckFailed("not a ZooKeeper answer") from None
        except (CheckFailed, OSError):
            self._drop()
            raise
        return self.last

    def _open(self, deadline: Deadline) -> Connection:
        """Open a session with the first server that grants one, beginning after the last one used."""
        servers = self._ensemble.servers
        start = self._next_server % len(servers)
        self._next_server = start + 1
        in_turn = servers[start:] + servers[:start]
        self._connection = ask_in_turn(in_turn, deadline, self._shake_hands)
        return self._connection

    def _shake_hands(self, host: str, port: int, deadline: Deadline) -> Connection:
        connection = Connection(connect(host, port, deadline), deadline)
        try:
            self._send(connection, jute.connect_request(self._timeout_ms))
            welcome = jute.parse_welcome(self._receive(connection))
            if welcome.session == 0 or welcome.timeout <= 0:
                raise CheckFailed("no session granted")
        except ValueError:
            connection.close()
            raise CheckFailed("not a ZooKeeper answer") from None
        except BaseException:
            connection.close()
            raise
        return connection

    def _take_xid(self) -> int:
        # Positive: negative numbers are pings, watches and the like.
        self._xid = self._xid % 0x7FFFFFF0 + 1
        return self._xid

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def _send(connection: Connection, message: bytes) -> None:
        connection.send(jute.frame(message))

    @staticmethod
    def _receive(connection: Connection) -> bytes:
        length = jute.frame_length(connection.receive_exactly(4))
        return connection.receive_exactly(length)


def ask_serving(ensemble: Ensemble, deadline: Deadline) -> None:
    """Return when one of the servers serves requests; raises CheckFailed.

    Asks `srvr`, which ZooKeeper allows whatever its whitelist says. Where what answers does not
    allow it (there are other servers that speak this protocol) a session is opened and closed.
    """
    ask_in_turn(ensemble.servers, deadline, _ask_server)


def _ask_server(host: str, port: int, deadline: Deadline) -> None:
    if not _ask_srvr(host, port, deadline):
        session = ZooKeeperSession(Ensemble(((host, port),)), timeout_ms=4_000)
        session.open(deadline)
        session.close(deadline)


def _ask_srvr(host: str, port: int, deadline: Deadline) -> bool:
    """Return True when the server says that it serves, False when it may not say."""
    with Connection(connect(host, port, deadline), deadline, SRVR_LIMIT) as connection:
        connection.send(b"srvr")
        answer = bytearray()
        while data := connection.receive():
            answer += data
    if b"not currently serving requests" in answer:
        raise CheckFailed("not serving requests: no quorum yet")
    if b"not in the whitelist" in answer:
        return False
    if not answer:
        raise CheckFailed("closed without an answer")
    if b"Mode: " not in answer:
        raise CheckFailed("not a ZooKeeper answer")
    return True


def ask_node(session: ZooKeeperSession, path: str, expect: str, deadline: Deadline) -> None:
    """Return when the node is `present` or `absent`, as `expect` says; raises SaidNo or CheckFailed.

    `absent` as a gate is how a node of otter waits until the ephemeral of its killed predecessor is
    gone: started before that it would hang for ever, with all its ports open.
    """
    if not path.startswith("/") or expect not in {"present", "absent"}:
        raise ValueError("a path such as /otter/node/7, and present or absent")
    stat = session.exists(path, deadline)
    match expect, stat:
        case "present", None:
            raise SaidNo(f"no {path}")
        case "absent", jute.Stat():
            owner = stat.ephemeral_owner & 0xFFFF_FFFF_FFFF_FFFF
            raise SaidNo(f"{path} still there" + (f", of session 0x{owner:x}" if owner else ""))
        case _:
            return
