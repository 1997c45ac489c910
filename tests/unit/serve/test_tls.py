"""The TLS of the port, by a real client: what is spoken, what is refused, and what it costs."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from entrypoint.serve.connection import Connection
from entrypoint.serve.http import Server
from entrypoint.serve.messages import Request, Response
from entrypoint.serve.tls import Channel, UnusableError, make_context
from lab import certificates
from lab.certificates import KeyPair
from lab.needs import need

GET = b"GET /x HTTP/1.1\r\nHost: pod\r\n\r\n"
CLOSE = b"GET /x HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n"
BIG = b"x" * 3_000_000


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, KeyPair]:
    openssl, folder = need("openssl"), tmp_path_factory.mktemp("keys")
    return {
        "ec": certificates.make(openssl, folder / "ec"),
        "rsa": certificates.make(openssl, folder / "rsa", "rsa"),
        "locked": certificates.make(openssl, folder / "locked", passphrase="open sesame"),
    }


class Door:
    """What `Guard` is to the server: here everybody may ask."""

    def __init__(self, pair: KeyPair) -> None:
        self.context = make_context(str(pair.certificate), str(pair.key))

    def channel(self) -> Channel:
        return Channel(self.context)

    def refusal(self, request: Request) -> Response | None:
        return None


def echo(request: Request) -> Response:
    if request.path == "/big":
        return Response(200, BIG)
    return Response(200, f"{request.path} secure={request.secure}".encode())


class Lab:
    def __init__(self, stack: ExitStack, pair: KeyPair, **options: float) -> None:
        self.errors: list[Exception] = []
        self.stack = stack
        self.pair = pair
        self.door = Door(pair)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        self.server = Server(listener, echo, self.errors.append, self.door, **options)  # type: ignore[arg-type]
        self.server.start()
        stack.callback(self.server.stop)

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        self.stack.callback(client.close)
        return client

    def secure(self, **changes: object) -> ssl.SSLSocket:
        """Connect as a careful client does: it knows the root, and the name."""
        context = ssl.create_default_context(cafile=str(self.pair.certificate))
        for name, value in changes.items():
            setattr(context, name, value)
        client = context.wrap_socket(self.connect(), server_hostname=certificates.NAME)
        self.stack.callback(client.close)
        return client


@pytest.fixture
def start(pairs: dict[str, KeyPair]) -> Iterator[Callable[..., Lab]]:
    with ExitStack() as stack:
        yield lambda kind="ec", **options: Lab(stack, pairs[kind], **options)


def read_all(client: socket.socket) -> bytes:
    parts = []
    while chunk := client.recv(65536):
        parts.append(chunk)
    return b"".join(parts)


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_request_by_tls(start: Callable[..., Lab], kind: str) -> None:
    client = start(kind).secure()
    client.sendall(CLOSE)
    answer = read_all(client)  # an end without a farewell would raise
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"/x secure=True")
    assert client.version() == "TLSv1.3"


def test_many_requests_on_one_connection_pipelined(start: Callable[..., Lab]) -> None:
    client = start().secure()
    client.sendall(GET * 50 + CLOSE)
    assert read_all(client).count(b"/x secure=True") == 51


def test_a_big_answer_arrives_whole(start: Callable[..., Lab]) -> None:
    client = start().secure()
    client.sendall(CLOSE.replace(b"/x", b"/big"))
    assert read_all(client).endswith(b"\r\n\r\n" + BIG)


def test_byte_by_byte_by_hand(start: Callable[..., Lab]) -> None:
    """The handshake and the request come in pieces of one byte."""
    lab = start()
    context = ssl.create_default_context(cafile=str(lab.pair.certificate))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=certificates.NAME)
    client = lab.connect()

    def flush() -> None:
        for byte in outgoing.read():
            client.sendall(bytes((byte,)))

    while True:
        with suppress(ssl.SSLWantReadError):
            tls.do_handshake()
            break
        flush()
        incoming.write(client.recv(65536))
    tls.write(CLOSE)
    flush()
    incoming.write(read_all(client))
    assert tls.read(65536).endswith(b"/x secure=True")


def test_plain_and_tls_share_the_port(start: Callable[..., Lab]) -> None:
    lab = start()
    client = lab.connect()
    client.sendall(CLOSE)
    assert read_all(client).endswith(b"/x secure=False")


def test_older_versions_are_refused(start: Callable[..., Lab]) -> None:
    lab = start()
    with pytest.raises(ssl.SSLError, match=r"(?i)version"):
        lab.secure(maximum_version=ssl.TLSVersion.TLSv1_2)
    good = lab.secure()
    good.sendall(CLOSE)
    assert read_all(good).endswith(b"secure=True")


def test_http_1_is_what_is_agreed_on(start: Callable[..., Lab]) -> None:
    """A client in Go, as Prometheus is one, offers HTTP/2 first."""
    lab = start()
    context = ssl.create_default_context(cafile=str(lab.pair.certificate))
    context.set_alpn_protocols(["h2", "http/1.1"])
    client = context.wrap_socket(lab.connect(), server_hostname=certificates.NAME)
    assert client.selected_alpn_protocol() == "http/1.1"
    client.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16",
        b"\x16\x03\x01\x00\x05hello",
        b"\x16\x03\x01\xff\xff" + b"\0" * 70000,
        b"\x16\x03\x03\x00\x04\x01\x00\x00\x00",
        b"\x16" + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_a_broken_hello_ends_that_connection_alone(start: Callable[..., Lab], sent: bytes) -> None:
    lab = start(request_seconds=0.5)
    client = lab.connect()
    with suppress(OSError):
        client.sendall(sent)
        read_all(client)
    good = lab.secure()
    good.sendall(CLOSE)
    assert read_all(good).endswith(b"secure=True")
    assert lab.errors == []


def test_a_slow_handshake_has_the_time_of_a_request(start: Callable[..., Lab]) -> None:
    lab = start(request_seconds=0.3)
    client = lab.connect()
    client.sendall(b"\x16\x03\x01")  # and no more
    assert read_all(client) == b""
    assert not lab.server._connections


def test_a_handshake_that_ended_and_no_request_has_it_too(start: Callable[..., Lab]) -> None:
    lab = start(request_seconds=0.3)
    client = lab.secure()
    with suppress(ssl.SSLError):
        assert read_all(client) == b""


def test_a_request_that_came_too_slowly_is_told_so_by_tls(start: Callable[..., Lab]) -> None:
    lab = start(request_seconds=0.3)
    client = lab.secure()
    client.sendall(GET[:10])
    assert read_all(client).startswith(b"HTTP/1.1 408 ")


def test_resets_at_every_moment_harm_nobody(start: Callable[..., Lab]) -> None:
    lab = start()
    for number in range(40):
        client = lab.secure() if number % 2 else lab.connect()
        if number % 4 > 1:
            client.sendall(GET if number % 2 else b"\x16\x03\x01\x02")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    good = lab.secure()
    good.sendall(CLOSE)
    assert read_all(good).endswith(b"secure=True")
    assert lab.errors == []


def test_no_session_is_kept_of_a_client_that_is_gone(start: Callable[..., Lab]) -> None:
    """OpenSSL would keep 20,000 of them."""
    lab = start()
    for options in (ssl.OP_ALL, ssl.OP_ALL | ssl.OP_NO_TICKET):
        client = lab.secure(options=options)
        client.sendall(CLOSE)
        read_all(client)
        client.unwrap()
    assert lab.door.context.session_stats()["number"] == 0


def test_a_farewell_before_the_answer_does_not_cost_it(pairs: dict[str, KeyPair]) -> None:
    """The client says that it will send no more, and still reads."""
    context = make_context(str(pairs["ec"].certificate), str(pairs["ec"].key))
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    connection = Connection(ours, 0.0, lambda: Channel(context))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_context = ssl.create_default_context(cafile=str(pairs["ec"].certificate))
    tls = client_context.wrap_bio(incoming, outgoing, server_hostname=certificates.NAME)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    theirs.sendall(outgoing.read())
    connection.receive(0.0)
    connection.send()
    incoming.write(theirs.recv(65536))
    tls.do_handshake()
    tls.write(CLOSE)
    with suppress(ssl.SSLError):
        tls.unwrap()
    theirs.sendall(outgoing.read())
    connection.receive(0.0)
    assert connection.state == "reading"
    assert isinstance(connection.next_request(), Request)
    theirs.close()
    ours.close()


class TestTheKeyPair:
    def unusable(self, certificate: Path | str, key: Path | str) -> UnusableError:
        with pytest.raises(UnusableError) as caught:
            make_context(str(certificate), str(key))
        return caught.value

    def test_a_file_that_is_not_there(self, pairs: dict[str, KeyPair], tmp_path: Path) -> None:
        error = self.unusable(pairs["ec"].certificate, tmp_path / "none")
        assert (error.path, error.reason) == (str(tmp_path / "none"), "no such file")

    def test_what_is_no_file_is_not_waited_for(self, tmp_path: Path) -> None:
        assert "directory" in self.unusable(tmp_path, tmp_path).reason
        assert "device" in self.unusable("/dev/zero", "/dev/zero").reason

    def test_the_key_of_another_certificate(self, pairs: dict[str, KeyPair]) -> None:
        error = self.unusable(pairs["ec"].certificate, pairs["rsa"].key)
        assert "key" in error.reason

    def test_what_is_not_pem(self, pairs: dict[str, KeyPair], tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"\0not a certificate")
        pairs_of_paths = (
            (tmp_path / "x", pairs["ec"].key),
            (pairs["ec"].certificate, tmp_path / "x"),
        )
        for certificate, key in pairs_of_paths:
            assert "PEM file" in self.unusable(certificate, key).reason

    def test_a_passphrase_is_never_asked_for(self, pairs: dict[str, KeyPair]) -> None:
        """OpenSSL would ask on the terminal, and wait for ever."""
        error = self.unusable(pairs["locked"].certificate, pairs["locked"].key)
        assert error.reason == "the key has a passphrase"
