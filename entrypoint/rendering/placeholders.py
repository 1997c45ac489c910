"""`${name}` inside properties values: what the application will see, never what is written.

Here: `resolve_placeholders`. Rendered files keep their placeholders; gates and checks need the text.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

EXPANSION_LIMIT: Final = 1 << 16
NESTING_LIMIT: Final = 50

_PLACEHOLDER: Final = re.compile(r"\$\{([^{}]*)\}")


def resolve_placeholders(values: Mapping[str, str], key: str) -> str | None:
    """Return a key's value with every `${name}` and `${name:default}` replaced, as Spring does it.

    None when a name is missing, refers to itself, or the text grows beyond 64 Ki characters or 50
    levels. For knowing what the application will see; what is written keeps its placeholders.
    """
    done: dict[str, str | None] = {}

    def value_of(name: str, nesting: int) -> str | None:
        if name not in done:
            done[name] = None  # what a cycle finds
            if name in values and nesting < NESTING_LIMIT:
                done[name] = expand(values[name], nesting + 1)
        return done[name]

    def expand(text: str, nesting: int) -> str | None:
        parts: list[str] = []
        end = size = 0
        for match in _PLACEHOLDER.finditer(text):
            found = value_of(match[1], nesting)
            if found is None and ":" in match[1]:
                name, _, default = match[1].partition(":")
                found = value_of(name, nesting) if name in values else default
            if found is None:
                return None
            parts += (text[end : match.start()], found)
            end = match.end()
            size += len(found)
            if size > EXPANSION_LIMIT:
                return None
        return "".join([*parts, text[end:]])

    return value_of(key, 0)
