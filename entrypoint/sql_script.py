"""A file of SQL as its statements, and what they make.

Here: where a statement ends, for the SQL of MySQL and MariaDB without the commands of their client, and the
names of the tables that are made. Pure; nothing here knows a server.
"""

from __future__ import annotations

import re

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_QUOTES: Final = "'\"`"
_NAME: Final = r"(?:`(?:[^`]|``)+`|[\w$]+)"
_GAP: Final = r"(?:\s|/\*!?\d*|\*/)+"
"""White space, and the marks of a version comment: servers run what is in it."""
_TABLE: Final = re.compile(
    rf"CREATE{_GAP}TABLE{_GAP}(?:IF{_GAP}NOT{_GAP}EXISTS{_GAP})?(?:{_NAME}\s*\.\s*)?({_NAME})", re.I
)
_DATABASE: Final = re.compile(
    rf"(?:USE|CREATE{_GAP}(?:DATABASE|SCHEMA)){_GAP}(?:IF{_GAP}NOT{_GAP}EXISTS{_GAP})?({_NAME})",
    re.I,
)
_DELIMITER: Final = re.compile(r"DELIMITER\b", re.I)


@record
class Statement:
    """One statement without its semicolon and the comments around it; `line` counts from 1."""

    text: str
    line: int

    @property
    def table(self) -> str:
        """The table that this statement makes, or ""."""
        found = _TABLE.match(self.text)
        return _plain(found[1]) if found else ""

    @property
    def database(self) -> str:
        """The database that this statement makes or chooses, or ""."""
        found = _DATABASE.match(self.text)
        return _plain(found[1]) if found else ""


def split(text: str) -> tuple[Statement, ...]:
    """Return the statements of a file, in order.

    Semicolons in strings, quoted names and comments end nothing. Raises ValueError, told with its line, for a
    quote or comment that has no end, and for DELIMITER, a command of the mysql client that no server knows.
    """
    found: list[Statement] = []
    at, start, began = 0, -1, 1
    counted = 0
    while at < len(text):
        end = _past(text, at)
        piece = text[at:end]
        if piece == ";" or (start < 0 and (piece.isspace() or _is_comment(piece))):
            if start >= 0:
                found.append(Statement(text[start:at].rstrip(), began))
            start = -1
        elif start < 0:
            # From the last statement on: from the top each time takes minutes for a file of many.
            start, began, counted = at, began + text.count("\n", counted, at), at
            if _DELIMITER.match(text, at):
                raise ValueError(
                    f"line {began}: DELIMITER is a command of the mysql client, not SQL"
                )
        at = end
    if start >= 0:
        found.append(Statement(text[start:].rstrip(), began))
    return tuple(found)


def _past(text: str, at: int) -> int:
    """Return where the piece that begins at `at` ends: a quoted text, a comment, or one character."""
    here = text[at]
    if here in _QUOTES:
        return _past_quote(text, at)
    if here == "#" or _is_dashes(text, at):
        end = text.find("\n", at)
        return len(text) if end < 0 else end
    if text.startswith("/*", at):
        end = text.find("*/", at + 2)
        if end < 0:
            raise ValueError(f"line {_line(text, at)}: a comment without an end")
        return end + 2
    return at + 1


def _past_quote(text: str, at: int) -> int:
    quote, end = text[at], at + 1
    while end < len(text):
        if text[end] == "\\" and quote != "`":
            end += 2
        elif text[end] != quote:
            end += 1
        elif text.startswith(quote, end + 1):
            end += 2
        else:
            return end + 1
    raise ValueError(f"line {_line(text, at)}: a {quote} without its other")


def _is_dashes(text: str, at: int) -> bool:
    """Tell whether a `-- ` comment begins here: MySQL wants white space behind it, for `5--3`."""
    return text.startswith("--", at) and (at + 2 == len(text) or text[at + 2].isspace())


def _is_comment(piece: str) -> bool:
    return piece.startswith(("#", "--", "/*")) and not piece.startswith(("/*!", "/*M!"))


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _plain(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
