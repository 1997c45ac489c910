"""How `entrypoint status` gets past what protects the port: TLS where it is asked for, and the token.

Here: `Asker`. It asks plainly first, and does what the answer says is missing: so it needs none of the
settings of TLS, whatever overlay they come from. The token is taken from where the settings have it.
"""

from __future__ import annotations

from entrypoint.probe import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Mapping
    from typing import Final

    from entrypoint.probe import Question, Stream

VARIABLE: Final = "ENTRYPOINT_TOKEN"
FILES: Final = (
    "/run/secrets/entrypoint.token",
    f"/run/secrets/{VARIABLE}",
    "/run/config/entrypoint.token",
)
_LARGEST: Final = 64 * 1024


class Asker:
    """Asks one server again and again, and remembers what it wants.

    `knows_it` tells whether the server is known to be the one that the token is for.
    """

    def __init__(
        self, environment: Mapping[str, str], token_file: str = "", knows_it: bool = True
    ) -> None:
        self._environment = environment
        self._token_file = token_file
        self._gives = knows_it or bool(token_file)
        self._token = ""
        self._secure = False

    def ask(self, question: Question, limit: int) -> tuple[int, str]:
        """Return status and body, as `probe.ask` does.

        To a server that is not known the token goes only if its file was named.
        """
        tried: str | None = None
        while True:
            secured = _secured if self._secure else None
            status, body = ask(question, limit, self._token, secured)
            if status == 403 and not self._secure:
                self._secure = True
            elif status == 401 and tried is None and self._gives:
                # A second look: it may have been changed since.
                tried, self._token = self._token, self._find()
                if not self._token or self._token == tried:
                    return status, body
            else:
                return status, body

    def _find(self) -> str:
        if self._token_file:
            return _content(self._token_file)
        if text := self._environment.get(VARIABLE):
            return text
        paths = (self._environment.get(f"{VARIABLE}_FILE", ""), *FILES)
        return next((token for path in paths if path and (token := _content(path))), "")


def is_local(host: str) -> bool:
    """Tell whether an address is one of this machine's own, that nobody else can have."""
    loopback = host.startswith("127.") and host.replace(".", "").isdecimal()
    return loopback or host in {"localhost", "::1"}


def _content(path: str) -> str:
    from entrypoint.system.inputs import read_file  # noqa: PLC0415 - only with a token

    found = read_file(path, _LARGEST, mounts=())
    text = "" if found is None else found.content.decode("latin-1").strip()
    # What is no word would not be one header.
    return text if text.isascii() and text.isprintable() and " " not in text else ""


def _secured(connection: _socket.socket, timeout: float) -> Stream:
    """Speak TLS to whoever has our address: the name in its certificate is the Service's, not ours."""
    import socket  # noqa: PLC0415 - only with TLS
    import ssl  # noqa: PLC0415

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.socket(fileno=connection.detach())
    plain.settimeout(timeout)
    try:
        return context.wrap_socket(plain)
    except BaseException:
        plain.close()
        raise
