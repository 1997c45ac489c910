"""Sums of whole numbers, for settings that follow from others: `30000 + 3 * 4`.

Here: one function. Which settings are in the sum is reference text, filled before. Pure.
"""

from __future__ import annotations

import re

_SUM = re.compile(r"\s*-?\d{1,9}(\s*[+*-]\s*\d{1,9})*\s*", re.ASCII)


def compute(text: str) -> str:
    """Return what a sum amounts to; `*` binds before `+` and `-`. Raises ValueError."""
    if not _SUM.fullmatch(text):
        raise ValueError("whole numbers joined by +, - and *")
    total = 0
    for term in re.findall(r"-?[^+-]+", text):
        product = -1 if term.startswith("-") else 1
        for factor in term.lstrip("-").split("*"):
            product *= int(factor)
        total += product
    return str(total)
