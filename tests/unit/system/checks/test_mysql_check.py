from __future__ import annotations

import socket
import struct
from collections.abc import Callable

import pytest
from check_actors import Actor, receive_exactly
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrypoint.system.checks.result import CheckResult
from entrypoint.values import Secret

Ask = Callable[..., CheckResult]
Says = Callable[[bytes], Actor]

PASSWORD = "geheim-42"
OK = b"\x00\x00\x00\x02\x00\x00\x00"
# Long flags, protocol 4.1, secure connection, plug-in authentication, connect with database.
CAPABILITIES = 0x1 | 0x8 | 0x200 | 0x8000 | 0x80000
TLS = 0x800


def packet(number: int, payload: bytes) -> bytes:
    return struct.pack("<I", len(payload))[:3] + bytes([number]) + payload


def greeting(plugin: bytes = b"mysql_native_password", capabilities: int = CAPABILITIES) -> bytes:
    return packet(
        0,
        b"\x0a8.0.36\x00" + struct.pack("<I", 7) + b"saltsalt\x00"
        + struct.pack("<HBHHB", capabilities & 0xFFFF, 33, 2, capabilities >> 16, 21)
        + bytes(10) + b"saltsaltsalt\x00" + plugin + b"\x00",
    )  # fmt: skip


def error(code: int, text: str = "words", number: int = 2) -> bytes:
    return packet(number, b"\xff" + struct.pack("<H", code) + b"#HY000" + text.encode())


def receive_packet(client: socket.socket) -> bytes:
    head = receive_exactly(client, 4)
    return receive_exactly(client, int.from_bytes(head[:3], "little"))


def check(ask: Ask, address: str, timeout: float = 5.0, table: str = "CHANNEL") -> CheckResult:
    return ask(
        "mysql",
        timeout,
        url=f"jdbc:mysql://{address}/otter",
        user="otter",
        password=Secret(PASSWORD),
        table=table,
    )


class Server:
    """A MySQL of the test: says its greeting, then one answer to each packet that comes."""

    def __init__(self, *answers: bytes, first: bytes | None = None) -> None:
        self.answers = answers
        self.first = greeting() if first is None else first
        self.received: list[bytes] = []

    def talk(self, client: socket.socket) -> None:
        client.sendall(self.first)
        for answer in self.answers:
            self.received.append(receive_packet(client))
            client.sendall(answer)
        client.shutdown(socket.SHUT_WR)
        while data := client.recv(65536):
            self.received.append(data)


def test_a_login_and_a_table(actor: Callable[..., Actor], ask: Ask) -> None:
    server = Server(packet(2, OK), packet(1, OK), packet(1, OK))
    assert check(ask, actor(server.talk).address).detail == "ok"
    login, names, query = server.received[:3]
    assert b"otter\x00" in login
    assert PASSWORD.encode() not in login
    assert b"SET NAMES" in names
    assert query == b"\x03SELECT 1 FROM `CHANNEL` LIMIT 0"


def test_a_table_name_is_quoted(actor: Callable[..., Actor], ask: Ask) -> None:
    server = Server(packet(2, OK), packet(1, OK), packet(1, OK))
    assert check(ask, actor(server.talk).address, table="a`; DROP").ok
    assert server.received[2] == b"\x03SELECT 1 FROM `a``; DROP` LIMIT 0"


def test_without_a_table_only_the_login(actor: Callable[..., Actor], ask: Ask) -> None:
    server = Server(packet(2, OK), packet(1, OK))
    assert check(ask, actor(server.talk).address, table="").ok
    assert not any(b"SELECT" in data for data in server.received)


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (error(1045), "access denied for otter"),
        (error(1698), "access denied for otter"),
        (error(1044), "access denied for otter to database otter"),
        (error(1049), "unknown database otter"),
        (error(1999, "something\x1b[31m\nelse"), "error 1999: something [31m else"),
        (b"", "not up yet: closed the connection"),
    ],
)
def test_the_login_is_refused(
    actor: Callable[..., Actor], ask: Ask, answer: bytes, detail: str
) -> None:
    assert check(ask, actor(Server(answer).talk).address).detail == detail


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        (1146, "no table CHANNEL in otter"),
        (1142, "access denied for otter to table CHANNEL"),
    ],
)
def test_the_table_is_refused(
    actor: Callable[..., Actor], ask: Ask, code: int, detail: str
) -> None:
    server = Server(packet(2, OK), packet(1, OK), error(code, number=1))
    assert check(ask, actor(server.talk).address).detail == detail


@pytest.mark.parametrize(
    ("first", "detail"),
    [
        (b"", "not up yet: closed the connection"),
        (error(1040, number=0), "not up yet: too many connections"),
        (error(1130, number=0), "this host may not connect"),
        (error(1129, number=0), "this host is blocked after too many errors"),
        (b"SSH-2.0-OpenSSH_9.2\r\n" * 50, "not a MySQL answer"),
        (packet(0, b"\x0a"), "not a MySQL answer"),
        (packet(0, b"\x0anumber.\x00" + bytes(40)), "not a MySQL answer"),
    ],
)
def test_a_wrong_greeting(actor: Callable[..., Actor], ask: Ask, first: bytes, detail: str) -> None:
    result = check(ask, actor(Server(first=first).talk).address)
    assert result.detail.partition(": Packet sequence")[0] == detail


def test_refused(refused: str, ask: Ask) -> None:
    assert check(ask, refused).detail == "refused"


def test_silence(actor: Callable[..., Actor], ask: Ask) -> None:
    server = actor(lambda client: server.ended.wait(20))
    assert check(ask, server.address, 0.2).detail == "no answer in 200ms"


def test_a_slow_drip_does_not_extend_the_time(drips: Says, ask: Ask) -> None:
    # An error that would say "too many connections" when it were waited for.
    server = drips(error(1040, "x" * 200, number=0))
    assert check(ask, server.address, 0.3).detail == "no answer in 300ms"


def test_packets_without_end_are_cut_off(actor: Callable[..., Actor], ask: Ask) -> None:
    def talk(client: socket.socket) -> None:
        # Closed after 64 MiB: without a limit the answer would be "closed the connection".
        for number in range(4):
            client.sendall(b"\xff\xff\xff" + bytes([number]) + bytes(0xFFFFFF))

    assert check(ask, actor(talk).address).detail == "the answer is too long"


@pytest.mark.parametrize("plugin", [b"mysql_clear_password", b"dialog"])
def test_the_password_is_never_sent_in_clear_text(
    actor: Callable[..., Actor], ask: Ask, plugin: bytes
) -> None:
    server = Server(packet(2, b"\xfe" + plugin + b"\x00\x02Password: \x00"), packet(4, OK))
    result = check(ask, actor(server.talk).address)
    assert result.detail == "the server asks for the password in clear text: refused"
    assert not any(PASSWORD.encode() in data for data in server.received)


def test_a_login_that_would_need_tls_says_so(actor: Callable[..., Actor], ask: Ask) -> None:
    full_login = packet(2, b"\x01\x04")
    key = packet(4, b"\x01-----BEGIN PUBLIC KEY-----")
    server = Server(full_login, key, first=greeting(b"caching_sha2_password"))
    result = check(ask, actor(server.talk).address)
    assert not result.ok
    assert result.detail.startswith(("cannot log in: ", "not a MySQL answer"))
    assert not any(PASSWORD.encode() in data for data in server.received)


def test_tls_that_cannot_be_spoken_is_given_up(actor: Callable[..., Actor], ask: Ask) -> None:
    """Its greeting offers TLS and its handshake is none: the second try goes without."""
    tries: list[bool] = []

    def talk(client: socket.socket) -> None:
        client.sendall(greeting(capabilities=CAPABILITIES | TLS))
        login = receive_packet(client)
        (flags,) = struct.unpack_from("<I", login)
        tries.append(bool(flags & TLS))
        if flags & TLS:
            client.recv(65536)
            client.sendall(b"not a TLS record at all")
        else:
            client.sendall(packet(2, OK))
            for _ in range(2):
                receive_packet(client)
                client.sendall(packet(1, OK))

    assert check(ask, actor(talk).address).detail == "ok"
    assert tries == [True, False]


def test_the_second_host_is_tried(actor: Callable[..., Actor], refused: str, ask: Ask) -> None:
    server = Server(packet(2, OK), packet(1, OK), packet(1, OK))
    assert check(ask, f"{refused},{actor(server.talk).address}").ok


def test_all_hosts_are_named(
    says: Says, actor: Callable[..., Actor], refused: str, ask: Ask
) -> None:
    other = actor(Server(error(1045)).talk).address
    result = check(ask, f"{refused},{other}")
    assert result.detail == f"{refused} refused, {other} access denied for otter"


def test_a_url_that_is_none(ask: Ask) -> None:
    result = ask("mysql", url=f"jdbc:oracle:{PASSWORD}", user="otter")
    assert result.detail.startswith("cannot ask: expected a JDBC URL")
    assert PASSWORD not in result.detail


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    first=st.sampled_from([b"", b"\x0a8.0\x00", b"\xff", b"greeting", b"login", b"tls"]),
    data=st.binary(max_size=150),
    framed=st.booleans(),
)
def test_any_bytes_give_a_result(
    actor: Callable[..., Actor], ask: Ask, first: bytes, data: bytes, framed: bool
) -> None:
    match first:
        case b"greeting":
            play = Server(packet(2, data) if framed else data)
        case b"login":
            play = Server(packet(2, OK), packet(1, data) if framed else data)
        case b"tls":
            play = Server(data, first=greeting(capabilities=CAPABILITIES | TLS))
        case _:
            play = Server(first=packet(0, first + data) if framed else first + data)
    server = actor(play.talk)
    result = check(ask, server.address)
    server.close()
    assert result.detail
    assert "cannot ask" not in result.detail
    assert PASSWORD not in result.detail
