"""Canaries: a text that is found nowhere else, for each kind of source; and the search for them.

A canary counts as found as it is, in pieces of eight characters, backwards, in base64 and in hex. What a URL,
XML, JSON or a properties file does to a text leaves eight letters and digits in a row as they are.

`python tests/secrets/canaries.py` prints the table of docs/reference/secrets.md.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping

PIECE = 8


def canary(name: str) -> str:
    """Return the canary of a source: twenty letters and digits, the same in every run."""
    digest = hashlib.sha256(f"canary of {name}".encode()).digest()
    return base64.b32encode(digest).decode()[:20]


class Hunt:
    """Looks for canaries in whatever a run has left, written or shown."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._forms = {name: tuple(_forms(text)) for name, text in texts.items()}

    def found(self, data: bytes | str) -> set[str]:
        """Return the names of the canaries that are in this data, in any form."""
        raw = data.encode(errors="surrogateescape") if isinstance(data, str) else data
        upper = raw.upper()
        return {
            name
            for name, forms in self._forms.items()
            if any(form in raw or form in upper for form in forms)
        }


def _forms(text: str) -> Iterable[bytes]:
    raw = text.encode()
    for form, size in ((raw, PIECE), (raw[::-1], PIECE), (raw.hex().upper().encode(), 2 * PIECE)):
        yield from (form[at : at + size] for at in range(len(form) - size + 1))
    for shift in range(3):
        # What stands before and after it changes the first and last letters.
        coded = base64.b64encode(b"\0" * shift + raw)
        yield coded[4:-4]


SOURCES = {
    "variable": "variable of a secret setting",
    "named file": "file that `NAME_FILE` names",
    "secret folder": "file below /run/secrets",
    "properties": "secret key of a mounted properties file",
    "overlay": "default of a secret setting in an overlay",
    "default": "default of a secret setting in the profile",
    "user of a url": "password before the host of a URL setting",
    "database url": "`password=` of a JDBC URL setting",
    "token": "bearer token of the HTTP port",
    "tls key": "file of the TLS key",
    "options": "`-Dshop.password=` in `JAVA_OPTIONS`",
    "argument file": "`-Dshop.password=` in an `@file` of `JAVA_OPTIONS`",
    "options file": "`-Dshop.password=` in a file of JVM options",
    "tool options": "`-Dshop.password=` in `JAVA_TOOL_OPTIONS`",
    "argument": "`--password` of the application's arguments",
    "misspelt": "variable that is nearly that of a secret setting",
    "unrelated": "variable that no setting knows",
}
PLACES = {
    "shown": "`plan`, `explain`, `check`, `profiles`, in text, JSON and YAML",
    "recording": "`plan --record`, and `plan --replay` of it",
    "log": "log, text and JSON; errors",
    "http": "status page, `/status`, `/metrics`, `entrypoint status`",
    "termination": "termination message",
    "rendered": "rendered file, mode 0600",
    "files": "any other file: run folder, diagnosis, temporary files",
    "java argv": "arguments of java",
    "other argv": "arguments of every other process",
    "java environment": "java's environment",
    "memory": "memory of entrypoint while java runs",
}
_GIVEN = frozenset({"variable", "named file", "secret folder", "properties", "overlay", "default"})
_SPOKEN = frozenset({"options", "argument file", "options file", "argument"})
ALLOWED = {
    "rendered": _GIVEN | {"user of a url", "database url"},
    "java argv": _SPOKEN,
    "other argv": {"argument"},
    "java environment": {"user of a url", "database url", "options", "tool options", "misspelt", "unrelated"},
    "memory": frozenset(SOURCES) - {"named file", "secret folder", "properties", "overlay", "default"},
}  # fmt: skip
"""Where a canary has to be found; nowhere else may one be."""


def table() -> str:
    """Return the table: a row for each source, a column for each place."""
    head = f"| | {' | '.join(PLACES.values())} |"
    rule = "|---" * (len(PLACES) + 1) + "|"
    rows = [
        f"| {title} | "
        + " | ".join("found" if name in ALLOWED.get(place, ()) else "-" for place in PLACES)
        + " |"
        for name, title in SOURCES.items()
    ]
    return "\n".join((head, rule, *rows)) + "\n"


if __name__ == "__main__":
    print(table(), end="")
