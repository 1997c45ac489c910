"""Reference text: text that holds `{name}` where a value belongs.

Here: finding the names and filling them in. What a name means is the caller's knowledge. `{{` and `}}`
are literal braces, and Java's own `${…}` is left alone. Pure.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FILL_LIMIT = 128 * 1024
"""Characters of a text with its references filled: the kernel takes no longer word."""
TOTAL_LIMIT = 8 * 1024 * 1024
"""Characters of all the texts of a profile that were filled."""
_TOKEN = re.compile(r"\$\{[^{}]*\}|\{\{|\}\}|\{([A-Za-z][A-Za-z0-9._-]*)\}|[{}]")


class TooLongError(ValueError):
    """A text grows beyond all bounds by its references: each may stand in it very often."""


def names(text: str) -> tuple[str, ...]:
    """Return the names that a text refers to, in order, each once.

    Raises ValueError for a brace that is neither part of a reference nor doubled.
    """
    found: dict[str, None] = {}
    for match in _TOKEN.finditer(text):
        if match[0] in {"{", "}"}:
            raise ValueError(
                f"a lone {match[0]!r}: write {{name}} for a value, {match[0] * 2} for the brace itself"
            )
        if match[1]:
            found[match[1]] = None
    return tuple(found)


def fill(text: str, lookup: Callable[[str], str]) -> str:
    """Return the text with every `{name}` replaced by `lookup(name)`, once: values are not searched.

    Whatever `lookup` raises passes through. Raises ValueError for a lone brace, as `names` does, and
    TooLongError.
    """
    if "{" not in text and "}" not in text:
        return text
    names(text)
    size = len(text)

    def replacement(match: re.Match[str]) -> str:
        nonlocal size
        if match[1]:
            value = lookup(match[1])
            size += len(value)
            if size > FILL_LIMIT:
                raise TooLongError(f"at most {FILL_LIMIT >> 10} KiB once its references are filled")
            return value
        return match[0][0] if match[0] in {"{{", "}}"} else match[0]

    return _TOKEN.sub(replacement, text)
