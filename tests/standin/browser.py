"""A browser for the manager's pages: cookies and forms, never a redirect followed."""

from __future__ import annotations

import http.client
import urllib.parse
import uuid
from collections.abc import Mapping
from typing import NamedTuple

from lab.net import LOOPBACK

PATIENCE = 60.0


class Answer(NamedTuple):
    """One HTTP answer; `location` is the path of a redirect."""

    status: int
    text: str
    location: str


class Browser:
    """Asks a manager for pages, keeps its cookie, never follows a redirect."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookie = ""

    def get(self, page: str, timeout: float = PATIENCE) -> Answer:
        """GET a page."""
        return self._ask("GET", page, b"", {}, timeout)

    def post(self, page: str, fields: Mapping[str, str]) -> Answer:
        """POST a form."""
        body = urllib.parse.urlencode(fields).encode()
        return self._ask("POST", page, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def post_multipart(self, page: str, fields: Mapping[str, str]) -> Answer:
        """POST a form as multipart/form-data."""
        boundary = uuid.uuid4().hex
        body = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        return self._ask(
            "POST",
            page,
            f"{body}--{boundary}--\r\n".encode(),
            {"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )

    def log_in(self, user: str = "admin", password: str = "admin") -> Answer:
        """POST the login form."""
        fields = {"action": "user_action", "event_submit_do_login": "1"}
        return self.post("login.htm", {**fields, "_fm.l._0.n": user, "_fm.l._0.p": password})

    def token(self, page: str) -> str:
        """Return the token of the form on a page."""
        text = self.get(page).text
        return text.split('name="_csrf_token" value="', 1)[1].split('"', 1)[0]

    def _ask(
        self,
        method: str,
        page: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout: float = PATIENCE,
    ) -> Answer:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=timeout)
        try:
            sent = {**headers, "Cookie": self._cookie}
            connection.request(method, f"/{page}", body or None, sent)
            response = connection.getresponse()
            self._cookie = (response.getheader("Set-Cookie") or self._cookie).split(";")[0]
            location = urllib.parse.urlsplit(response.getheader("Location") or "").path
            return Answer(response.status, response.read().decode(), location.removeprefix("/"))
        finally:
            connection.close()
