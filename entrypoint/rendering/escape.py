r"""Text made safe for one format: XML, a .properties key or value, a YAML scalar.

Here: pure functions from text to text. They raise ValueError("what was expected") where the format
cannot carry the text; the caller knows the place.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_XML_SPECIAL: Final = re.compile("[&<>\"'\t\n\r]")
# Not as one class with what XML does allow: re needs 4 ms for a class of so many characters.
_XML_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_XML_NAMES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_NOT_PLAIN: Final = re.compile(r"[^ -\[\]-~]")
_IN_KEY: Final = re.compile(r"[ =:#!]")
_IN_YAML: Final = re.compile(r"[^ !#-\[\]-~]")
_SHORT: Final = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\f": r"\f"}


def has_surrogate(text: str) -> bool:
    """Tell whether half of a surrogate pair is in the text: it is no Unicode then."""
    return not text.isascii() and re.search("[\ud800-\udfff]", text) is not None


def xml(text: str) -> str:
    """Return the text for XML element content or an attribute in either kind of quotes.

    Tab, CR and LF become references, since a parser would turn them into spaces in an attribute.
    ValueError: a character that XML 1.0 cannot carry, not even as a reference.
    """
    if _XML_FORBIDDEN.search(text) or has_surrogate(text) or "\ufffe" in text or "\uffff" in text:
        raise ValueError("text without control characters (XML 1.0 cannot carry them)")
    return _XML_SPECIAL.sub(lambda m: _XML_NAMES.get(m[0]) or f"&#{ord(m[0])};", text)


def properties_key(key: str) -> str:
    """Return the key as it stands in a file: every blank, separator and comment sign escaped."""
    return _IN_KEY.sub(r"\\\g<0>", _properties_ascii(key))


def properties_value(value: str) -> str:
    """Return the value as it stands after `key=`, in ASCII and on one line.

    Spaces at both ends are escaped, so that no editor strips them. `:`, `=`, `#` and `!` mean nothing
    after the separator and stay, so that jdbc:mysql://host reads as itself. ValueError: not Unicode.
    """
    text = _properties_ascii(value)
    if text.endswith(" "):
        text = text[:-1] + "\\ "
    return "\\" + text if text.startswith(" ") else text


def yaml_scalar(text: str) -> str:
    """Return the text as a double-quoted YAML scalar in ASCII, good for YAML 1.1 and 1.2."""

    def encode(match: re.Match[str]) -> str:
        code = ord(match[0])
        if match[0] in '"\\':
            return "\\" + match[0]
        return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

    if has_surrogate(text):
        raise ValueError("Unicode text")
    return f'"{_IN_YAML.sub(encode, text)}"'


def _properties_ascii(text: str) -> str:
    if has_surrogate(text):
        raise ValueError("Unicode text")

    def encode(match: re.Match[str]) -> str:
        short = _SHORT.get(match[0])
        if short:
            return short
        units = match[0].encode("utf-16-be").hex()
        return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))

    return _NOT_PLAIN.sub(encode, text)
