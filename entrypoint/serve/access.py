"""Who is answered: probes for everybody, all else with the token and the TLS that the settings ask for.

Here: `Guard`, which knows the token's digest and the certificate, and takes new ones from their files. What
is answered is `routes`.
"""

from __future__ import annotations

import os
import threading

from entrypoint.plan.protection import EXPECTED, is_token
from entrypoint.serve.messages import Request, Response
from entrypoint.serve.routes import is_probe
from entrypoint.system.inputs import read_file
from entrypoint.values import SecretDigest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from entrypoint.lifecycle.changes import Content
    from entrypoint.plan.model import Protection
    from entrypoint.serve.tls import Channel
    from entrypoint.system.changes import Looks
    from entrypoint.system.log import Log
    from entrypoint.values import Secret


class Guard:
    """Decides whether a request may be answered; before it knows the plan, probes alone may.

    `refusal` and `channel` are called by the HTTP thread and touch no disk; `look` is for another one.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._protection: Protection | None = None
        self._token: Secret | SecretDigest | None = None
        self._context: ssl.SSLContext | None = None
        self._looks: Looks | None = None
        self._seen: Mapping[str, Content] = {}

    def configure(self, protection: Protection) -> None:
        """Take what the plan asks for, the token as a digest; `start` has to follow for TLS."""
        self._token = protection.token
        self._protection = protection

    def start(self) -> None:
        """Begin to speak TLS, where the plan asks for it: on a thread, for OpenSSL has to be loaded."""
        protection = self._protection
        if protection is None or not protection.certificate or self._context is not None:
            return
        try:
            threading.Thread(target=self._load, args=(protection,), name="tls", daemon=True).start()
        except RuntimeError:  # a pids limit that is too tight: the first look does it
            return

    def channel(self) -> Channel | None:
        """Return the TLS for a connection that begins; None where it is not spoken, or not yet."""
        context = self._context
        if context is None:
            return None
        from entrypoint.serve.tls import Channel  # noqa: PLC0415 - loaded by `start`

        return Channel(context)

    def refusal(self, request: Request) -> Response | None:
        """Return why a request is not answered; None where it is."""
        protection, token = self._protection, self._token
        if is_probe(request.path):
            return None
        if protection is None:
            return Response(
                503, b"not yet: the plan is being made\n", headers=(("Retry-After", "1"),)
            )
        if protection.certificate and not request.secure:
            return Response(403, b"use https: without TLS only the probes are answered\n")
        if token is None:
            return None
        scheme, _, given = request.header("authorization").strip().partition(" ")
        if scheme.lower() != "bearer":
            return _unauthorized("a bearer token is needed", "")
        if not _fits(token, given.strip()):
            return _unauthorized("this is not the token", ', error="invalid_token"')
        return None

    def look(self) -> None:
        """Take a new token or certificate from its file; one that is no good is told, and not taken."""
        protection = self._protection
        paths = protection and (protection.token_file, protection.certificate, protection.key)
        if protection is None or not paths or not any(paths):
            return
        if self._looks is None:
            from entrypoint.system.changes import Looks  # noqa: PLC0415 - java is on its way

            self._looks = Looks(path for path in paths if path)
        before, self._seen = self._seen, self._looks.look()
        changed = {path for path, content in self._seen.items() if before.get(path) != content}
        if protection.token_file in changed:
            self._take_token(protection.token_file)
        if changed & {protection.certificate, protection.key}:
            self._load(protection, tell=bool(before))

    def _take_token(self, path: str) -> None:
        found = read_file(path, mounts=())
        problem = "no such file" if found is None else found.problem
        text = "" if found is None else found.content.decode("latin-1").rstrip("\r\n")
        if not problem and not is_token(text):
            problem = f"not a token: expected {EXPECTED}"
        if problem:
            self._log.warning("New token not taken, the old one stays", file=path, says=problem)
            return
        if not _fits(self._token, text):
            self._token = SecretDigest.of(text, os.urandom(32))
            self._log.info("New token taken", file=path)

    def _load(self, protection: Protection, tell: bool = False) -> None:
        from entrypoint.serve.tls import UnusableError, make_context  # noqa: PLC0415 - see its module

        again = self._context is not None
        try:
            self._context = make_context(protection.certificate, protection.key)
        except UnusableError as error:
            what = "New certificate not taken, the old one stays" if again else "No TLS"
            self._log.warning(what, file=error.path, says=error.reason)
            return
        if tell:
            self._log.info("New certificate taken", file=protection.certificate)


def _fits(token: Secret | SecretDigest | None, given: str) -> bool:
    return isinstance(token, SecretDigest) and token.fits(given)


def _unauthorized(text: str, error: str) -> Response:
    challenge = ("WWW-Authenticate", f'Bearer realm="entrypoint"{error}')
    return Response(401, f"{text}\n".encode(), headers=(challenge,))
