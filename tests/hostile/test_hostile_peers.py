"""Peers that lie: a socket in the JVM's place, a manager, a ZooKeeper. They get no further than a failed question.

Each liar is a real listener of ours; the questions have deadlines of their own, which a slow liar runs into.
"""

# Tables of inputs read best with one on a line.
# ruff: noqa: E501, PT017

from __future__ import annotations

import os
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from entrypoint.errors import ProblemsError
from entrypoint.integrations import otter
from entrypoint.integrations.otter_channels import _Store
from entrypoint.integrations.otter_pages import COOKIES, PAGE_LIMIT, Pages
from entrypoint.integrations.protocol import TryAgainError
from entrypoint.integrations.zookeeper import Kept
from entrypoint.jvm.heap_info import parse_heap_info
from entrypoint.system import attach
from entrypoint.system.checks.result import CheckFailed, Deadline
from entrypoint.system.checks.zookeeper import Ensemble
from entrypoint.system.hsperf import Identity

Answer = Callable[[socket.socket], None]
NOISE = random.Random(5)


@contextmanager
def liar(listener: socket.socket, answer: Answer) -> Iterator[None]:
    """Answer each connection to a listener; what the asker makes of it is its own matter."""
    listener.listen(16)
    ends = threading.Event()

    def serve() -> None:
        while not ends.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def says(data: bytes) -> Answer:
    """Read the question, then say this and hang up."""

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data)

    return answer


def drips(data: bytes) -> Answer:
    """Say it byte by byte, for ever."""

    def answer(connection: socket.socket) -> None:
        while True:
            for byte in data:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)

    return answer


def floods(data: bytes) -> Answer:
    """Say it again and again, as fast as it is taken."""

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        while True:
            connection.sendall(data)

    return answer


def silent(connection: socket.socket) -> None:
    """Take the question, and say nothing until the asker goes."""
    while connection.recv(65536):
        pass


LIES: dict[str, Answer] = {
    "nothing": says(b""),
    "half a status": says(b"0"),
    "another version": says(b"101\nprotocol 2"),
    "not a number": says(b"zero\nx"),
    "binary": says(NOISE.randbytes(4096)),
    "NULs": says(b"0\n" + b"\0" * 1000),
    "an error with a screenful": says(b"1\n" + b"\x1b[2J\n" * 10_000),
    "endless lines": floods(b"0\n" * 4096),
    "one endless line": floods(b"0" * 4096),
    "drips": drips(b"0\n used 1K"),
    "silence": silent,
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """A socket where a JVM's would be: of this process, which is its own peer."""
    monkeypatch.chdir(tmp_path)
    made = socket.socket(socket.AF_UNIX)
    made.bind(".java_pid1")
    return made


@pytest.mark.parametrize("name", LIES)
def test_an_attach_answer_that_lies(place: socket.socket, name: str) -> None:
    jvm = attach.Attach(
        os.getpid(), ".java_pid1", Identity(os.getpid(), os.geteuid(), os.getegid())
    )
    with liar(place, LIES[name]):
        try:
            text = jvm.jcmd("GC.heap_info", timeout=0.5, limit=64 * 1024)
        except attach.AttachError as error:
            assert len(error.reason) < 300
            assert error.reason.isprintable()
        else:
            assert len(text) <= 64 * 1024
            parse_heap_info(text)


def test_an_answer_of_anybody_else_is_not_taken(place: socket.socket) -> None:
    jvm = attach.Attach(1, ".java_pid1", Identity(1, os.geteuid(), os.getegid()))
    with (
        liar(place, says(b"0\nused 1K")),
        pytest.raises(attach.AttachError, match="belongs to pid"),
    ):
        jvm.jcmd("GC.heap_info", timeout=5)


HEAD = b"HTTP/1.1 200 OK\r\n"
PAGES_THAT_LIE: dict[str, Answer] = {
    "nothing": says(b""),
    "no HTTP": says(b"SSH-2.0-x\r\n"),
    "binary": says(NOISE.randbytes(4096)),
    "an endless header": floods(b"a" * 4096),
    "endless headers": floods(HEAD + b"X: y\r\n" * 100),
    "a length that is none": says(HEAD + b"Content-Length: -5\r\n\r\nx"),
    "a huge length": says(HEAD + b"Content-Length: 99999999999999999999\r\n\r\nx"),
    "a short body": says(HEAD + b"Content-Length: 1000\r\n\r\nx"),
    "an endless body": floods(HEAD + b"\r\n" + b"<td>" * 4096),
    "a chunk that lies": says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFF\r\nx"),
    "chunks that are none": says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"),
    "a redirect to nowhere": says(b"HTTP/1.1 302 x\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n"),
    "a redirect of garbage": says(b"HTTP/1.1 302 x\r\nLocation: \xff\xfe\x00/login.htm\r\nContent-Length: 0\r\n\r\n"),
    "cookies": says(HEAD + b"".join(b"Set-Cookie: c%d=%s\r\n" % (n, b"x" * 500) for n in range(90))
                    + b"Content-Length: 0\r\n\r\n"),
    "a cookie with a line break": says(HEAD + b"Set-Cookie: a=b\r\n c\r\nContent-Length: 0\r\n\r\n"),
    "beginnings of tags": says(HEAD + b"Content-Length: 400000\r\n\r\n" + b"<a <!" * 80_000),
    "what HTMLParser asserts": says(HEAD + b"Content-Length: 6\r\n\r\n<![ >x"),
    "rows without end": says(HEAD + b"\r\n" + b"<tr><td>1</td><td>n</td><td>h</td><td>1</td><td>x</td>" * 3000),
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES_THAT_LIE)
def test_a_manager_that_lies(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrypoint.integrations.otter_pages.REQUEST_SECONDS", 1.0)
    monkeypatch.setattr("entrypoint.integrations.otter_pages.PAGE_LIMIT", 512 * 1024)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    wish = otter.Wish(url, "admin", "S3CRET", "node-0", "host")
    with liar(listener, PAGES_THAT_LIE[name]):
        pages = Pages(url)
        for _ in range(3):
            try:
                answer = pages.get("node_list.htm")
            except TryAgainError as error:
                assert error.detail.isprintable()
            else:
                assert len(answer.text) <= PAGE_LIMIT
                assert len(answer.page.rows) <= 60_000
        assert len(pages._cookies) <= COOKIES
        said = ""
        try:
            otter.attempt(wish, Pages(url), sleep=lambda _: None)
        except (TryAgainError, ProblemsError) as error:
            said = str(error)
        assert said
        assert "S3CRET" not in said


def test_a_list_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page of the list has rows that no page before it had."""
    monkeypatch.setattr("entrypoint.integrations.otter.MOST_ROWS", 500)
    listener = socket.create_server(("127.0.0.1", 0))
    counted = iter(range(1, 10**9))

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        row = "<tr><td>{}</td><td>n</td><td>h</td><td>1</td><td>x</td></tr>"
        body = "<table>" + "".join(row.format(next(counted)) for _ in range(100)) + "</table>"
        connection.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n{body}".encode())

    with liar(listener, answer), pytest.raises(TryAgainError):
        otter.find(Pages(f"http://127.0.0.1:{listener.getsockname()[1]}"), "node-0")


WELCOME = struct.pack(">iiqi", 0, 30000, 7, 16) + b"p" * 16


def frames(*bodies: bytes) -> Answer:
    """Answer one question after the other with these bodies, as frames; the first is the handshake."""

    def answer(connection: socket.socket) -> None:
        for body in bodies:
            if not connection.recv(65536):
                return
            connection.sendall(struct.pack(">i", len(body)) + body)
        silent(connection)

    return answer


def reply(body: bytes, xid: int = 1, error: int = 0) -> bytes:
    """Return a reply's body."""
    return struct.pack(">iqi", xid, 5, error) + body


SERVERS_THAT_LIE: dict[str, Answer] = {
    "nothing": says(b""),
    "binary": says(NOISE.randbytes(4096)),
    "a frame of 2 GiB": says(b"\x7f\xff\xff\xff" + b"x" * 1000),
    "a frame of less than nothing": says(b"\xff\xff\xff\xff"),
    "a short frame": says(b"\0\0\0\x25abc"),
    "no session": frames(struct.pack(">iiqi", 0, 0, 0, 0)),
    "another answer": frames(WELCOME, reply(b"", xid=77)),
    "an unknown error": frames(WELCOME, reply(b"", error=-9999)),
    "an empty answer": frames(WELCOME, b""),
    "a text without end": frames(WELCOME, reply(b"\x7f\xff\xff\xffabc")),
    "a text of less than nothing": frames(WELCOME, reply(b"\x80\0\0\0abc")),
    "names that lie": frames(WELCOME, reply(b"\0\0\0\x05" + b"\xff\xff\xff\xff" * 200)),
    "deep JSON": frames(WELCOME, reply(b"\0\0\xea\x60" + b"[" * 60_000)),
    "an infinite channel": frames(WELCOME, reply(b"\0\0\0\x15" + b'{"channels": [1e999]}')),
    "channels that are none": frames(WELCOME, reply(b"\0\0\0\x15" + b'{"channels": {"a":1}}')),
    "drips": drips(b"\0"),
    "silence": silent,
}


@pytest.mark.parametrize("name", SERVERS_THAT_LIE)
def test_a_zookeeper_that_lies(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = ("127.0.0.1", listener.getsockname()[1])
    monkeypatch.setattr("entrypoint.integrations.otter_channels.MEMORY_SECONDS", 0.8)
    with liar(listener, SERVERS_THAT_LIE[name]):
        for ask in (
            lambda kept: kept.read("/a", Deadline(0.8)),
            lambda kept: kept.children("/a", Deadline(0.8)),
            lambda kept: kept.exists("/a", Deadline(0.8)),
        ):
            kept = Kept(Ensemble((address,)))
            with suppress(CheckFailed, OSError):
                ask(kept)
            kept._drop()
        wish = otter.Wish(
            "http://127.0.0.1:1",
            "u",
            "p",
            "node-0",
            "h",
            nid="1",
            servers=f"127.0.0.1:{address[1]}",
        )
        store = _Store(wish)
        with suppress(CheckFailed, OSError):
            assert not store.read().channels
        store.close()
