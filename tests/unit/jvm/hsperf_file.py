"""Builds the bytes of an hsperfdata file, right or wrong."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

Entries = Sequence[tuple[str, int | str]]


def entry(name: str, value: int | str, order: str = "<", variability: int = 2) -> bytes:
    """Return one entry as the JVM lays it out: numbers aligned to 8 bytes."""
    text = name.encode() + b"\0"
    if isinstance(value, int):
        at = (20 + len(text) + 7) // 8 * 8
        body, kind, items = struct.pack(f"{order}q", value), "J", 0
    else:
        at = 20 + len(text)
        body, kind, items = value.encode() + b"\0", "B", len(value.encode()) + 1
    length = (at + len(body) + 7) // 8 * 8
    head = struct.pack(f"{order}iiibbbbi", length, 20, items, ord(kind), 1, 1, variability, at)
    return (head + text).ljust(at, b"\0") + body.ljust(length - at, b"\0")


def build(entries: Mapping[str, int | str] | Entries, order: str = "<", **head: int) -> bytes:
    """Return a whole file; `head` changes fields of the prologue."""
    pairs = entries.items() if isinstance(entries, Mapping) else entries
    body = b"".join(entry(name, value, order) for name, value in pairs)
    fields = {
        "byte_order": 1 if order == "<" else 0, "major": 2, "minor": 0, "accessible": 1,
        "used": 32 + len(body), "overflow": 0, "modified": 7, "first": 32, "count": len(pairs),
    } | head  # fmt: skip
    return (
        b"\xca\xfe\xc0\xc0"
        + struct.pack(
            "BBBB", fields["byte_order"], fields["major"], fields["minor"], fields["accessible"]
        )
        + struct.pack(
            f"{order}iiqii",
            *(fields[name] for name in ("used", "overflow", "modified", "first", "count")),
        )
        + body
    )
