"""Who may ask what of the HTTP port: the bearer token, and the certificate for TLS.

Here: from settings to `Protection`, and what a token has to be. Whether the certificate's files are any good
is asked by `preflight`, and who asks with which token by `serve.access`. Pure.
"""

from __future__ import annotations

from entrypoint.errors import Problem
from entrypoint.plan.model import Note, Protection
from entrypoint.values import MASK, Secret, reveal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from entrypoint.plan.scope import Scope
    from entrypoint.settings.model import Inputs, Setting

TOKEN: Final = "entrypoint.token"  # noqa: S105 - the name of the setting
CERTIFICATE: Final = "entrypoint.tls.certificate"
KEY: Final = "entrypoint.tls.key"
SHORTEST: Final = 16
LONGEST: Final = 512
EXPECTED: Final = f"{SHORTEST} to {LONGEST} visible ASCII characters without blanks"


def is_token(text: str) -> bool:
    """Tell whether a text can be a token: long enough, and fit for a header of one word."""
    return SHORTEST <= len(text) <= LONGEST and all("!" <= c <= "~" for c in text)


def protection(scope: Scope, inputs: Inputs, problems: list[Problem]) -> Protection:
    """Return what protects the port; adds a problem for a weak token and for half of a key pair."""
    setting = scope.settings.get(TOKEN)
    token = None if setting is None or not setting.text else Secret(reveal(setting.text))
    # The mask stands in a recording; a port with that for its token would be closed.
    text = "" if token is None else token.reveal()
    if setting is not None and text not in {"", MASK} and not is_token(text):
        problems.append(_weak(setting))
    certificate, key = scope.text(f"{{{CERTIFICATE}}}"), scope.text(f"{{{KEY}}}")
    if bool(certificate) != bool(key):
        problems.append(_half(scope, KEY if certificate else CERTIFICATE))
    return Protection(token, _file(setting, inputs), certificate, key)


def notes(found: Protection, listen: str) -> tuple[Note, ...]:
    """Return a note when a token would cross a network in the clear."""
    local = listen.startswith(("127.", "localhost:", "[::1]:"))
    if found.token is None or found.certificate or not listen or local:
        return ()
    text = (
        "the token crosses the network in the clear: TLS (ENTRYPOINT_TLS_CERT_FILE) would hide it"
    )
    return (Note(text, "ENTRYPOINT_TOKEN"),)


def _file(setting: Setting | None, inputs: Inputs) -> str:
    """Return the file that the token was read from, to be read again when it changes; "" for none."""
    if setting is None or setting.origin is None or not setting.text:
        return ""
    place = setting.origin.place
    named = f"(${setting.spec.env}_FILE)"
    paths = (found.path for found in inputs.files)
    return next((path for path in paths if place in {path, f"{path} {named}"}), "")


def _weak(setting: Setting) -> Problem:
    details = (
        ("where", setting.origin.place if setting.origin else TOKEN),
        ("expected", EXPECTED),
        ("fix", "make one with: openssl rand -hex 24"),
    )
    return Problem("token-weak", f'the token of setting "{TOKEN}" cannot be used', details)


def _half(scope: Scope, missing: str) -> Problem:
    setting = scope.settings.get(missing)
    name = (setting.spec.env if setting is not None else None) or missing
    details = (
        ("where", f"${name}"),
        ("expected", "a certificate and its key, or neither"),
        ("fix", "set ENTRYPOINT_TLS_CERT_FILE and ENTRYPOINT_TLS_KEY_FILE, or unset both"),
    )
    return Problem("setting-missing", f'TLS needs setting "{missing}" too', details)
