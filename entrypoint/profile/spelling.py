"""Words for people: which known word did somebody mean, and lists of words that fit on a line.

Here: edit distance with a bound, for keys of a profile and for variables. Our own, since `difflib` costs
3 ms of import and finds matches that are too far away to be worth saying. Pure.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


MAX_WORD = 100
MAX_KNOWN = 300
"""Longer words and more of them are not compared: a hint is not worth the time that they take."""


def closest(word: str, known: Iterable[str], limit: int | None = None) -> str:
    """Return the known word with the fewest edits from `word`, or "" where none is near.

    An edit is a letter added, left out, changed, or swapped with its neighbour. `limit` is the most
    edits allowed; by default 1 for words of up to 5 letters, and 2 for longer ones. Words of more than
    100 letters are near to nothing, and only the first 300 known words are looked at.
    """
    if len(word) > MAX_WORD:
        return ""
    most = limit if limit is not None else (1 if len(word) <= 5 else 2)
    found, fewest = "", most + 1
    for _, candidate in zip(range(MAX_KNOWN), known, strict=False):
        edits = distance(word, candidate, most)
        if edits < fewest:
            found, fewest = candidate, edits
    return found


def distance(left: str, right: str, most: int) -> int:
    """Return the number of edits between two words, or `most + 1` where there are more than `most`."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, start=1):
            edits = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                edits = min(edits, older[j - 2] + 1)
            row.append(edits)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def listed(words: Iterable[str], width: int = 86) -> str:
    """Return words joined by commas, broken into lines that fit beside the label of a problem."""
    lines = [""]
    for word in words:
        joined = f"{lines[-1]}, {word}" if lines[-1] else word
        if len(joined) > width and lines[-1]:
            lines[-1] += ","
            lines.append(word)
        else:
            lines[-1] = joined
    return "\n".join(lines)
