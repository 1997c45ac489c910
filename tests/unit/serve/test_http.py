from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from entrypoint.errors import ProblemsError
from entrypoint.serve.connection import Connection
from entrypoint.serve.http import LIMIT, Server
from entrypoint.serve.listener import listen
from entrypoint.serve.messages import MAX_HEAD, Request, Response
from lab.net import free_port

GET = b"GET /livez HTTP/1.1\r\nHost: pod\r\n\r\n"
CLOSE = b"GET /livez HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n"
BIG = b"x" * 8_000_000


def echo(request: Request) -> Response:
    match request.path:
        case "/big":
            return Response(200, BIG)
        case "/bug":
            raise ZeroDivisionError("a bug")
    return Response(200, f"{request.method} {request.path}".encode())


class Lab:
    """A running server, and clients that are closed at the end."""

    def __init__(self, stack: ExitStack, **options: float) -> None:
        self.errors: list[Exception] = []
        self.stack = stack
        listener = listen_anywhere()
        self.port: int = listener.getsockname()[1]
        self.server = Server(listener, echo, self.errors.append, **options)  # type: ignore[arg-type]
        self.server.start()
        stack.callback(self.server.stop)

    def connect(self, *sent: bytes, receive_buffer: int = 0) -> socket.socket:
        client = socket.socket()
        self.stack.callback(client.close)
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(60)
        client.connect(("127.0.0.1", self.port))
        for data in sent:
            client.sendall(data)
        return client

    def probe(self) -> None:
        assert read_all(self.connect(CLOSE)).endswith(b"\r\n\r\nGET /livez")


def listen_anywhere() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener


def read_all(client: socket.socket) -> bytes:
    """Everything until the server ends the connection; a reset counts as an end."""
    parts = []
    try:
        while chunk := client.recv(65536):
            parts.append(chunk)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def read_answer(client: socket.socket) -> bytes:
    """Exactly one answer of a connection that stays open."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(1)
    length = int(data.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
    while length:
        chunk = client.recv(length)
        assert chunk
        data, length = data + chunk, length - len(chunk)
    return data


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.fixture
def start() -> Iterator[Callable[..., Lab]]:
    with ExitStack() as stack:
        yield lambda **options: Lab(stack, **options)


@pytest.fixture
def lab(start: Callable[..., Lab]) -> Lab:
    return start()


class TestRequests:
    def test_one(self, lab: Lab) -> None:
        answer = read_all(lab.connect(CLOSE))
        assert status(answer) == 200
        assert b"\r\nConnection: close\r\n" in answer
        assert answer.endswith(b"\r\n\r\nGET /livez")

    def test_many_on_one_connection(self, lab: Lab) -> None:
        client = lab.connect()
        for _ in range(100):
            client.sendall(GET)
            assert read_answer(client).endswith(b"GET /livez")

    def test_pipelined(self, lab: Lab) -> None:
        requests = [b"GET /%d HTTP/1.1\r\nHost: pod\r\n\r\n" % i for i in range(200)]
        client = lab.connect(b"".join(requests) + CLOSE)
        bodies = [part.rpartition(b"\r\n\r\n")[2] for part in read_all(client).split(b"HTTP/1.1 ")]
        assert bodies[1:] == [b"GET /%d" % i for i in range(200)] + [b"GET /livez"]

    def test_byte_by_byte(self, lab: Lab) -> None:
        client = lab.connect()
        for byte in CLOSE:
            client.sendall(bytes((byte,)))
        assert status(read_all(client)) == 200

    def test_empty_lines_before_a_request_are_skipped(self, lab: Lab) -> None:
        assert status(read_all(lab.connect(b"\r\n\r\n" + CLOSE))) == 200

    def test_empty_lines_without_end_are_no_request(self, lab: Lab) -> None:
        """They would keep a place, and the processor, for as long as they come."""
        assert status(read_all(lab.connect(b"\r\n" * 1000))) == 400

    def test_head_has_no_body(self, lab: Lab) -> None:
        answer = read_all(lab.connect(CLOSE.replace(b"GET", b"HEAD", 1)))
        assert b"Content-Length: 11\r\n" in answer
        assert answer.endswith(b"\r\n\r\n")

    def test_a_client_that_ended_its_half_is_answered(self, lab: Lab) -> None:
        client = lab.connect(GET)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client).endswith(b"GET /livez")

    def test_a_big_answer_arrives_whole(self, lab: Lab) -> None:
        client = lab.connect(CLOSE.replace(b"/livez", b"/big"), receive_buffer=4096)
        assert read_all(client).endswith(b"\r\n\r\n" + BIG)

    def test_a_bug_is_a_500_and_is_told_and_ends_nothing(self, lab: Lab) -> None:
        client = lab.connect(GET.replace(b"/livez", b"/bug"))
        assert status(read_answer(client)) == 500
        client.sendall(GET)
        assert status(read_answer(client)) == 200
        assert [type(error) for error in lab.errors] == [ZeroDivisionError]


class TestHostile:
    @pytest.mark.parametrize(
        ("sent", "expected"),
        [
            (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
            (b"POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405),
            (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 413),
            (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
            (b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEAD + b"\r\n\r\n", 431),
            (b"a" * 1_000_000, 431),
        ],
    )
    def test_a_refusal_is_sent_and_ends_the_connection(
        self, lab: Lab, sent: bytes, expected: int
    ) -> None:
        client = lab.connect(sent)
        answer = b""
        while chunk := client.recv(65536):  # A reset here could have overtaken the answer.
            answer += chunk
        assert status(answer) == expected
        assert b"\r\nConnection: close\r\n" in answer
        assert answer.count(b"Content-Length: ") == 1
        lab.probe()

    def test_a_body_is_never_read_as_a_request(self, lab: Lab) -> None:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(GET)
        assert read_all(lab.connect(head + GET)).count(b"Content-Length: ") == 1

    def test_a_slow_request_is_ended_however_it_drips(self, start: Callable[..., Lab]) -> None:
        lab = start(request_seconds=0.2)
        client = lab.connect(b"GET / HTTP/1.1\r\nX-Slow: ")
        ended = threading.Event()

        def drip() -> None:
            while not ended.wait(0.01):
                try:
                    client.sendall(b"a")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        answer = read_all(client)
        ended.set()
        thread.join()
        assert status(answer) == 408
        lab.probe()

    def test_a_silent_connection_is_ended_without_a_word(self, start: Callable[..., Lab]) -> None:
        lab = start(request_seconds=0.1)
        assert read_all(lab.connect()) == b""

    def test_an_idle_connection_is_ended_without_a_word(self, start: Callable[..., Lab]) -> None:
        lab = start(idle_seconds=0.1)
        answer = read_all(lab.connect(GET))
        assert answer.endswith(b"GET /livez")

    def test_a_client_that_does_not_read_is_ended(self, start: Callable[..., Lab]) -> None:
        lab = start(request_seconds=0.2)
        client = lab.connect(CLOSE.replace(b"/livez", b"/big"), receive_buffer=4096)
        lab.server._thread.join(0.5)
        lab.probe()
        assert len(read_all(client)) < len(BIG)

    @pytest.mark.parametrize("sent", [b"", b"GET /li", GET, GET.replace(b"/livez", b"/big")])
    def test_a_reset_at_any_moment(self, lab: Lab, sent: bytes) -> None:
        for _ in range(20):
            client = lab.connect(sent)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        lab.probe()
        assert lab.errors == []

    def test_a_thousand_connections_do_not_keep_the_kubelet_out(self, lab: Lab) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
        try:
            for number in range(1000):
                lab.connect(b"GET / HTTP/1.1\r\n" if number % 2 else GET)
                if number % 100 == 0:
                    lab.probe()
            lab.probe()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert len(lab.server._connections) <= LIMIT
        assert lab.errors == []

    def test_an_idle_connection_goes_before_one_that_waits(self, start: Callable[..., Lab]) -> None:
        lab = start(limit=2)
        idle = lab.connect(GET)
        read_answer(idle)
        waiting = lab.connect(CLOSE[:10])
        lab.probe()
        assert read_all(idle) == b""
        waiting.sendall(CLOSE[10:])
        assert status(read_all(waiting)) == 200

    def test_of_those_that_wait_the_oldest_goes(self, start: Callable[..., Lab]) -> None:
        lab = start(limit=2)
        first, second = lab.connect(CLOSE[:10]), lab.connect(CLOSE[:10])
        lab.probe()
        assert read_all(first) == b""
        second.sendall(CLOSE[10:])
        assert status(read_all(second)) == 200


class TestResources:
    @pytest.mark.parametrize(("descriptors", "places"), [(40, 10), (400, LIMIT), (8, 4)])
    def test_of_few_descriptors_clients_have_a_quarter(
        self, monkeypatch: pytest.MonkeyPatch, descriptors: int, places: int
    ) -> None:
        """Checks and metrics need some: a check that fails for want of one would cost java its life."""
        monkeypatch.setattr(resource, "getrlimit", lambda _: (descriptors, descriptors))
        server = Server(listen_anywhere(), echo, print)
        assert server._limit == places
        server.stop()

    def test_a_burst_of_clients_waits_instead_of_being_dropped(self) -> None:
        """Where the backlog is full the kernel drops SYNs, the kubelet's among them, for a second."""
        listener = listen(f"127.0.0.1:{free_port()}")
        information = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        listener.close()
        (most,) = struct.unpack_from("I", information, 28)  # tcpi_sacked, of a listening socket
        allowed = int(Path("/proc/sys/net/core/somaxconn").read_text())
        assert most == min(1024, allowed)

    def test_nothing_is_inherited_by_java(self, lab: Lab) -> None:
        read_answer(lab.connect(GET))
        server = lab.server
        (connection,) = server._connections.values()
        ours = {server._listener.fileno(), connection.descriptor, server._wake, server._spare}
        names = {os.readlink(f"/proc/self/fd/{number}") for number in ours} - {"/dev/null"}
        script = "import os\nfor n in os.listdir('/proc/self/fd'):\n  try: print(os.readlink(f'/proc/self/fd/{n}'))\n  except OSError: pass"  # noqa: E501
        inherited = subprocess.run(
            [sys.executable, "-c", script], close_fds=False, capture_output=True, check=True
        )
        listed = set(inherited.stdout.decode().split())
        assert len(names) == 3
        assert not (names - {"anon_inode:[eventfd]"}) & listed
        assert not any(os.get_inheritable(number) for number in ours if number is not None)

    def test_without_connections_it_waits_for_ever(self, lab: Lab) -> None:
        assert lab.server._timeout() is None
        lab.probe()
        client = lab.connect(GET)
        read_answer(client)
        assert lab.server._timeout() is not None

    def test_stop_ends_clients_and_the_thread(self, lab: Lab) -> None:
        idle, half = lab.connect(GET), lab.connect(GET[:9])
        read_answer(idle)
        lab.server.stop()
        assert read_all(idle) == read_all(half) == b""
        assert not lab.server._thread.is_alive()
        with pytest.raises(ConnectionRefusedError):
            lab.connect()

    def test_stop_twice_and_stop_before_start(self, lab: Lab) -> None:
        lab.server.stop()
        lab.server.stop()
        Server(listen_anywhere(), echo, lab.errors.append).stop()

    def test_a_bug_in_the_loop_is_told_and_clients_are_refused(
        self, lab: Lab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waiting = lab.connect(GET)
        read_answer(waiting)
        monkeypatch.setattr(lab.server, "_expire", lambda now: 1 / 0)
        waiting.sendall(GET)
        lab.server._thread.join()
        assert [type(error) for error in lab.errors] == [ZeroDivisionError]
        assert read_all(waiting).endswith(b"GET /livez")
        with pytest.raises(ConnectionRefusedError):
            lab.connect()

    def test_every_descriptor_comes_back(self) -> None:
        before = os.listdir("/proc/self/fd")
        with ExitStack() as stack:
            lab = Lab(stack)
            for _ in range(5):
                lab.probe()
        assert len(os.listdir("/proc/self/fd")) == len(before)

    def test_after_the_last_answer_nothing_is_kept(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            connection = Connection(ours, 0.0)
            connection.received += GET
            connection.queue(b"bye", ends=True)
            assert connection.send()
            connection.sent(0.0, 1.0, 1.0)
            theirs.sendall(GET)
            connection.receive(0.0)
            assert connection.state == "lingering"
            assert connection.received == b""
            assert theirs.recv(100) == b"bye"

    def test_what_a_client_can_make_us_keep_is_bounded(self) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        connection = Connection(ours, 0.0)
        with contextlib.suppress(BlockingIOError):
            while theirs.send(b"x" * 65536):
                pass
        while connection.next_request() is None:
            connection.receive(0.0)
        assert len(connection.received) < 2 * MAX_HEAD
        ours.close()
        theirs.close()


EMFILE = """
import json, os, resource, socket, sys, time
from entrypoint.serve.http import Server
from entrypoint.serve.listener import listen
from entrypoint.serve.messages import Response

class CountingPoll:
    def __init__(self, poll):
        self.poll_, self.turns = poll, 0
    def poll(self, timeout):
        self.turns += 1
        return self.poll_.poll(timeout)
    def __getattr__(self, name):
        return getattr(self.poll_, name)

def ask(client):
    client.settimeout(20)
    client.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    data = b""
    while chunk := client.recv(4096):
        data += chunk
    return data.endswith(b"ok")

def settle():
    while server._connections or server._spare is None:
        time.sleep(0.01)

def fill():
    taken = []
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        return taken

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(128)
address = listener.getsockname()
server = Server(listener, lambda request: Response(200, b"ok"), print, request_seconds=1e6)
server._poll = CountingPoll(server._poll)
server.start()
clients = [socket.socket() for _ in range(42)]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
out = {}

# Our own connections use up the limit: the least needed ones go.
for one in clients[:38]:
    one.connect(address)
for one in clients[38:]:
    one.connect(address)
    out[f"flood{len(out)}"] = ask(one)
    one.close()

# Something else uses up the limit: the spare descriptor serves.
for one in clients[:38]:
    one.close()
waiting = [socket.socket() for _ in range(4)]
last = waiting.pop()
last.connect(address)
ask(last)  # First come, first accepted: nobody is left in the backlog.
last.close()
settle()
taken = fill()
for one in waiting[:2]:
    one.connect(address)
    time.sleep(0.1)  # Accepted, and kept, before it says anything.
    out[f"spare{len(out)}"] = ask(one)
    one.close()

# Nothing is left at all: no spinning, and it answers when there is room again.
settle()
os.close(server._spare)
server._spare = None
taken += fill()
waiting[2].connect(address)
while server._accept_again is None:
    time.sleep(0.01)
turns = server._poll.turns
time.sleep(0.3)
out["turns while resting"] = server._poll.turns - turns
for one in taken:
    os.close(one)
out["after"] = ask(waiting[2])
waiting[2].close()
settle()  # The spare descriptor is back, or this waits for ever.
server.stop()
print(json.dumps(out))
"""


def test_without_descriptors_it_still_answers_and_never_spins() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EMFILE],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    out = json.loads(done.stdout)
    assert out.pop("turns while resting") <= 1
    assert len(out) == 7
    assert all(out.values()), out


class TestListen:
    @staticmethod
    def free_port() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            return port

    @pytest.mark.parametrize(
        ("text", "clients"),
        [
            ("127.0.0.1:{}", ("127.0.0.1",)),
            ("0.0.0.0:{}", ("127.0.0.1",)),
            ("localhost:{}", ("127.0.0.1",)),
            ("[::1]:{}", ("::1",)),
            ("[::]:{}", ("::1", "127.0.0.1")),
            (":{}", ("::1", "127.0.0.1")),
        ],
    )
    def test_addresses(self, text: str, clients: tuple[str, ...]) -> None:
        port = self.free_port()
        if "::1" in clients and not os.path.exists("/proc/net/if_inet6"):
            pytest.skip("no IPv6 here")
        with listen(text.format(port)) as listener:
            assert not os.get_inheritable(listener.fileno())
            for client in clients:
                socket.create_connection((client, port), timeout=60).close()
                listener.accept()[0].close()

    def test_a_colon_alone_works_without_ipv6(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = socket.socket

        def no_ipv6(family: int = -1, *rest: int) -> socket.socket:
            if family == socket.AF_INET6:
                raise OSError(97, "Address family not supported by protocol")
            return real(family, *rest)

        monkeypatch.setattr(socket, "socket", no_ipv6)
        with listen(f":{self.free_port()}") as listener:
            assert listener.family == socket.AF_INET

    def test_a_restart_gets_the_port_at_once(self) -> None:
        port = self.free_port()
        listener = listen(f"127.0.0.1:{port}")
        client = socket.create_connection(("127.0.0.1", port), timeout=60)
        listener.setblocking(True)
        listener.accept()[0].close()  # Ours closes first: TIME_WAIT holds the port.
        client.close()
        listener.close()
        listen(f"127.0.0.1:{port}").close()

    def test_a_taken_port_is_a_problem_with_a_fix(self) -> None:
        with listen_anywhere() as taken, pytest.raises(ProblemsError) as raised:
            listen(f"127.0.0.1:{taken.getsockname()[1]}")
        (problem,) = raised.value.problems
        assert problem.id == "listen-failed"
        assert "address already in use" in problem.what
        assert [label for label, _ in problem.details] == ["where", "expected", "fix"]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "9404",
            "host",
            "a:b",
            ":",
            ":0",
            ":70000",
            "[::1",
            "::1:9404",
            "ho st:1",
            "ü\udc80:1",
        ],
    )
    def test_what_is_no_address_is_a_problem(self, text: str) -> None:
        with pytest.raises(ProblemsError) as raised:
            listen(text)
        assert raised.value.problems[0].id == "listen-failed"

    def test_an_address_that_is_not_ours_is_a_problem(self) -> None:
        with pytest.raises(ProblemsError, match=r"192\.0\.2\.1"):
            listen(f"192.0.2.1:{self.free_port()}")
