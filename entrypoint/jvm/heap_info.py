"""What `GC.heap_info`, `VM.metaspace basic` and `Compiler.codecache` answer, on JDK 8 to 25.

Here: the JVM's texts → sizes in bytes, for what hsperfdata tells too late or not at all. No input or
output. A line that is not understood is left out; sizes are as exact as the JVM prints them.
"""

from __future__ import annotations

import re

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MAX_TEXT: Final = 256 * 1024


@record
class Space:
    """A memory pool: bytes used, bytes committed, and at most how many, where the text tells."""

    used: int
    committed: int | None = None
    maximum: int | None = None


@record
class HeapInfo:
    """The parts that the texts told; None where they did not.

    `heap` is the whole heap; `eden`, `survivor` and `old` are there for Serial, Parallel and CMS.
    `code` are the heaps of compiled code by the names of their memory pools.
    """

    heap: Space | None = None
    eden: Space | None = None
    survivor: Space | None = None
    old: Space | None = None
    metaspace: Space | None = None
    class_space: Space | None = None
    code: tuple[tuple[str, Space], ...] = ()


_SIZE: Final = r"(\d{1,15}) ?([KMG]?)B?"
_KB: Final = r"(\d{1,12})Kb"
_HEX: Final = r"0x([0-9a-f]{1,16})"
_SPACE: Final = re.compile(
    rf"\s*(eden|from|the|object)\s+space {_SIZE},\s*\d+% used \[{_HEX},\s*{_HEX}"
)
_CMS_OLD: Final = re.compile(rf"\s*concurrent mark-sweep generation total {_SIZE}, used {_SIZE}")
_G1: Final = re.compile(
    rf"\s*garbage-first heap\s+total (?:reserved {_SIZE}, committed )?{_SIZE}, used {_SIZE}"
)
_ZGC: Final = re.compile(rf"\s*ZHeap\s+used {_SIZE}, capacity {_SIZE}, max capacity {_SIZE}")
_SHENANDOAH: Final = re.compile(rf"\s*{_SIZE} max, .*?{_SIZE} committed, {_SIZE} used")
_METASPACE: Final = re.compile(rf"\s*(Metaspace|class space)\s+used {_SIZE},.*?committed {_SIZE}")
_CODE: Final = re.compile(
    rf"(?:CodeHeap '([a-z -]{{1,40}})'|CodeCache): size={_KB} used={_KB} .*\n"
    rf" bounds \[{_HEX}, {_HEX}, {_HEX}\]"
)  # fmt: skip


def parse_heap_info(*texts: str) -> HeapInfo:
    """Return what the texts of the three commands say, in any order; never fails."""
    found: dict[str, Space] = {}
    code: list[tuple[str, Space]] = []
    for text in texts:
        for line in text[:MAX_TEXT].splitlines():
            if len(line) < 300 and (named := _parse_line(line)) is not None:
                found.setdefault(*named)
        code += _parse_code(text[:MAX_TEXT])
    return HeapInfo(
        found.get("heap"),
        found.get("eden"),
        found.get("from"),
        found.get("old"),
        found.get("Metaspace"),
        found.get("class space"),
        tuple(code),
    )


def _parse_line(line: str) -> tuple[str, Space] | None:
    if match := _SPACE.match(line):
        name, size, unit, low, top = match.groups()
        used = int(top, 16) - int(low, 16)
        committed = _bytes(size, unit)
        # `the space` is the old generation of Serial, `object space` that of Parallel.
        name = name if name in {"eden", "from"} else "old"
        return (name, Space(used, committed)) if 0 <= used <= committed else None
    if match := _METASPACE.match(line):
        return match[1], Space(_bytes(match[2], match[3]), _bytes(match[4], match[5]))
    if match := _CMS_OLD.match(line):
        return "old", Space(_bytes(match[3], match[4]), _bytes(match[1], match[2]))
    if match := _G1.match(line):
        return "heap", Space(_bytes(match[5], match[6]), _bytes(match[3], match[4]))
    if match := _ZGC.match(line):
        used, committed, most = (_bytes(*match.group(at, at + 1)) for at in (1, 3, 5))
        return "heap", Space(used, committed, most)
    if match := _SHENANDOAH.match(line):
        most, committed, used = (_bytes(*match.group(at, at + 1)) for at in (1, 3, 5))
        return "heap", Space(used, committed, most)
    return None


def _parse_code(text: str) -> list[tuple[str, Space]]:
    """Return the code heaps; where the code cache is one piece, its pool is named `CodeCache`."""
    found: list[tuple[str, Space]] = []
    for match in _CODE.finditer(text):
        name = f"CodeHeap '{match[1]}'" if match[1] else "CodeCache"
        most, used = int(match[2]) << 10, int(match[3]) << 10
        committed = int(match[5], 16) - int(match[4], 16)
        if 0 <= committed <= most:
            found.append((name, Space(used, committed, most)))
    return found


def _bytes(number: str, unit: str) -> int:
    return int(number) << {"": 0, "K": 10, "M": 20, "G": 30}[unit]
