from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from entrypoint.system.checks import sockets
from entrypoint.system.checks.result import CheckFailed, CheckResult, Deadline
from entrypoint.system.checks.sockets import Connection, ask_in_turn, connect, lookup

if TYPE_CHECKING:
    from check_actors import Actor

Ask = Callable[..., CheckResult]


def test_tcp_ok(actor: Callable[..., Actor], ask: Ask) -> None:
    assert ask("tcp", address=actor(lambda client: None).address).detail == "ok"


def test_tcp_over_ipv6(actor: Callable[..., Actor], ask: Ask) -> None:
    server = actor(lambda client: None, socket.AF_INET6)
    assert server.address.startswith("[::1]:")
    assert ask("tcp", address=server.address).ok


def test_tcp_refused(refused: str, ask: Ask) -> None:
    assert ask("tcp", address=refused).detail == "refused"


@contextlib.contextmanager
def unreachable() -> Iterator[tuple[str, int]]:
    """Give an address where a connect hangs, as with a host that packets do not reach.

    Linux drops the SYN when a listener's queue is full.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        yield address
        for filler in fillers:
            filler.close()


def test_tcp_connect_that_hangs(ask: Ask) -> None:
    with unreachable() as address:
        result = ask("tcp", 0.3, address="{}:{}".format(*address))
    assert result.detail == "no connection in 300ms"


def test_an_address_that_hangs_leaves_time_for_the_next(
    actor: Callable[..., Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = actor(lambda client: None)
    with unreachable() as dead:
        endpoints = [(socket.AF_INET, dead), (socket.AF_INET, ("127.0.0.1", server.port))]
        monkeypatch.setattr(sockets, "_getaddrinfo", lambda *_: tuple(endpoints))
        connect("db", server.port, Deadline(1.0)).close()


@pytest.mark.parametrize("address", ["", "host", ":1", "host:0", "a b:1", "::1:80"])
def test_tcp_address_refused(address: str, ask: Ask) -> None:
    assert ask("tcp", address=address).detail == "cannot ask: expected an address such as host:2181"


def test_a_name_is_looked_up(actor: Callable[..., Actor], ask: Ask) -> None:
    assert ask("tcp", address=f"localhost:{actor(lambda client: None).port}").ok


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 300, "a..b", "é" * 100, "a\0b"])
def test_an_unknown_host(host: str) -> None:
    # Without a network the resolver says "try again" where it would say "unknown".
    with pytest.raises(CheckFailed, match=r"unknown host|DNS does not answer"):
        lookup(host, 80, Deadline(20))


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uses one lookup thread however often it is asked, and its late answer when it comes."""
    release, calls = threading.Event(), []

    def slow(host: str, port: int, flags: int) -> tuple[sockets.Endpoint, ...]:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "not numeric")
        calls.append(host)
        release.wait(20)
        return ((socket.AF_INET, ("127.0.0.1", port)),)

    monkeypatch.setattr(sockets, "_getaddrinfo", slow)
    for _ in range(3):
        with pytest.raises(CheckFailed, match="DNS did not answer for slow in 50ms"):
            lookup("slow", 80, Deadline(0.05))
    assert calls == ["slow"]
    threading.Timer(0.05, release.set).start()
    assert lookup("slow", 80, Deadline(10)) == ((socket.AF_INET, ("127.0.0.1", 80)),)
    assert calls == ["slow"]


def test_the_next_address_is_tried_when_the_first_refuses(
    actor: Callable[..., Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = actor(lambda client: None)
    endpoints = (
        (socket.AF_INET6, ("::1", server.port, 0, 0)),
        (socket.AF_INET, ("127.0.0.1", server.port)),
    )
    monkeypatch.setattr(sockets, "_getaddrinfo", lambda *_: endpoints)
    connect("db", server.port, Deadline(5)).close()


def test_an_answer_beyond_the_budget(actor: Callable[..., Actor]) -> None:
    server = actor(lambda client: client.sendall(b"x" * 100_000))
    deadline = Deadline(5)
    with Connection(connect("127.0.0.1", server.port, deadline), deadline, 50_000) as connection:

        def read_all() -> None:
            while connection.receive():
                pass

        with pytest.raises(CheckFailed, match="too long"):
            read_all()


def test_receive_exactly_never_asks_for_more(actor: Callable[..., Actor]) -> None:
    server = actor(lambda client: client.sendall(b"abcdef"))
    deadline = Deadline(5)
    with Connection(connect("127.0.0.1", server.port, deadline), deadline) as connection:
        assert connection.receive_exactly(4) == b"abcd"
        with pytest.raises(CheckFailed, match="closed the connection"):
            connection.receive_exactly(4)


@pytest.mark.parametrize("read", ["receive_exactly", "receive"])
def test_a_drip_does_not_extend_the_deadline(drips: Callable[..., Actor], read: str) -> None:
    # Whole after 2 s: with a time-out for each read it would be had.
    server = drips(b"x" * 100)
    deadline = Deadline(0.3)
    with Connection(connect("127.0.0.1", server.port, deadline), deadline) as connection:

        def read_all() -> None:
            if read == "receive_exactly":
                connection.receive_exactly(100)
                return
            while connection.receive():
                pass

        with pytest.raises(CheckFailed, match="no answer in 300ms"):
            read_all()


def test_in_turn_gives_each_its_share_and_every_reason() -> None:
    now = [0.0]
    shares: list[float] = []

    def fail(host: str, port: int, deadline: Deadline) -> None:
        shares.append(deadline.remaining())
        now[0] += deadline.remaining()
        raise {
            "a": CheckFailed("refused"),
            "b": TimeoutError(),
            "c": ConnectionResetError(104, "x"),
        }[host]

    with pytest.raises(CheckFailed) as caught:
        ask_in_turn([("a", 1), ("b", 2), ("c", 3)], Deadline(9.0, lambda: now[0]), fail)
    assert caught.value.detail == "a:1 refused, b:2 no answer in 9s, c:3 connection reset"
    assert shares == [3.0, 3.0, 3.0]


def test_in_turn_stops_at_the_first_answer() -> None:
    asked = []

    def answer(host: str, port: int, deadline: Deadline) -> str:
        asked.append(host)
        return host

    assert ask_in_turn([("a", 1), ("b", 2)], Deadline(1), answer) == "a"
    assert asked == ["a"]


def test_a_deadline_is_over_at_its_end() -> None:
    now = [10.0]
    deadline = Deadline(2.0, lambda: now[0])
    now[0] = 11.5
    assert deadline.remaining() == 0.5
    assert deadline.elapsed() == 1.5
    now[0] = 12.0
    with pytest.raises(TimeoutError):
        deadline.remaining()
