"""The pages of otter's manager over HTTP: log in, look, post forms. Cookies are kept, redirects only read.

Here: requests and answers, bounded in time and size. What is asked, and why, is in `otter`. A redirect
names the manager's configured domain, which need not be reachable from here, or be the manager at all: only
its page is looked at. Loaded by the helper and short processes, never by PID 1.
"""

from __future__ import annotations

import http.client
import os
import time
from urllib.parse import urlencode, urlsplit

from entrypoint.integrations.html import parse
from entrypoint.integrations.protocol import TryAgainError
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from entrypoint.integrations.html import Page

REQUEST_SECONDS: Final = 10.0
PAGE_LIMIT: Final = 4 * 1024 * 1024
"""A list of a thousand nodes has about 1 MB."""


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
    """One visit to the manager."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)
        self._base = parts.path.rstrip("/")
        self._cookies: dict[str, str] = {}

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

    def _ask(self, method: str, page: str, body: bytes, kind: str) -> Answer:
        deadline = time.monotonic() + REQUEST_SECONDS
        shown = page.partition("?")[0]
        kind_of = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind_of(self._host, self._port, timeout=REQUEST_SECONDS)
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())}
        if kind:
            headers["Content-Type"] = kind
        try:
            connection.request(method, f"{self._base}/{page}", body or None, headers)
            response = connection.getresponse()
            text = _read(response, shown, deadline)
        except TimeoutError:
            seconds = f"{REQUEST_SECONDS:g}s"
            raise TryAgainError(f"no answer from /{shown} within {seconds}") from None
        except (http.client.HTTPException, ValueError) as error:
            raise TryAgainError(f"no HTTP from /{shown} ({type(error).__name__})") from None
        except OSError as error:
            raise TryAgainError((error.strerror or type(error).__name__).lower()) from None
        finally:
            connection.close()
        for set_cookie in response.headers.get_all("Set-Cookie", []):
            name, _, value = set_cookie.partition(";")[0].partition("=")
            self._cookies[name.strip()[:100]] = value.strip()[:1000]
        if response.status >= 500:
            raise TryAgainError(f"/{shown} answers {response.status}")
        location = response.headers.get("Location", "") if 300 <= response.status < 400 else ""
        return Answer(response.status, text, spelt(urlsplit(location).path) if location else "")


def _read(response: http.client.HTTPResponse, shown: str, deadline: float) -> str:
    """Read a page; a server that drips bytes gets no more time than one that is silent."""
    data = bytearray()
    while chunk := response.read1(65536):
        data += chunk
        if len(data) > PAGE_LIMIT:
            raise TryAgainError(f"/{shown} is larger than {PAGE_LIMIT >> 20} MiB")
        if time.monotonic() > deadline:
            raise TimeoutError
    if response.length:
        raise http.client.IncompleteRead(bytes(data), response.length)
    return data.decode("utf-8", "replace")
