"""The pages of otter's manager over HTTP: log in, look, post forms. Cookies are kept, redirects only read.

Here: requests and answers, each bounded as a whole in time and size. What is asked, and why, is in `otter`.
A redirect names the manager's configured domain, which need not be reachable from here, or be the manager at
all: only its page is looked at. Loaded by the helper and short processes, never by PID 1.
"""

from __future__ import annotations

import http.client
import io
import os
from math import inf
from urllib.parse import urlencode, urlsplit

from entrypoint.integrations.html import parse
from entrypoint.integrations.protocol import TryAgainError
from entrypoint.records import record
from entrypoint.system.checks.result import CheckFailed, Deadline
from entrypoint.system.checks.sockets import connect

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from typing import Final

    from _typeshed import WriteableBuffer

    from entrypoint.integrations.html import Page

REQUEST_SECONDS: Final = 10.0
PAGE_LIMIT: Final = 4 * 1024 * 1024
"""A list of a thousand nodes has about 1 MB."""
COOKIES: Final = 50


@record
class Answer:
    """One answer: `leads_to` is the page of a redirect in one spelling (`nodelist`), else ""."""

    status: int
    text: str
    leads_to: str

    @property
    def page(self) -> Page:
        """What the page holds."""
        return parse(self.text)


def spelt(page: str) -> str:
    """Return a page's name in one spelling: otter takes node_list.htm and nodeList.htm for the same."""
    return page.rpartition("/")[2].removesuffix(".htm").replace("_", "").lower()


class Pages:
    """One visit to the manager: all its requests together take at most so many seconds."""

    def __init__(self, url: str, seconds: float = inf) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)
        self._base = parts.path.rstrip("/")
        self._cookies: dict[str, str] = {}
        self._visit = Deadline(seconds)

    def get(self, page: str, fields: Mapping[str, str] | None = None) -> Answer:
        """GET a page; raises TryAgainError where there is no answer, or none to work with."""
        query = f"?{urlencode(fields)}" if fields else ""
        return self._ask("GET", page + query, b"", "")

    def post(self, page: str, fields: Mapping[str, str]) -> Answer:
        """POST a form; raises as `get`."""
        body = urlencode(fields).encode()
        return self._ask("POST", page, body, "application/x-www-form-urlencoded")

    def post_multipart(self, page: str, fields: Mapping[str, str]) -> Answer:
        """POST a form as multipart/form-data; raises as `get`."""
        boundary = os.urandom(16).hex()
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        body = ("".join(parts) + f"--{boundary}--\r\n").encode()
        return self._ask("POST", page, body, f"multipart/form-data; boundary={boundary}")

    def _deadline(self, shown: str) -> Deadline:
        """Return the deadline of one request: its own time, or what is left of the visit's."""
        try:
            return Deadline(min(REQUEST_SECONDS, self._visit.remaining()))
        except TimeoutError:
            raise TryAgainError(f"the time was over before /{shown}") from None

    def _connect(self, deadline: Deadline) -> socket.socket:
        sock = connect(self._host, self._port, deadline)
        sock.settimeout(deadline.remaining())
        if not self._secure:
            return sock
        import ssl  # noqa: PLC0415 - only with https

        return ssl.create_default_context().wrap_socket(sock, server_hostname=self._host)

    def _ask(self, method: str, page: str, body: bytes, kind: str) -> Answer:
        shown = page.partition("?")[0]
        deadline = self._deadline(shown)
        connection = http.client.HTTPConnection(self._host, self._port)
        connection.response_class = _response_within(deadline)
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())}
        if kind:
            headers["Content-Type"] = kind
        try:
            connection.sock = self._connect(deadline)
            connection.request(method, f"{self._base}/{page}", body or None, headers)
            response = connection.getresponse()
            text = _read(response, shown)
        except CheckFailed as error:
            raise TryAgainError(error.detail) from None
        except TimeoutError:
            seconds = f"{deadline.seconds:.3g}s"
            raise TryAgainError(f"no answer from /{shown} within {seconds}") from None
        except (http.client.HTTPException, ValueError) as error:
            raise TryAgainError(f"no HTTP from /{shown} ({type(error).__name__})") from None
        except OSError as error:
            raise TryAgainError((error.strerror or type(error).__name__).lower()) from None
        finally:
            connection.close()
        for set_cookie in response.headers.get_all("Set-Cookie", []):
            name, _, value = set_cookie.partition(";")[0].partition("=")
            if len(self._cookies) < COOKIES:
                self._cookies[name.strip()[:100]] = value.strip()[:1000]
        if response.status >= 500:
            raise TryAgainError(f"/{shown} answers {response.status}")
        location = response.headers.get("Location", "") if 300 <= response.status < 400 else ""
        try:
            leads_to = spelt(urlsplit(location).path)
        except ValueError:  # brackets that hold no address
            raise TryAgainError(f"/{shown} leads to nowhere") from None
        return Answer(response.status, text, leads_to)


def _response_within(deadline: Deadline) -> type[http.client.HTTPResponse]:
    """Return a kind of response that is read, from its first header on, until the deadline only."""

    class Response(http.client.HTTPResponse):
        def __init__(
            self, sock: socket.socket, debuglevel: int = 0, method: str | None = None
        ) -> None:
            super().__init__(sock, debuglevel, method)
            self.fp.close()
            self.fp = io.BufferedReader(_Timed(sock, deadline))

    return Response


class _Timed(io.RawIOBase):
    """What a socket receives while there is time: a peer that drips gets no more of it than a silent one."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline
        # Keeps the connection open after http.client has closed its side of it.
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """Tell that this is to be read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """Read what has come, waiting no longer than is left; raises TimeoutError."""
        self._sock.settimeout(self._deadline.remaining())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Close it."""
        self._raw.close()
        super().close()


def _read(response: http.client.HTTPResponse, shown: str) -> str:
    data = bytearray()
    while chunk := response.read1(65536):
        data += chunk
        if len(data) > PAGE_LIMIT:
            raise TryAgainError(f"/{shown} is larger than {PAGE_LIMIT >> 20} MiB")
    if response.length:
        raise http.client.IncompleteRead(bytes(data), response.length)
    return data.decode("utf-8", "replace")
