"""Reference text: text that holds `{name}` where a value belongs.

Here: finding the names and filling them in. What a name means is the caller's knowledge. `{{` and `}}`
are literal braces, and Java's own `${…}` is left alone. Pure.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN = re.compile(r"\$\{[^{}]*\}|\{\{|\}\}|\{([A-Za-z][A-Za-z0-9._-]*)\}|[{}]")


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

    Whatever `lookup` raises passes through. Raises ValueError for a lone brace, as `names` does.
    """
    if "{" not in text and "}" not in text:
        return text
    names(text)

    def replacement(match: re.Match[str]) -> str:
        if match[1]:
            return lookup(match[1])
        return match[0][0] if match[0] in {"{{", "}}"} else match[0]

    return _TOKEN.sub(replacement, text)
