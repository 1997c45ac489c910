"""The `http` check: does a GET of this URL answer as it should?

Redirects are never followed: otter answers 302 to a page that says 200 when nobody is logged in, so a
check that follows is told that all is well.
"""

from __future__ import annotations

from entrypoint.records import record
from entrypoint.system.checks.http_answer import read_answer
from entrypoint.system.checks.pattern import contains
from entrypoint.system.checks.result import CheckFailed, SaidNo
from entrypoint.system.checks.sockets import Connection, connect
from entrypoint.values import one_line, parse_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

    from entrypoint.system.checks.http_answer import HttpAnswer
    from entrypoint.system.checks.result import Deadline


@record
class HttpUrl:
    """The parts of an http or https URL; `path` holds the query too, `authority` goes into Host."""

    secure: bool
    host: str
    port: int
    authority: str
    path: str


def parse_http_url(text: str) -> HttpUrl:
    """Return the parts of `http://host:port/path?query`; raises ValueError.

    User and password in the URL are refused: they would show in plans and logs.
    """
    scheme, mark, rest = text.strip().partition("://")
    rest = rest.partition("#")[0]
    start = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority, path = rest[:start], rest[start:]
    if (
        not mark
        or scheme.lower() not in {"http", "https"}
        or not all("!" <= c <= "~" for c in rest)
        or "@" in authority
    ):
        raise ValueError("a URL such as http://localhost:8080/ok.htm, with no blanks and no user")
    secure = scheme.lower() == "https"
    host, port = parse_address(authority, 443 if secure else 80)
    return HttpUrl(secure, host, port, authority, path if path.startswith("/") else "/" + path)


def parse_statuses(text: str) -> frozenset[int]:
    """Return the status codes of `200` or `200, 204`; raises ValueError."""
    parts = [part.strip() for part in text.split(",")]
    if not all(len(part) == 3 and part.isascii() and part.isdigit() for part in parts):
        raise ValueError("status codes such as 200 or 200,204")
    return frozenset(map(int, parts))


def ask_http(
    url: str, deadline: Deadline, status: str = "200", wanted: str = "", verify: bool = True
) -> None:
    """Return when a GET answers with `status` and a body that holds `wanted`; raises CheckFailed.

    `wanted` is text or a `/regular expression/`, looked for in the first 64 KiB. `verify` is about
    the certificate of https.
    """
    target, statuses = parse_http_url(url), parse_statuses(status)
    sock = connect(target.host, target.port, deadline)
    try:
        if target.secure:
            sock = _secure(sock, target.host, deadline, verify)
        connection = Connection(sock, deadline)
        connection.send(
            f"GET {target.path} HTTP/1.1\r\nHost: {target.authority}\r\nUser-Agent: entrypoint\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n".encode("ascii")
        )
        answer = read_answer(connection.receive, with_body=bool(wanted))
    finally:
        sock.close()
    _judge(answer, statuses, wanted)


def _secure(sock: socket.socket, host: str, deadline: Deadline, verify: bool) -> socket.socket:
    """Return the socket with TLS on it; the handshake as a whole keeps to the deadline."""
    # Only here: `ssl` costs several megabytes.
    import ssl  # noqa: PLC0415

    context = ssl.create_default_context() if verify else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        sock.settimeout(deadline.remaining())
        return context.wrap_socket(sock, server_hostname=host)
    except TimeoutError:
        raise CheckFailed(f"no TLS handshake in {deadline}") from None
    except ssl.SSLCertVerificationError as error:
        raise CheckFailed(f"certificate refused: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise CheckFailed(f"no TLS: {error.reason or 'handshake failed'}".lower()) from None


def _judge(answer: HttpAnswer, statuses: frozenset[int], wanted: str) -> None:
    if answer.status not in statuses:
        location = answer.header("location")
        if 300 <= answer.status < 400 and location:
            where = shown_location(location)
            raise SaidNo(f"{answer.status} to {where}, redirects are not followed")
        raise SaidNo(str(answer.status))
    if wanted and not contains(answer.body, wanted):
        part = "" if answer.whole else f" (first {len(answer.body)} bytes)"
        raise SaidNo(f'{answer.status}, but no "{one_line(wanted, 40)}" in its body{part}')


def shown_location(location: str) -> str:
    """Return the path of a redirect's target: the rest may hold session ids and tokens."""
    _, mark, rest = location.partition("://")
    path = "/" + rest.partition("/")[2] if mark else location
    for end in "?#;":
        path = path.partition(end)[0]
    return one_line(path, 80)
