"""TLS: one connection as bytes in and bytes out, and the certificate that is shown.

Here: all that needs OpenSSL, so that PID 1 loads it (6 MB) only where TLS is set, and never before java
was started. Sockets and deadlines are `connection` and `http`: a handshake is a part of the first request.
"""

from __future__ import annotations

import ssl

from entrypoint.system.inputs import read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, NoReturn

_LARGEST: Final = 1 << 20
_REASONS: Final = {
    "KEY_VALUES_MISMATCH": "the key does not belong to the certificate",
    "NO_CERTIFICATE_ASSIGNED": "the key does not belong to the certificate",
    "NO_START_LINE": "not a PEM file with a certificate and its key",
    "EE_KEY_TOO_SMALL": "the key is too small to be safe",
    "CA_MD_TOO_WEAK": "the certificate's signature is too weak to be safe",
}


class UnusableError(Exception):
    """A certificate or key that cannot be used: which file, and why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def make_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return what speaks TLS 1.3 with this key pair; raises UnusableError.

    Not 1.2: OpenSSL keeps a session of 1 KB for each client of it that asks for no ticket, 20 MB of them,
    and Python has no switch for that. No sessions to resume: a scrape keeps its connection.
    """
    for path in (certificate, key):
        found = read_file(path, _LARGEST, mounts=())
        if found is None or found.problem:
            raise UnusableError(path, "no such file" if found is None else found.problem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, _no_passphrase)
    except _PassphraseError:
        raise UnusableError(key, "the key has a passphrase") from None
    except ssl.SSLError as error:
        # Of the key, where the certificate alone can be read. It has no reason for a file without PEM.
        name = error.reason or "NO_START_LINE"
        reason = _REASONS.get(name, f"OpenSSL says: {name.lower().replace('_', ' ')}")
        raise UnusableError(f"{certificate}, {key}", reason) from None
    except OSError as error:
        raise UnusableError(f"{certificate}, {key}", error.strerror or "cannot be read") from None
    return context


class _PassphraseError(Exception):
    """OpenSSL would ask the terminal for a passphrase: PID 1 may have one."""


def _no_passphrase() -> NoReturn:
    raise _PassphraseError


class Channel:
    """The TLS of one connection; what is to be sent is fetched with `take`."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._met = False

    def receive(self, data: bytes) -> bytes | None:
        """Return what the client said in the clear, b"" for not yet; None where it broke the protocol."""
        self._incoming.write(data)
        plain = bytearray()
        try:
            if not self._met:
                self._tls.do_handshake()
                self._met = True
            while chunk := self._tls.read(16384):
                plain += chunk
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            # It will send no more, and may still want its answer.
            return bytes(plain)
        except ssl.SSLError:
            return None
        return bytes(plain)

    def encrypt(self, data: bytes, ends: bool) -> bytes:
        """Return what says these bytes to the client, and after them, if it `ends`, that these are all."""
        try:
            sent = 0
            while sent < len(data):
                sent += self._tls.write(memoryview(data)[sent:])
            if ends:
                self._tls.unwrap()
        except ssl.SSLError:
            # The client's own farewell is not waited for.
            pass
        return self.take()

    def take(self) -> bytes:
        """Return what is to be sent now: a part of the handshake, or why it has failed."""
        return self._outgoing.read()
