from __future__ import annotations

import socket
import struct
from collections.abc import Callable

import pytest
from check_actors import Actor, receive_exactly
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrypoint.plan.model import CheckPlan
from entrypoint.system.checks import jute
from entrypoint.system.checks.result import CheckResult, Deadline
from entrypoint.system.checks.run import Kept, run
from entrypoint.system.checks.zookeeper import ZooKeeperSession, parse_servers

Ask = Callable[..., CheckResult]
Says = Callable[[bytes], Actor]

NODE = (0x101, 0x101, 5, 5, 0, 0, 0, 0xABC, 2, 0, 0x101)


def welcome(session: int = 0x51, timeout: int = 30_000) -> bytes:
    return jute.frame(struct.pack(">iiqi16s?", 0, timeout, session, 16, bytes(16), False))


def reply(xid: int, error: int = 0, body: bytes = b"") -> bytes:
    return jute.frame(struct.pack(">iqi", xid, 0x102, error) + body)


def receive_frame(client: socket.socket) -> bytes:
    return receive_exactly(client, *struct.unpack(">i", receive_exactly(client, 4)))


class Ensemble:
    """A ZooKeeper of the test: counts sessions, and answers every `exists` from `nodes`."""

    def __init__(self) -> None:
        self.sessions = 0
        self.closed = 0
        self.nodes: set[str] = set()
        self.questions_per_connection = 1000

    def talk(self, client: socket.socket) -> None:
        receive_frame(client)
        self.sessions += 1
        client.sendall(welcome(self.sessions))
        for _ in range(self.questions_per_connection):
            request = receive_frame(client)
            xid, kind = struct.unpack_from(">ii", request)
            if kind == -11:
                self.closed += 1
                client.sendall(reply(xid))
                return
            path = request[12:-1].decode()
            found = path in self.nodes
            body = struct.pack(">qqqqiiiqiiq", *NODE) if found else b""
            client.sendall(reply(xid, 0 if found else jute.NO_NODE, body))


@pytest.fixture
def ensemble(actor: Callable[..., Actor]) -> tuple[Ensemble, str]:
    one = Ensemble()
    return one, actor(one.talk).address


@pytest.mark.parametrize("mode", ["standalone", "leader", "follower", "observer"])
def test_srvr_ok(says: Says, ask: Ask, mode: str) -> None:
    server = says(f"Zookeeper version: 3.9.3\nMode: {mode}\nNode count: 5\n".encode())
    assert ask("zookeeper", servers=server.address).detail == "ok"


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (
            b"This ZooKeeper instance is not currently serving requests\n",
            "not serving requests: no quorum yet",
        ),
        (b"", "closed without an answer"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not a ZooKeeper answer"),
        (b"x" * 100_000, "the answer is too long"),
    ],
)
def test_srvr_wrong(says: Says, ask: Ask, answer: bytes, detail: str) -> None:
    assert ask("zookeeper", servers=says(answer).address).detail == detail


def test_refused(refused: str, ask: Ask) -> None:
    assert ask("zookeeper", servers=refused).detail == "refused"


def test_one_living_server_is_enough(says: Says, refused: str, ask: Ask) -> None:
    server = says(b"Mode: leader\n")
    assert ask("zookeeper", servers=f"{refused},{server.address}").ok
    assert ask("zookeeper", servers=f"{refused};{server.address};").ok


def test_all_dead_names_each(says: Says, refused: str, ask: Ask) -> None:
    server = says(b"")
    result = ask("zookeeper", servers=f"{refused},{server.address}")
    assert result.detail == f"{refused} refused, {server.address} closed without an answer"


def test_where_srvr_is_not_allowed_a_session_is_opened(
    actor: Callable[..., Actor], ask: Ask
) -> None:
    sessions: list[bytes] = []

    def talk(client: socket.socket) -> None:
        first = receive_exactly(client, 4)
        if first == b"srvr":
            client.sendall(b"srvr is not executed because it is not in the whitelist.\n")
            return
        sessions.append(receive_exactly(client, *struct.unpack(">i", first)))
        client.sendall(welcome())
        (xid,) = struct.unpack_from(">i", receive_frame(client))
        client.sendall(reply(xid))

    assert ask("zookeeper", servers=actor(talk).address).detail == "ok"
    assert len(sessions) == 1


def test_a_slow_drip_does_not_extend_the_time(drips: Says, ask: Ask) -> None:
    server = drips(b"Mode: standalone\n" * 20)
    assert ask("zookeeper", 0.3, servers=server.address).detail == "no answer in 300ms"
    server = drips(welcome() + b"x" * 200)
    result = ask("zookeeper", 0.3, servers=server.address, path="/a")
    assert result.detail == "no answer in 300ms"


def test_present_and_absent(ensemble: tuple[Ensemble, str], ask: Ask) -> None:
    server, address = ensemble
    node = {"servers": address, "path": "/otter/node/7"}
    assert ask("zookeeper", **node, expect="absent").detail == "ok"
    assert ask("zookeeper", **node, expect="present").detail == "no /otter/node/7"
    assert ask("zookeeper", **node).detail == "no /otter/node/7"
    server.nodes.add("/otter/node/7")
    assert ask("zookeeper", **node).detail == "ok"
    result = ask("zookeeper", **node, expect="absent")
    assert result.detail == "/otter/node/7 still there, of session 0xabc"


def test_only_a_server_that_answers_says_no(
    actor: Callable[..., Actor],
    ensemble: tuple[Ensemble, str],
    says: Says,
    drips: Says,
    refused: str,
) -> None:
    """A restart may follow a no: a ZooKeeper that is away, slow or unable to answer says none."""
    server, address = ensemble
    server.nodes.add("/here")

    def asked(servers: str, path: str, expect: str = "present") -> CheckResult:
        arguments = (("servers", servers), ("path", path), ("expect", expect))
        return run(CheckPlan("x", "zookeeper", "x", arguments, timeout=0.3), Kept())

    def without_quorum(client: socket.socket) -> None:
        receive_frame(client)
        client.sendall(welcome())
        (xid,) = struct.unpack_from(">i", receive_frame(client))
        client.sendall(reply(xid, -4))

    assert asked(address, "/here").ok
    assert not asked(address, "/here").said_no
    assert asked(address, "/here", "absent").said_no
    assert asked(address, "/gone").said_no
    others = [says(b""), says(welcome(session=0)), drips(welcome()), actor(without_quorum)]
    for servers in (refused, *[one.address for one in others]):
        result = asked(servers, "/gone")
        assert (result.ok, result.said_no) == (False, False), result


def test_the_session_is_kept_between_askings(ensemble: tuple[Ensemble, str], ask: Ask) -> None:
    server, address = ensemble
    for _ in range(5):
        ask("zookeeper", servers=address, path="/a")
    assert server.sessions == 1


def test_a_lost_session_is_opened_again_within_the_same_asking(
    ensemble: tuple[Ensemble, str], ask: Ask
) -> None:
    server, address = ensemble
    server.nodes.add("/a")
    server.questions_per_connection = 1
    for _ in range(3):
        assert ask("zookeeper", servers=address, path="/a").detail == "ok"
    assert server.sessions == 3


def test_chroot(ensemble: tuple[Ensemble, str], ask: Ask) -> None:
    server, address = ensemble
    server.nodes.add("/prod/otter/node/7")
    assert ask("zookeeper", servers=f"{address}/prod", path="/otter/node/7").ok


def test_close_ends_the_session_at_the_server(ensemble: tuple[Ensemble, str]) -> None:
    server, address = ensemble
    session = ZooKeeperSession(parse_servers(address))
    session.exists("/a", Deadline(5))
    session.close(Deadline(5))
    session.close(Deadline(5))
    assert server.closed == 1


def test_the_stat_is_kept_for_callers(ensemble: tuple[Ensemble, str]) -> None:
    server, address = ensemble
    server.nodes.add("/a")
    session = ZooKeeperSession(parse_servers(address))
    stat = session.exists("/a", Deadline(5))
    assert stat is not None
    assert (stat.czxid, stat.ctime, stat.ephemeral_owner) == (0x101, 5, 0xABC)
    assert session.last == stat
    server.nodes.clear()
    assert session.exists("/a", Deadline(5)) is None
    assert session.last is None
    session.close(Deadline(5))


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (b"", "closed the connection"),
        (welcome(session=0), "no session granted"),
        (welcome(timeout=0), "no session granted"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not a ZooKeeper answer"),
        (jute.frame(b"short"), "not a ZooKeeper answer"),
        (welcome() + reply(99), "not a ZooKeeper answer"),
        (welcome() + reply(1, body=b"short"), "not a ZooKeeper answer"),
        (welcome() + reply(1, -102), "no permission"),
        (welcome() + reply(1, -124), "the server wants SASL"),
        (welcome() + reply(1, -77), "error -77"),
        (welcome()[:-3], "closed the connection"),
    ],
)
def test_a_session_with_a_wrong_answer(
    actor: Callable[..., Actor], ask: Ask, answer: bytes, detail: str
) -> None:
    def talk(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(answer)
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass

    assert ask("zookeeper", servers=actor(talk).address, path="/a").detail == detail


@pytest.mark.parametrize(
    ("text", "servers", "chroot"),
    [
        ("zk", (("zk", 2181),), ""),
        ("a:1,b:2/c/d", (("a", 1), ("b", 2)), "/c/d"),
        ("127.0.0.1:2181;127.0.0.2:2182;", (("127.0.0.1", 2181), ("127.0.0.2", 2182)), ""),
        ("[::1]:1, b/", (("::1", 1), ("b", 2181)), ""),
    ],
)
def test_servers(text: str, servers: tuple[tuple[str, int], ...], chroot: str) -> None:
    parsed = parse_servers(text)
    assert (parsed.servers, parsed.chroot) == (servers, chroot)


@pytest.mark.parametrize("text", ["", ";,", "/chroot", "a:b", ",".join("h" * 40)])
def test_servers_refused(text: str, ask: Ask) -> None:
    assert ask("zookeeper", servers=text).detail.startswith("cannot ask: expected ")


@pytest.mark.parametrize(("path", "expect"), [("otter", "present"), ("/otter", "maybe")])
def test_arguments_refused(path: str, expect: str, ask: Ask, refused: str) -> None:
    result = ask("zookeeper", servers=refused, path=path, expect=expect)
    assert result.detail.startswith("cannot ask: expected a path such as")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    prefix=st.sampled_from([b"", b"Mode: ", welcome(), welcome() + reply(1)]),
    data=st.binary(max_size=200),
    path=st.sampled_from(["", "/a"]),
)
def test_any_bytes_give_a_result(
    says: Says, ask: Ask, prefix: bytes, data: bytes, path: str
) -> None:
    server = says(prefix + data)
    result = ask("zookeeper", servers=server.address, path=path)
    server.close()
    assert result.detail
    assert "cannot ask" not in result.detail
