"""Text into HTML: nothing that somebody else wrote can be anything but text.

Here: the one escape function of the status page, for every value, in text and in attributes alike.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_SPECIAL: Final = frozenset(_ENTITIES)


def escape(text: str, lines: bool = False) -> str:
    """Return text that is safe between tags and in a quoted attribute.

    What is not printable comes out as "�": controls that HTML forbids, lone surrogates, and the marks
    that turn the direction of writing, with which a text can pretend to be another. With `lines`,
    newlines stay.
    """
    if text.isascii() and text.isprintable() and _SPECIAL.isdisjoint(text):
        return text
    return "".join(_character(c, lines) for c in text)


def _character(c: str, lines: bool) -> str:
    if c.isprintable():
        return _ENTITIES.get(c, c)
    return c if lines and c == "\n" else "\ufffd"
