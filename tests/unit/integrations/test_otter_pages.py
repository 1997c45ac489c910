"""The client of the manager's pages against servers that are none: slow, huge, broken, misleading."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from entrypoint.errors import ProblemsError
from entrypoint.integrations import otter_pages
from entrypoint.integrations.otter import MOST_PAGES, Wish, attempt, register
from entrypoint.integrations.otter_pages import Pages, spelt
from entrypoint.integrations.protocol import Progress, TryAgainError
from entrypoint.plan.model import Registration
from lab.net import free_port


class Server:
    """Answers every connection with the same bytes; `then` is sent after, again and again for ever."""

    def __init__(self, answer: bytes, then: bytes | None = None) -> None:
        self.answer, self.then = answer, then
        self.requests: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._ended = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self.requests.append(whole_request(connection))
            connection.sendall(self.answer)
            while self.then is not None and not self._ended.wait(0.05):
                connection.sendall(self.then)

    def close(self) -> None:
        self._ended.set()
        self._socket.close()


def whole_request(connection: socket.socket) -> bytes:
    """Return a request with its body, which may come in a segment of its own."""
    data = connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    while length and len(body) < int(length[1]) and (more := connection.recv(65536)):
        data, body = data + more, body + more
    return data


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(answer: bytes, then: bytes | None = None) -> Server:
        made.append(Server(answer, then))
        return made[-1]

    yield start
    for server in made:
        server.close()


def page(body: str, head: str = "200 OK") -> bytes:
    data = body.encode()
    return f"HTTP/1.1 {head}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


def wish(url: str) -> Wish:
    return Wish(url=url, user="admin", password="hunter2-hunter2", name="otter-0", host="otter-0")


def asked(url: str, at_most: float = 60.0) -> Registration:
    one = wish(url)
    pairs = tuple(
        (name, getattr(one, name)) for name in ("url", "user", "password", "name", "host")
    )
    return Registration("otter", url, pairs, at_most=at_most)


Serve = Callable[..., Server]


def test_a_redirect_is_read_and_never_followed(serve: Serve) -> None:
    elsewhere = serve(page("not for us"))
    server = serve(page("", f"302 Found\r\nLocation: {elsewhere.url}/channel_list.htm?a=1"))
    assert Pages(server.url).get("x.htm").leads_to == "channellist"
    assert not elsewhere.requests


def test_a_login_that_leads_to_itself_for_ever_ends(serve: Serve) -> None:
    server = serve(page("", "302 Found\r\nLocation: http://otter.example/login.htm"))
    with pytest.raises(ProblemsError) as found:
        attempt(wish(server.url), Pages(server.url))
    assert found.value.problems[0].id == "registration-login"
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["301 Moved Permanently", "308 Permanent Redirect"])
def test_a_proxy_that_leads_to_https_is_no_wrong_password(serve: Serve, status: str) -> None:
    server = serve(page("", f"{status}\r\nLocation: https://otter.example/login.htm"))
    with pytest.raises(ProblemsError) as found:
        register(asked(server.url), lambda _: None, sleep=lambda _: None)
    (problem,) = found.value.problems
    assert problem.id == "registration-not-understood"
    assert f"{status[:3]}, leads to login" in dict(problem.details)["says"]
    assert "OTTER_MANAGER_URL" in dict(problem.details)["fix"]


def test_cookies_are_kept_and_a_path_is_put_before(serve: Serve) -> None:
    server = serve(page("x", "200 OK\r\nSet-Cookie: JSESSIONID=abc; Path=/\r\nSet-Cookie: b=2"))
    pages = Pages(f"{server.url}/otter/")
    pages.get("a.htm")
    pages.post("b.htm", {"n": "a b&c"})
    assert server.requests[0].startswith(b"GET /otter/a.htm ")
    assert b"JSESSIONID=abc; b=2" in server.requests[1]
    assert server.requests[1].endswith(b"n=a+b%26c")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "no HTTP"),
        (b"\x00\x01\x02garbage\r\n\r\n", "no HTTP"),
        (b"SSH-2.0-OpenSSH\r\n", "no HTTP"),
        (page("oops", "500 Internal Server Error"), "answers 500"),
        (page("later", "503 Service Unavailable"), "answers 503"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "no HTTP"),
    ],
)
def test_what_is_no_answer_is_a_reason_to_try_again(serve: Serve, answer: bytes, says: str) -> None:
    with pytest.raises(TryAgainError, match=says):
        Pages(serve(answer).url).get("node_list.htm")


def test_a_silent_and_a_dripping_server_have_the_same_time(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otter_pages, "REQUEST_SECONDS", 0.5)
    head = b"HTTP/1.1 200 OK\r\n"
    silent, drips = b"", b"x"
    for server in (
        serve(b"", silent),
        serve(head[:9], drips),
        serve(head + b"X-Long: ", drips),
        serve(head + b"Content-Length: 1000000\r\n\r\n", drips),
        serve(head + b"Content-Length: 1000000\r\n\r\n", silent),
        serve(head + b"Transfer-Encoding: chunked\r\n\r\n5\r\n", drips),
        serve(head + b"\r\n", drips),
    ):
        with pytest.raises(TryAgainError, match=r"within 0\.5s"):
            Pages(server.url).get("node_list.htm")


def test_a_visit_has_one_time_for_all_its_requests(serve: Serve) -> None:
    pages = Pages(serve(b"", b"").url, seconds=0.3)
    with pytest.raises(TryAgainError, match=r"no answer from /a\.htm within 0\.3s"):
        pages.get("a.htm")
    with pytest.raises(TryAgainError, match=r"the time was over before /b\.htm"):
        pages.get("b.htm")


class SlowList(Server):
    """Takes the login, and has a list of nodes that goes on with new rows, a moment for each page."""

    def _one(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self.requests.append(whole_request(connection))
            if len(self.requests) > 1:
                self._ended.wait(0.05)
            row = f"<tr><td>{len(self.requests)}</td><td>n</td><td>h</td><td>1</td><td>x</td></tr>"
            found = page("", "302 Found\r\nLocation: http://otter/channel_list.htm")
            connection.sendall(found if len(self.requests) == 1 else page(f"<table>{row}</table>"))


def test_a_manager_with_slow_pages_does_not_hold_us_for_each_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("entrypoint.integrations.otter.REQUEST_SECONDS", 0.5)
    server = SlowList(b"")
    try:
        with pytest.raises(ProblemsError) as found:
            register(asked(server.url, at_most=0.5), lambda _: None)
    finally:
        server.close()
    (problem,) = found.value.problems
    assert problem.id == "registration-timeout"
    assert "/node_list.htm" in problem.what or "/login.htm" in problem.what
    assert len(server.requests) < MOST_PAGES


def test_a_page_without_end_is_not_read_to_its_end(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otter_pages, "PAGE_LIMIT", 1 << 20)
    with pytest.raises(TryAgainError, match="larger than 1 MiB"):
        Pages(serve(page("x" * (2 << 20))).url).get("node_list.htm")


@pytest.mark.parametrize(
    "body", ["", "<html>nginx</html>", "{}", "<table><tr><td>1", "\ufffd" * 50]
)
def test_a_page_of_something_else_is_tried_three_times_and_told(serve: Serve, body: str) -> None:
    server = serve(page(body))
    with pytest.raises(ProblemsError) as found:
        register(asked(server.url), lambda _: None, sleep=lambda _: None)
    problem = found.value.problems[0]
    assert problem.id == "registration-not-understood"
    assert problem.exit_code == 69
    assert len(server.requests) == 3
    assert "hunter2" not in repr(problem)


def test_who_is_not_there_is_tried_until_the_time_is_over() -> None:
    told: list[Progress] = []
    now = iter(range(1000))
    with pytest.raises(ProblemsError) as found:
        register(
            asked(f"http://127.0.0.1:{free_port()}", at_most=30),
            told.append,
            clock=lambda: float(next(now)),
            sleep=lambda _: None,
        )
    problem = found.value.problems[0]
    assert problem.id == "registration-timeout" and problem.exit_code == 69
    assert "refused" in problem.what
    assert len(told) > 5 and all("refused" in one.detail for one in told)


def test_pages_have_one_spelling() -> None:
    assert spelt("/otter/node_list.htm") == spelt("nodeList.htm") == "nodelist"
