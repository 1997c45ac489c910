"""HTTP/1.1 messages as values: bytes to `Request`, `Response` to bytes.

Here: only what probes and scrapes need (GET and HEAD, no request bodies), read strictly, since the
port is open to the whole cluster. No sockets, no clock, no knowledge of what is asked for.
"""

from __future__ import annotations

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MAX_HEAD: Final = 8192
"""Bytes of request line and headers; a kubelet sends 120, Prometheus 400."""

TEXT: Final = "text/plain; charset=utf-8"

REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}

_TOKEN: Final = frozenset(
    b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_COMMON_HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)


@record
class Request:
    """One request: `path` and `query` percent-decoded, header names in lower case.

    `close` says whether the connection ends after the answer, `secure` whether it came by TLS.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False
    secure: bool = False

    def header(self, name: str) -> str:
        """Return the values of a header, joined as HTTP joins them; empty when it is not there."""
        return ", ".join(value for key, value in self.headers if key == name)

    def values(self, name: str) -> tuple[str, ...]:
        """Return every value of a query parameter; a bare `?verbose` has the empty value."""
        return tuple(value for key, value in self.query if key == name)


@record
class Response:
    """One answer; `headers` are those beyond the ones that every answer has."""

    status: int
    body: bytes
    content_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()


class BadRequestError(Exception):
    """A request that is answered with `response`, after which the connection ends."""

    def __init__(self, status: int, text: str, *headers: tuple[str, str]) -> None:
        super().__init__(text)
        self.response = Response(status, f"{text}\n".encode(), headers=headers)


def parse_head(head: bytes, secure: bool = False) -> Request:
    """Return the request whose head this is, without the empty line at its end.

    `secure` says that it came by TLS. Raises `BadRequestError`: 400 for what is not HTTP, 405 for methods
    other than GET and HEAD, 413 for a body, 505 for another major version.
    """
    first, *lines = head.split(b"\r\n")
    parts = first.split(b" ")
    if len(parts) != 3 or not parts[0] or not _TOKEN.issuperset(parts[0]):
        raise BadRequestError(400, "not an HTTP request line")
    method, target, version = parts
    if version not in {b"HTTP/1.1", b"HTTP/1.0"}:
        known = version.startswith(b"HTTP/")
        raise BadRequestError(505 if known else 400, "only HTTP/1.1 and HTTP/1.0 are spoken here")
    headers = _parse_headers(lines)
    if method not in {b"GET", b"HEAD"}:
        raise BadRequestError(405, "only GET and HEAD are answered", ("Allow", "GET, HEAD"))
    path, query = _parse_target(target, secure)
    request = Request(
        method=method.decode("ascii"),
        path=path,
        query=query,
        headers=headers,
        close=_closes(version, headers),
        secure=secure,
    )
    hosts = sum(1 for name, _ in headers if name == "host")
    if hosts > 1 or (hosts == 0 and version == b"HTTP/1.1"):
        raise BadRequestError(400, "exactly one Host header is needed")
    if request.header("transfer-encoding") or request.header("content-length") not in {"", "0"}:
        raise BadRequestError(413, "a request body is not accepted")
    return request


def encode(response: Response, head_only: bool, close: bool, date: str) -> bytes:
    """Return the bytes to send: status line, headers and, unless `head_only`, the body.

    `head_only` keeps the Content-Length that a GET would have had, as HTTP asks for.
    """
    reason = REASONS.get(response.status, "Unknown")
    headers = (
        ("Date", date),
        ("Content-Type", response.content_type),
        ("Content-Length", str(len(response.body))),
        *_COMMON_HEADERS,
        *response.headers,
        ("Connection", "close" if close else "keep-alive"),
    )
    lines = [f"HTTP/1.1 {response.status} {reason}"]
    for name, value in headers:
        # A content type may repeat what the client sent: never let it start another header.
        clean = "".join(c if " " <= c <= "~" else "?" for c in value)
        lines.append(f"{name}: {clean}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
    return head if head_only else head + response.body


def unquote(raw: bytes) -> str:
    """Return percent-decoded text; raise `BadRequestError` for a broken escape or bad UTF-8."""
    if b"%" in raw:
        first, *rest = raw.split(b"%")
        for part in rest:
            if len(part) < 2 or not _HEX.issuperset(part[:2]):
                raise BadRequestError(400, "a broken %-escape in the request line")
        raw = first + b"".join(bytes((int(part[:2], 16),)) + part[2:] for part in rest)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequestError(400, "the request line is not UTF-8") from None


def _parse_headers(lines: list[bytes]) -> tuple[tuple[str, str], ...]:
    headers: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or not _TOKEN.issuperset(name):
            raise BadRequestError(400, "a broken header line")
        value = value.strip(b" \t")
        if any((byte < 0x20 and byte != 0x09) or byte == 0x7F for byte in value):
            raise BadRequestError(400, "a control character in a header")
        headers.append((name.decode("ascii").lower(), value.decode("latin-1")))
    return tuple(headers)


def _parse_target(target: bytes, secure: bool) -> tuple[str, tuple[tuple[str, str], ...]]:
    scheme = b"https://" if secure else b"http://"
    if target[: len(scheme)].lower() == scheme:
        # The absolute form, which a server has to accept (RFC 9112, 3.2.2).
        slash = target.find(b"/", len(scheme))
        target = target[slash:] if slash >= 0 else b"/"
    if not target.startswith(b"/"):
        raise BadRequestError(400, "the request target has to be a path")
    raw_path, _, raw_query = target.partition(b"?")
    query: list[tuple[str, str]] = []
    for pair in raw_query.split(b"&"):
        if pair:
            name, _, value = pair.replace(b"+", b" ").partition(b"=")
            query.append((unquote(name), unquote(value)))
    return unquote(raw_path), tuple(query)


def _closes(version: bytes, headers: tuple[tuple[str, str], ...]) -> bool:
    tokens = {
        token.strip().lower()
        for name, value in headers
        if name == "connection"
        for token in value.split(",")
    }
    return "close" in tokens or (version == b"HTTP/1.0" and "keep-alive" not in tokens)
