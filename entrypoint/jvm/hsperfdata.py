"""The counters that HotSpot keeps in its hsperfdata file, read from the file's bytes.

Here: bytes → names and values, for JDK 8 to 25. No input or output; what the counters mean is in
`metrics`. Anybody in the container may have written the file: every offset is checked, every count
bounded, and whatever does not fit is a `PerfDataError`.

The layout, from HotSpot's perfMemory.hpp: a prologue of 32 bytes, then entries one after the other,
each with a header of 20 bytes, its name and its value.
"""

from __future__ import annotations

import struct

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

MAX_BYTES: Final = 1 << 20
"""The JVM's own default is 32 KiB (PerfDataMemorySize)."""
MAX_ENTRIES: Final = 4096
MAX_NAME: Final = 256

_MAGIC: Final = b"\xca\xfe\xc0\xc0"
_PROLOGUE: Final = 32
_ENTRY: Final = 20
_CONSTANT: Final = 1


class PerfDataError(ValueError):
    """Bytes that are not a complete hsperfdata file; the text is the reason."""


@record
class PerfData:
    """The counters at one moment.

    `modified` is the JVM's tick at which the set of entries last changed. `overflow` is how many
    bytes of counters found no place (PerfDataMemorySize): what is not here may still exist.
    """

    values: Mapping[str, int | str]
    modified: int = 0
    overflow: int = 0

    def number(self, name: str) -> int | None:
        """Return a counter that is a number, or None where there is no such number."""
        value = self.values.get(name)
        return value if isinstance(value, int) else None

    def text(self, name: str) -> str:
        """Return a counter that is text, or ""."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""


@record
class Prologue:
    """The head of the file. While it stays the same, every entry stays where it is."""

    order: str
    used: int
    overflow: int
    modified: int
    first: int
    count: int


def parse_prologue(data: bytes) -> Prologue:
    """Parse the head of the file; raises PerfDataError, also where the JVM has not filled it yet."""
    if len(data) < _PROLOGUE:
        raise PerfDataError(f"{len(data)} bytes are no hsperfdata file")
    if data[:4] != _MAGIC:
        # What a full /tmp leaves behind is a file of zeros.
        raise PerfDataError("not an hsperfdata file, or /tmp was full")
    if data[4] > 1 or data[5] != 2:
        raise PerfDataError(f"byte order {data[4]}, version {data[5]}: not known")
    if data[7] != 1:
        raise PerfDataError("the JVM is still starting")
    order = "<" if data[4] == 1 else ">"
    used, overflow, modified, first, count = struct.unpack_from(f"{order}iiqii", data, 8)
    if not _PROLOGUE <= used <= MAX_BYTES or not _PROLOGUE <= first <= used:
        raise PerfDataError(f"entries at {first}, end at {used}: out of bounds")
    if not 0 <= count <= MAX_ENTRIES:
        raise PerfDataError(f"{count} entries, more than {MAX_ENTRIES}")
    return Prologue(order, used, max(0, overflow), modified, first, count)


def parse(data: bytes) -> PerfData:
    """Return every counter of the file's bytes; raises PerfDataError."""
    return Layout(data).read(data)


class Layout:
    """Where each counter of one JVM is: found once, so that a later read only fetches values."""

    def __init__(self, data: bytes) -> None:
        """Take the places from the file's bytes; raises PerfDataError."""
        self.prologue = parse_prologue(data)
        self._numbers: dict[str, int] = {}
        self._texts: dict[str, tuple[int, int]] = {}
        self._constants: dict[str, int | str] = {}
        self._number = struct.Struct(f"{self.prologue.order}q")
        self._end = 0
        if len(data) < self.prologue.used:
            raise PerfDataError(f"{len(data)} bytes of {self.prologue.used}: cut off")
        header = struct.Struct(f"{self.prologue.order}iiibbbbi")
        at = self.prologue.first
        for _ in range(self.prologue.count):
            at = self._add(data, at, header)

    def fits(self, data: bytes) -> bool:
        """Tell whether the bytes still have the entries of this layout, in the same places."""
        return len(data) >= self._end and parse_prologue(data) == self.prologue

    def read(self, data: bytes) -> PerfData:
        """Return the counters of bytes that fit."""
        number = self._number.unpack_from
        values: dict[str, int | str] = {
            name: number(data, at)[0] for name, at in self._numbers.items()
        }
        for name, (at, length) in self._texts.items():
            values[name] = _text(data, at, length)
        values.update(self._constants)
        return PerfData(values, self.prologue.modified, self.prologue.overflow)

    def _add(self, data: bytes, at: int, header: struct.Struct) -> int:
        """Take one entry and return where the next one begins."""
        used = self.prologue.used
        if at + _ENTRY > used:
            raise PerfDataError(f"entry at {at}: beyond the end at {used}")
        length, name_at, items, kind, _flags, _unit, variability, value_at = header.unpack_from(
            data, at
        )
        # A length below a header's would let a count of entries read the same bytes for ever.
        if length < _ENTRY or at + length > used:
            raise PerfDataError(f"entry at {at}: length {length} out of bounds")
        if not _ENTRY <= name_at < length:
            raise PerfDataError(f"entry at {at}: name at {name_at} out of bounds")
        end = data.find(b"\0", at + name_at, min(at + length, at + name_at + MAX_NAME))
        if end < 0:
            raise PerfDataError(f"entry at {at}: a name without an end")
        size = 8 if items == 0 else items
        if items < 0 or not _ENTRY <= value_at <= length - size:
            raise PerfDataError(f"entry at {at}: value at {value_at} out of bounds")
        name = data[at + name_at : end].decode("ascii", "replace")
        place = at + value_at
        known = name in self._numbers or name in self._texts or name in self._constants
        if known:
            pass  # The first one counts, as for the JDK's own tools.
        elif kind == ord("J") and items == 0:
            self._numbers[name] = place
        elif kind == ord("B") and items > 0 and variability == _CONSTANT:
            self._constants[name] = _text(data, place, size)
        elif kind == ord("B") and items > 0:
            self._texts[name] = (place, size)
        self._end = max(self._end, at + length)
        return at + int(length)


def _text(data: bytes, at: int, length: int) -> str:
    return data[at : at + length].split(b"\0", 1)[0].decode("utf-8", "replace")
