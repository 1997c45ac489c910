"""The JDK's argument files: what `@file` on the command line stands for.

Here: text of a file in, words with their lines out, by the rules of the `java` launcher of 9 and later.
We expand them for every JDK: 8 would take `@file` as the main class, and our rules have to see the options.
"""

from __future__ import annotations

import re

from entrypoint.errors import Problem, ProblemsError
from entrypoint.jvm import option_files
from entrypoint.jvm.option_files import FileOption
from entrypoint.jvm.options import MAX_OPTIONS, TAKES_NEXT_WORD, too_many

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
_BLANK = " \t\f\n\r"
# Inside quotes, a backslash at the end of a line joins it with the next one, whose first blanks go.
_JOINED = re.compile(r"\\(?:\r\n|\r|\n)[ \t\f\r\n]*")


def parse(content: bytes, path: str) -> tuple[FileOption, ...]:
    """Return the options of an argument file in order, one a record, each with its line.

    Blanks separate words; `#` begins a comment; '…' and "…" keep blanks, and inside them a backslash
    escapes (\\n, \\t, \\r, \\f, itself, quotes) or joins lines. Outside quotes a backslash is itself.
    Raises ProblemsError for what the launcher would misread in silence: an open quote, a `#` in a word.
    """
    if reason := option_files.too_large(content):
        raise ProblemsError(option_files.unreadable(path, reason))
    text = option_files.decode(content)
    if text is None or "\0" in text:
        reason = "not UTF-8 text" if text is None else "a NUL character in it"
        raise ProblemsError(option_files.unreadable(path, reason))
    options: list[FileOption] = []
    words = _words(text, path)
    at = 0
    while at < len(words):
        word, line = words[at]
        takes = word in TAKES_NEXT_WORD and at + 1 < len(words)
        if word.startswith("@"):
            raise ProblemsError(
                _problem("names another, and they do not nest", path, line, "move its lines here")
            )
        options.append(FileOption((word, words[at + 1][0]) if takes else (word,), f"{path}:{line}"))
        at += 2 if takes else 1
    return tuple(options)


def _words(text: str, path: str) -> list[tuple[str, int]]:
    """Return the words with their line numbers."""
    found: list[tuple[str, int]] = []
    at, line = 0, 1
    while at < len(text):
        char = text[at]
        if char in _BLANK:
            line += char == "\n" or (char == "\r" and text[at + 1 : at + 2] != "\n")
            at += 1
        elif char == "#":
            while at < len(text) and text[at] not in "\n\r":
                at += 1
        else:
            word, end = _word(text, at, path, line)
            found.append((word, line))
            if len(found) > MAX_OPTIONS:
                raise ProblemsError(too_many(path))
            line += len(re.findall(r"\r\n|\r|\n", text[at:end]))
            at = end
    return found


def _word(text: str, start: int, path: str, line: int) -> tuple[str, int]:
    """Read one word: (its text, the position after it)."""
    word: list[str] = []
    at = start
    while at < len(text) and text[at] not in _BLANK:
        if text[at] in "'\"":
            piece, at = _quoted(text, at, path, line)
            word.append(piece)
        elif text[at] == "#":
            what = "has a # in a word, where java would lose the word"
            raise ProblemsError(
                _problem(what, path, line, 'put the word into quotes, "like # this"')
            )
        else:
            word.append(text[at])
            at += 1
    return "".join(word), at


def _quoted(text: str, start: int, path: str, line: int) -> tuple[str, int]:
    """Read what stands in quotes from `start` on: (its text, the position after the closing quote)."""
    quote, piece = text[start], [""]
    at = start + 1
    while at < len(text) and text[at] not in "\n\r":
        char = text[at]
        if char == quote:
            return "".join(piece), at + 1
        if char == "\\" and (joined := _JOINED.match(text, at)):
            at = joined.end()
        elif char == "\\":
            escaped = text[at + 1 : at + 2]
            piece.append(_ESCAPES.get(escaped, escaped))
            at += 2
        else:
            piece.append(char)
            at += 1
    fix = f"close the {quote}, or end the line with a backslash"
    raise ProblemsError(_problem("has a quote that is not closed on its line", path, line, fix))


def _problem(what: str, path: str, line: int, fix: str) -> Problem:
    details = (("where", f"{path}:{line} (not shown: it may hold a secret)"), ("fix", fix))
    return Problem("argfile-invalid", f"an argument file {what}", details)
