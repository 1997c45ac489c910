r"""Java's .properties format: read as java.util.Properties does, change keys without touching the rest.

Here: `parse` and `merge`. No input or output, and no knowledge of any application's keys. Files are
ISO-8859-1 with `\uXXXX`, because `Properties.load(InputStream)`
reads them so; where JDKs differ on damaged files we follow JDK 9 and newer.
"""

from __future__ import annotations

import re

from entrypoint.errors import ProblemsError
from entrypoint.records import record
from entrypoint.rendering.escape import has_surrogate, properties_key, properties_value
from entrypoint.rendering.problems import bad_escape, half_pair, not_text, shown, too_large

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final

    from entrypoint.errors import Problem

SIZE_LIMIT: Final = 1 << 20
"""Bytes of one file: a whole ConfigMap has to fit into 1 MiB."""
ENTRY_LIMIT: Final = 10_000
SHOWN_LIMIT: Final = 5

_BLANK: Final = " \t\f"
_BOM: Final = "\xef\xbb\xbf"
_LINE: Final = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_LINE_END: Final = re.compile(r"(?:\r\n|\r|\n)?\Z")
_KEY: Final = re.compile(r"(?:[^=: \t\f\\]++|\\.)*+", re.DOTALL)
_SEPARATOR: Final = re.compile(r"[ \t\f]*+([=:]?)[ \t\f]*+")
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PAIR: Final = "[\ud800-\udbff][\udc00-\udfff]"  # compiled when used: 0.3 ms
_DANGLING: Final = re.compile(r"(?<!\\)(?:\\\\)*+\\\Z")
_LETTERS: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


@record
class Piece:
    """One entry, or the comments and blank lines between two; together they are the file's exact text.

    `key` is None for comments and blanks. `line` is where the key stands, counted from 1, or 0 where
    there is none. `head` is the raw text before the value when that is on one line and has `=` or `:`,
    else empty.
    """

    text: str
    line: int
    key: str | None = None
    value: str = ""
    head: str = ""

    def __repr__(self) -> str:
        # Values are left out: a mounted file holds passwords.
        return f"Piece(line={self.line}, key={self.key!r})"


@record
class PropertiesFile:
    """A parsed file: everything it says, in order, and how to write it back unchanged.

    `warnings` are sentences for a person: what Java will read differently than its author meant.
    """

    source: str
    pieces: tuple[Piece, ...] = ()
    warnings: tuple[str, ...] = ()

    def values(self) -> dict[str, str]:
        """Return what Java sees: for a key given twice, the last value."""
        return {piece.key: piece.value for piece in self.pieces if piece.key is not None}

    def lines(self) -> dict[str, tuple[int, ...]]:
        """Return the line numbers of every key, in the order of the file; the last one counts."""
        found: dict[str, list[int]] = {}
        for piece in self.pieces:
            if piece.key is not None:
                found.setdefault(piece.key, []).append(piece.line)
        return {key: tuple(numbers) for key, numbers in found.items()}


def parse(data: bytes, source: str = "properties") -> PropertiesFile:
    """Return the file as Java would read it; all its malformed places together are the error.

    `source` is the file's name for messages. Problems: properties-too-large, properties-escape, and
    properties-surrogate: half a UTF-16 pair, which Java takes and which no text can carry further.
    """
    if len(data) > SIZE_LIMIT:
        raise ProblemsError(too_large(source, len(data), SIZE_LIMIT, ENTRY_LIMIT))
    pieces: list[Piece] = []
    problems: list[Problem] = []
    between: list[str] = []
    entries = 0
    for text, spans in _logical_lines(data.decode("latin-1")):
        if not spans:
            between.append(text)
            continue
        if between:
            pieces.append(Piece("".join(between), 0))
            between = []
        entries += 1
        if entries > ENTRY_LIMIT:
            raise ProblemsError(too_large(source, len(data), SIZE_LIMIT, ENTRY_LIMIT))
        pieces.append(_entry(text, spans))
        problems.extend(_malformed(source, pieces[-1], spans))
    if between:
        pieces.append(Piece("".join(between), 0))
    if problems:
        raise ProblemsError(*problems)
    found = PropertiesFile(source, tuple(pieces))
    return PropertiesFile(source, found.pieces, (*_bytes_warnings(found), *_duplicates(found)))


def _logical_lines(text: str) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Yield (raw text, [(line, content)]); a comment or blank line has no content.

    As in Java: a line ends with CR, LF or CRLF; an odd number of backslashes before the end continues
    it; leading blanks of a continuation are dropped; while the logical line is still empty, a
    continuation may turn out to be a comment or blank after all.
    """
    raw: list[str] = []
    spans: list[tuple[int, str]] = []
    started = False
    for number, match in enumerate(_LINE.finditer(text), 1):
        if not match[0]:  # the end
            if raw:  # Java's last backslash is an entry without a key, but not before a CRLF
                entry = started or not raw[-1].endswith("\r\n")
                yield "".join(raw), spans if entry else []
            return
        raw.append(match[0])
        content = match[1].lstrip(_BLANK)
        continues = False
        if started or (content and content[0] not in "#!"):
            continues = (len(content) - len(content.rstrip("\\"))) % 2 == 1
            spans.append((number, content[:-1] if continues else content))
            started = started or spans[-1][1] != ""
        if not continues:
            yield "".join(raw), spans if started else []
            raw, spans, started = [], [], False


def _entry(text: str, spans: Sequence[tuple[int, str]]) -> Piece:
    logical = "".join(part for _, part in spans)
    line = next((number for number, part in spans if part), spans[-1][0])
    key = _KEY.match(logical)
    assert key is not None
    separator = _SEPARATOR.match(logical, key.end())
    assert separator is not None
    start = separator.end()
    head = ""
    if separator[1] and start <= len(spans[0][1]):
        head = text[: len(text) - len(text.lstrip(_BLANK)) + start]
    return Piece(text, line, _unescape(key[0]), _unescape(logical[start:]), head)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text

    def decode(match: re.Match[str]) -> str:
        letter = match[1]
        return chr(int(letter[1:], 16)) if len(letter) > 1 else _LETTERS.get(letter, letter)

    joined = _ESCAPE.sub(decode, text)
    return re.sub(
        _PAIR, lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), joined
    )


def _malformed(source: str, piece: Piece, spans: Sequence[tuple[int, str]]) -> Iterator[Problem]:
    """Yield what Java would refuse, and what Python could not pass on; never the value itself."""
    logical = "".join(part for _, part in spans)
    bad = next((match for match in _ESCAPE.finditer(logical) if match[1] == "u"), None)
    if bad:
        end = 0
        for line, part in spans:
            end += len(part)
            if bad.start() < end:
                yield bad_escape(f"{source}:{line}")
                break
    elif has_surrogate(f"{piece.key}\n{piece.value}"):
        yield half_pair(f"{source}:{piece.line}")


def _bytes_warnings(file: PropertiesFile) -> Iterator[str]:
    """Yield what an editor set to UTF-8 did to the file; comments may hold any bytes."""
    if file.pieces and file.pieces[0].text.startswith(_BOM):
        yield (
            f"{file.source}:1 starts with a UTF-8 byte order mark: Java reads it as part of the first"
            " key; save the file without it"
        )
    lines = [piece.line for piece in file.pieces if piece.key is not None and _is_utf8(piece.text)]
    if lines:
        yield (
            f"{file.source}:{_numbers(lines)} holds UTF-8 text: Java reads .properties as ISO-8859-1,"
            " so the application sees other characters; write them as \\uXXXX"
        )


def _is_utf8(text: str) -> bool:
    text = text.removeprefix(_BOM)
    if text.isascii():
        return False
    try:
        return text.encode("latin-1").decode("utf-8") != ""
    except UnicodeDecodeError:
        return False


def _duplicates(file: PropertiesFile) -> Iterator[str]:
    repeated = [(key, lines) for key, lines in file.lines().items() if len(lines) > 1]
    for key, (*earlier, last) in repeated[:SHOWN_LIMIT]:
        yield (
            f"{file.source}:{last} repeats {shown(key)} (also in line {_numbers(earlier)}):"
            " the last counts"
        )
    if len(repeated) > SHOWN_LIMIT:
        yield f"{file.source} repeats {len(repeated) - SHOWN_LIMIT} more keys: the last counts"


def _numbers(lines: Sequence[int]) -> str:
    more = len(lines) - SHOWN_LIMIT
    return ", ".join(map(str, lines[:SHOWN_LIMIT])) + (f" and {more} more" if more > 0 else "")


def merge(
    base: PropertiesFile, overrides: Mapping[str, str], added_by: str = "Added by entrypoint"
) -> bytes:
    """Return the file with some keys set to new values and every other byte as it was.

    A key's last line, the one Java uses, is rewritten in place, and its earlier lines go; a key that
    already has the value is left alone. New keys follow at the end, under a comment `added_by`.
    A value that is not Unicode text (half a UTF-16 pair) is the problem value-not-text.
    """
    lines = base.lines()
    current = base.values()
    changed = {key: value for key, value in overrides.items() if current.get(key) != value}
    parts: list[str] = []
    for piece in base.pieces:
        if piece.key is None or piece.key not in changed:
            parts.append(piece.text)
        elif piece.line == lines[piece.key][-1]:
            parts.append(_rewritten(piece, changed[piece.key]))
    added = [key for key in changed if key not in lines]
    if added:
        line_end = _first_line_end(base)
        parts.append(_closing(base, parts[-1] if parts else "", line_end))
        parts.extend(f"# {line}{line_end}" for line in added_by.splitlines())
        parts.extend(f"{_key(key)}={_value(key, changed[key])}{line_end}" for key in added)
    return "".join(parts).encode("latin-1", "backslashreplace")


def _rewritten(piece: Piece, value: str) -> str:
    assert piece.key is not None
    line_end = _LINE_END.search(piece.text)
    head = piece.head or f"{_key(piece.key)}="
    return head + _value(piece.key, value) + (line_end[0] if line_end else "")


def _first_line_end(file: PropertiesFile) -> str:
    found = _LINE.match(file.pieces[0].text) if file.pieces else None
    return (found and found[2]) or "\n"


def _closing(base: PropertiesFile, last: str, line_end: str) -> str:
    """Return what has to follow the last line so that another one can come."""
    content = _LINE_END.sub("", last)
    missing = line_end if content == last and last else ""
    if not base.pieces or base.pieces[-1].key is None or not _DANGLING.search(content):
        return missing
    # A backslash at the very end continues into nothing. Our line must not become its continuation:
    # an empty line stops that, and where Java saw an entry without a key, so does a lone "=".
    return missing + ("" if content.strip("\\\r\n" + _BLANK) else "=") + line_end


def _key(key: str) -> str:
    try:
        return properties_key(key)
    except ValueError:
        raise ProblemsError(not_text(key)) from None


def _value(key: str, value: str) -> str:
    try:
        return properties_value(value)
    except ValueError:
        raise ProblemsError(not_text(key)) from None
