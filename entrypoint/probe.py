"""The exec-style probe: `entrypoint probe live|ready|startup` asks the running PID 1.

Here: one GET over a raw socket, in its own process, every few seconds for as long as the pod lives:
so it imports almost nothing. What the answer means is decided by the server, not here.
"""

from __future__ import annotations

import _socket  # `socket` adds enum and selectors to it: 8 ms of every probe
import os
import sys
import time

from entrypoint.errors import EXIT_OK, EXIT_USAGE
from entrypoint.records import record
from entrypoint.values import parse_address, parse_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final, Protocol

    class Stream(Protocol):
        """What is asked over: a socket, or the TLS in one."""

        def settimeout(self, value: float, /) -> None:
            """As that of a socket."""

        def sendall(self, data: bytes, /) -> None:
            """As that of a socket."""

        def recv(self, size: int, /) -> bytes:
            """As that of a socket."""

        def close(self) -> None:
            """As that of a socket."""


EXIT_NOT_OK: Final = 1

USAGE: Final = """\
usage: entrypoint probe live|ready|startup [--verbose] [--timeout 2s] [--address HOST:PORT]

Asks the entrypoint that runs in this container; for exec probes, and for people in a shell.
  -v, --verbose   list every check, also when all is well
  --timeout       for the whole question and answer (2s)
  --address       where it listens (ENTRYPOINT_LISTEN, else 127.0.0.1:9404)
exit codes: 0 yes, 1 no or no answer, 64 wrong usage
"""

_PATHS: Final = {"live": "/livez", "ready": "/readyz", "startup": "/startupz"}
_MAX_ANSWER: Final = 65536


@record
class Question:
    """What to ask and where: `timeout` is in seconds, for everything together."""

    path: str
    host: str
    port: int
    timeout: float
    verbose: bool


def main(argv: Sequence[str]) -> int:
    """Ask, print what there is to say, and return the exit code: 0 yes, 1 no, 64 wrong usage."""
    if "--help" in argv or "-h" in argv:
        sys.stdout.write(USAGE)
        return EXIT_OK
    try:
        question = parse_question(argv, os.environ)
    except ValueError as error:
        sys.stderr.write(f"entrypoint: probe: {error}\n{USAGE}")
        return EXIT_USAGE
    try:
        status, body = ask(question)
    except (OSError, ValueError) as error:
        where = f"[{question.host}]" if ":" in question.host else question.host
        sys.stdout.write(f"no answer from {where}:{question.port}: {reason(error)}\n")
        return EXIT_NOT_OK
    if status == 200:
        if question.verbose:
            sys.stdout.write(body)
        return EXIT_OK
    sys.stdout.write(body if status == 503 else f"unexpected status {status}\n")
    return EXIT_NOT_OK


def parse_question(argv: Sequence[str], environment: Mapping[str, str]) -> Question:
    """Return the question; raise `ValueError` with what is wrong about the arguments."""
    address, timeout, verbose, path = None, 2.0, False, ""
    words = list(argv)
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if name in {"--timeout", "--address"}:
            if not equals and not words:
                raise ValueError(f"{name} needs a value")
            value = value if equals else words.pop(0)
            if name == "--address":
                address = value
            else:
                timeout = _parse_timeout(value)
        elif word in {"--verbose", "-v"}:
            verbose = True
        elif word in _PATHS and not path:
            path = _PATHS[word]
        else:
            raise ValueError(f"unknown argument {word!r}")
    if not path:
        raise ValueError("say which: live, ready or startup")
    host, port = find_server(address, environment)
    return Question(f"{path}?verbose", host, port, timeout, verbose)


def find_server(address: str | None, environment: Mapping[str, str]) -> tuple[str, int]:
    """Return where to ask: the address given, else $ENTRYPOINT_LISTEN, else the default.

    Raises `ValueError` that names whichever is wrong.
    """
    name = "ENTRYPOINT_LISTEN" if address is None else "--address"
    text = environment.get("ENTRYPOINT_LISTEN") or "127.0.0.1:9404" if address is None else address
    try:
        host, port = parse_address(f"127.0.0.1{text}" if text[:1] == ":" else text)
    except ValueError as error:
        shown = text.rpartition("@")[2][:80]  # of a URL, without the password in it
        raise ValueError(f"{name} is {shown!r}, expected {error}") from None
    # A server that listens everywhere is asked over loopback.
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104


def ask(
    question: Question,
    limit: int = _MAX_ANSWER,
    token: str = "",
    secured: Callable[[_socket.socket, float], Stream] | None = None,
) -> tuple[int, str]:
    """Return status and body; raise OSError or ValueError when there is no whole answer in time.

    `token` is sent where it is not empty. `secured` takes the connected socket and its timeout, and
    returns the TLS in it: it owns the socket then.
    """
    deadline = time.monotonic() + question.timeout
    # As bytes: for text, getaddrinfo imports the IDNA codec, which is as slow as all the rest.
    family, kind, protocol, _, where = _socket.getaddrinfo(
        question.host.encode("ascii"), question.port, type=_socket.SOCK_STREAM
    )[0]
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    request = (
        f"GET {question.path} HTTP/1.1\r\nHost: localhost\r\n{bearer}Connection: close\r\n\r\n"
    )
    received = bytearray()
    connection = _socket.socket(family, kind, protocol)
    client: Stream = connection
    try:
        client.settimeout(question.timeout)
        connection.connect(where)
        if secured is not None:
            client = secured(connection, question.timeout)
        client.sendall(request.encode("ascii"))
        while len(received) <= limit:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError("timed out")
            client.settimeout(remaining)
            chunk = client.recv(8192)
            if not chunk:
                return _parse_answer(bytes(received))
            received += chunk
    finally:
        client.close()
    raise ValueError("the answer is too long: is this entrypoint?")


def _parse_answer(received: bytes) -> tuple[int, str]:
    head, blank, body = received.partition(b"\r\n\r\n")
    version, _, rest = head.partition(b" ")
    if not blank or not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
        raise ValueError("the answer is not HTTP: is this entrypoint?")
    return int(rest[:3]), body.decode("utf-8", "replace")


def _parse_timeout(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise ValueError(f"--timeout is {text!r}, expected {error}") from None
    if seconds <= 0:
        raise ValueError("--timeout has to be more than 0")
    return seconds


def reason(error: OSError | ValueError) -> str:
    """Return in few words why there is no answer."""
    if isinstance(error, TimeoutError):
        return "timed out"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
