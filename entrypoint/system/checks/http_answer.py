"""Reading one HTTP/1.x answer from a peer that may be slow, broken or hostile.

Here: status line, headers, and a bounded body with its framing. No sockets: bytes come from a
function that returns the next ones, and nothing at the end.
"""

from __future__ import annotations

from entrypoint.records import record
from entrypoint.system.checks.result import CheckFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

HEAD_LIMIT: Final = 32 * 1024
BODY_LIMIT: Final = 64 * 1024
INTERIM_LIMIT: Final = 10


@record
class HttpAnswer:
    """An answer; `whole` says whether `body` is all of it, and not cut off at our limit or by an end."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    whole: bool = True

    def header(self, name: str) -> str:
        """Return the last value of a header, by its name in lower case; empty when there is none."""
        return dict(self.headers).get(name, "")


def read_answer(receive: Callable[[], bytes], with_body: bool) -> HttpAnswer:
    """Return the final answer to a GET; interim ones (1xx) are skipped. Raises CheckFailed."""
    source = _Source(receive)
    for _ in range(INTERIM_LIMIT):
        answer = _read_head(source)
        if answer.status >= 200:
            break
    else:
        raise CheckFailed("not an HTTP answer: interim answers without end")
    if not with_body or answer.status in {204, 304}:
        return answer
    body, whole = _read_body(source, answer)
    return HttpAnswer(answer.status, answer.headers, body, whole)


class _Source:
    """Bytes on demand: by line, by count, and what is left."""

    __slots__ = ("_buffer", "_head_left", "_receive")

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._buffer = bytearray()
        self._head_left = HEAD_LIMIT

    def line(self) -> bytes:
        """Return the next line without its end. All lines together are bounded."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > self._head_left:
                raise CheckFailed("the answer's head is too long")
            data = self._receive()
            if not data:
                raise CheckFailed("closed without an answer")
            self._buffer += data
        self._head_left -= end + 1
        if self._head_left < 0:
            raise CheckFailed("the answer's head is too long")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def take(self, count: int) -> bytes:
        """Return `count` bytes, or fewer when the peer ends early."""
        while len(self._buffer) < count and (data := self._receive()):
            self._buffer += data
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken


def _read_head(source: _Source) -> HttpAnswer:
    first = source.line()
    version, _, rest = first.partition(b" ")
    code = rest[:3]
    if (
        not version.startswith(b"HTTP/1.")
        or len(code) != 3
        or not code.isdigit()
        or rest[3:4].strip()
    ):
        raise CheckFailed("not an HTTP answer")
    headers: list[tuple[str, str]] = []
    while line := source.line():
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name.strip().lower(), value.strip()))
    return HttpAnswer(int(code), tuple(headers))


def _read_body(source: _Source, answer: HttpAnswer) -> tuple[bytes, bool]:
    if "chunked" in answer.header("transfer-encoding").lower():
        return _read_chunks(source)
    length = answer.header("content-length")
    # No length, or one that is no number: the body goes on until the peer closes.
    expected = int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None
    wanted = BODY_LIMIT + 1 if expected is None else min(expected, BODY_LIMIT + 1)
    body = source.take(wanted)
    whole = len(body) <= BODY_LIMIT and (expected is None or len(body) == expected)
    return body[:BODY_LIMIT], whole


def _read_chunks(source: _Source) -> tuple[bytes, bool]:
    body = bytearray()
    try:
        while len(body) <= BODY_LIMIT:
            text = source.line().partition(b";")[0].strip()
            if not text or len(text) > 16 or text.strip(b"0123456789abcdefABCDEF"):
                raise CheckFailed("not an HTTP answer: a chunk without its size")
            size = int(text, 16)
            if size == 0:
                return bytes(body), True
            body += source.take(min(size, BODY_LIMIT + 1 - len(body)))
            if len(body) <= BODY_LIMIT:
                source.line()
    except CheckFailed:
        # What came may already hold what is looked for.
        if not body:
            raise
        return bytes(body[:BODY_LIMIT]), False
    return bytes(body[:BODY_LIMIT]), False
