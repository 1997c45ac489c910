"""Attacks by HTTP on a real entrypoint, in the clear and by TLS.

While each goes on: probes are answered, descriptors, threads and memory are bounded. After it: java never
got to know, nobody saw a traceback, and everything is as before. `http_target` watches that.
"""

from __future__ import annotations

import random
import resource
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from entrypoint.serve.messages import MAX_HEAD
from hostile.http_target import CLOSE, PLACES, Target, keep_on, read_all
from lab import certificates
from lab.needs import need
from process.harness import Launcher

CROWD = 1000
ATTACK_SECONDS = 1.0
GET = b"GET /livez HTTP/1.1\r\nHost: pod\r\n\r\n"


@pytest.fixture(scope="module", autouse=True)
def descriptors() -> Iterator[None]:
    """A crowd of clients needs descriptors, here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def launch(folder: Path, secured: bool, **options: object) -> Iterator[Target]:
    launcher = Launcher(folder, as_pid1=True)
    pair = certificates.make(need("openssl"), folder / "tls") if secured else None
    try:
        yield Target(launcher, None if pair is None else pair.certificate, **options)
    finally:
        launcher.clean_up()


@pytest.fixture(scope="module", params=["plain", "tls"])
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    yield from launch(tmp_path_factory.mktemp("hostile"), request.param == "tls")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


def reset(client: socket.socket) -> None:
    """Close with an RST instead of an orderly end."""
    with suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def refused(target: Target, plain: int) -> int:
    """Return the status for what may be asked for plainly only where there is no TLS."""
    return plain if target.certificate is None else 403


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def test_heads_that_come_slowly(target: Target, stack: ExitStack) -> None:
    with target.attacked():
        clients = [stack.enter_context(target.connect()) for _ in range(3 * PLACES)]

        def drip() -> None:
            for client in clients:
                with suppress(OSError):
                    client.send(b"a")
            time.sleep(0.02)

        for client in clients:
            with suppress(OSError):
                client.send(b"GET / HTTP/1.1\r\nX-Slow: ")
        keep_on(drip, ATTACK_SECONDS)


def test_handshakes_and_bodies_that_come_slowly(target: Target, stack: ExitStack) -> None:
    with target.attacked():
        body = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
        for number in range(3 * PLACES):
            client = stack.enter_context(target.connect())
            with suppress(OSError):
                client.sendall(body if number % 2 else b"\x16\x03\x01\x02\x00\x01")
        time.sleep(ATTACK_SECONDS)


def test_answers_that_are_not_read(target: Target, stack: ExitStack) -> None:
    """The largest answers there are, asked for again and again by clients that never read."""
    with target.attacked():
        for _ in range(2 * PLACES):
            with suppress(OSError):
                client = stack.enter_context(target.secure(receive_buffer=4096))
                client.settimeout(0.05)
                client.sendall(
                    target.request(b"/").replace(b"Host", b"Accept: text/html\r\nHost") * 50
                )
        time.sleep(ATTACK_SECONDS)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX: " + b"a" * (1 << 20),
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200_000,
        b"GET /" + b"a" * (1 << 20),
        b"\r\n" * 500_000,
        b"GET /?" + b"a=b&" * 200_000,
        b"GET /" + b"%41" * 300_000,
    ],
    ids=("one header", "many headers", "path", "empty lines", "parameters", "escapes"),
)
def test_heads_that_are_too_large(target: Target, head: bytes) -> None:
    with target.attacked():
        for _ in range(10):
            answer = target.say(head)
            assert status(answer) in {0, 400, 431}


def test_the_largest_heads_that_are_read(target: Target) -> None:
    """What is within the limit costs no more than its size."""
    fill = MAX_HEAD - 200
    with target.attacked():
        for middle in (b"A:b\r\n" * (fill // 5), b"A: " + b"a" * fill + b"\r\n"):
            head = b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + middle + b"\r\n"
            assert status(target.say(head)) == 200
        for query in (
            b"verbose=" + b"&exclude=a" * (fill // 10),
            b"exclude=" + b"%41" * (fill // 3),
        ):
            head = b"GET /livez?" + query + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            assert status(target.say(head)) == 200


def test_thousands_of_requests_at_once(target: Target) -> None:
    with target.attacked(), target.connect() as client:
        count = 5000

        def send() -> None:
            client.sendall(GET * count + CLOSE % b"/readyz")

        thread = threading.Thread(target=send)
        thread.start()
        assert read_all(client).count(b"HTTP/1.1 200 OK") == count + 1
        thread.join()


def test_a_thousand_connections_at_once(target: Target, stack: ExitStack) -> None:
    with target.attacked():
        for number in range(CROWD):
            client = stack.enter_context(target.connect())
            with suppress(OSError):
                client.sendall((b"", GET, b"GET / HT", b"\x16")[number % 4])


def test_five_thousand_connections_one_after_another(target: Target) -> None:
    with target.attacked():
        for number in range(5 * CROWD):
            client = target.connect()
            with suppress(OSError):
                client.sendall((b"", GET, b"GET / HT", b"\x16\x03\x01")[number % 4])
            (reset if number % 2 else socket.socket.close)(client)


def test_handshakes_by_the_hundred(target: Target) -> None:
    """Each costs a signature; none leaves a session behind."""
    with target.attacked():
        for number in range(300):
            with suppress(OSError):
                client = target.secure()
                if number % 3 == 0:
                    client.sendall(target.request(b"/livez"))
                (reset if number % 2 else socket.socket.close)(client)


def test_half_open_and_half_closed_connections(target: Target, stack: ExitStack) -> None:
    with target.attacked():
        for number in range(2 * PLACES):
            client = stack.enter_context(target.connect())
            with suppress(OSError):
                if number % 2:
                    client.sendall(GET[: number % len(GET)])
                client.shutdown(socket.SHUT_WR)
        time.sleep(ATTACK_SECONDS)


def test_resets_in_the_middle(target: Target) -> None:
    generator = random.Random(7)
    with target.attacked():
        for number in range(400):
            secure = number % 4 == 0
            with suppress(OSError):
                client = target.secure() if secure else target.connect()
                client.sendall(target.request(b"/metrics")[: generator.randrange(90)])
                reset(client)


CASES = {
    "a body": (b"GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 413),
    "a chunked body": (
        b"GET /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        413,
    ),
    "two lengths": (
        b"GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n",
        413,
    ),
    "length and chunks": (
        b"GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nG",
        413,
    ),
    "an odd encoding": (
        b"GET /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n",
        400,
    ),
    "a blank before the colon": (
        b"GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello",
        400,
    ),
    "a folded header": (b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    "bare line feeds": (b"GET /livez HTTP/1.1\nHost: a\n\n" + b" " * MAX_HEAD, 431),
    "a bare carriage return": (b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
    "a NUL in the path": (b"GET /livez\0 HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "an escaped NUL": (b"GET /%00livez HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "a NUL in a header": (b"GET /livez HTTP/1.1\r\nHost: a\0b\r\n\r\n", 400),
    "no host": (b"GET /livez HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "an absolute target": (b"GET http://evil.example/livez HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "another scheme": (b"GET ftp://evil.example/livez HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a tunnel": (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "no path": (b"GET livez HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a walk": (b"GET /livez/../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "an escaped walk": (b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "a broken escape": (b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "bytes that are no text": (b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "the old HTTP": (b"GET /livez\r\n\r\n", 400),
    "the next HTTP": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "an upgrade": (
        b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        200,
    ),
    "an expectation": (b"GET /livez HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", 200),
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", 400),
    "a split header": (b"GET /%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: a\r\n\r\n", 404),
}


@pytest.mark.parametrize("name", CASES)
def test_odd_requests(target: Target, name: str) -> None:
    sent, expected = CASES[name]
    with target.connect() as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        answer = read_all(client)
    assert status(answer) == (
        refused(target, 404) if expected == 404 and name != "a walk" else expected
    )
    assert answer.count(b"Content-Length: ") == 1, "what follows was read as another request"
    assert b"X-Evil" not in answer.partition(b"\r\n\r\n")[0]
    target.unharmed()


def test_a_hello_on_a_plain_port_and_a_plain_word_by_tls(target: Target) -> None:
    if target.certificate is None:
        answer = target.say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200))
        assert status(answer) == 400 and b"use http" in answer
    else:
        assert status(target.say(CLOSE % b"/metrics")) == 403
    target.unharmed()


@pytest.mark.parametrize("path", [b"/", b"/metrics", b"/status", b"/livez", b"/readyz/x", b"/stop"])
def test_no_method_and_no_path_changes_anything(target: Target, path: bytes) -> None:
    """There is nothing to be changed by HTTP: only what is seen is asked for."""
    before = [p.stat().st_mtime_ns for p in sorted((target.launcher.folder / "run").rglob("*"))]
    methods = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PURGE", "get", "X")
    for method in methods:
        request = target.request(path).replace(b"GET", method.encode(), 1)
        with target.secure() as client:
            client.sendall(request)
            answer = read_all(client)
        assert status(answer) == 405 and b"\r\nAllow: GET, HEAD\r\n" in answer
    for method in (b"GET", b"HEAD"):
        with target.secure() as client:
            close = target.request(path).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            client.sendall(close.replace(b"GET", method, 1))
            assert status(read_all(client)) in {200, 404}
    after = [p.stat().st_mtime_ns for p in sorted((target.launcher.folder / "run").rglob("*"))]
    assert after == before
    target.unharmed()


@pytest.mark.parametrize("secured", [False, True], ids=("plain", "tls"))
def test_a_stop_in_the_middle_of_it(tmp_path: Path, stack: ExitStack, secured: bool) -> None:
    """Java gets TERM, whatever the HTTP thread has to do; the end does not wait for its clients."""
    for target in launch(tmp_path, secured):
        ended = threading.Event()

        def flood(target: Target = target, ended: threading.Event = ended) -> None:
            while not ended.is_set():
                with suppress(OSError):
                    client = stack.enter_context(target.connect())
                    client.settimeout(1)
                    client.sendall(GET * 100)

        threads = [threading.Thread(target=flood) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.3)
            target.stop()
        finally:
            ended.set()
            for thread in threads:
                thread.join()


def test_more_clients_than_descriptors(tmp_path: Path, stack: ExitStack) -> None:
    """EMFILE: the spare one is given, and the kubelet comes in."""
    for target in launch(tmp_path, False, before=("prlimit", "--nofile=40")):
        with target.attacked():
            for number in range(300):
                client = stack.enter_context(target.connect())
                with suppress(OSError):
                    client.sendall(GET if number % 2 else b"GET")
        target.run.send(signal.SIGTERM)
        assert target.run.wait() == 0
