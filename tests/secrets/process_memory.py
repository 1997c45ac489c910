"""What a process has in its memory, and how to make it end with a core file."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from process.harness import until

LEAST = 4 << 20
"""Bytes of a Python process: a search of less has not seen what it was to see."""

_WORD = re.compile(rb"[!-~]{8,}")


def readable(pid: int) -> Iterator[bytes]:
    """Yield all memory of a process that can be read, mapping by mapping.

    Not what is mapped read-only from a file: that is the file.
    """
    total = 0
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, allows, _, _, _, *name = line.split()
            begin, end = (int(word, 16) for word in place.split("-"))
            if allows.startswith("r-") and name and name[0].startswith("/"):
                continue
            data = bytearray()
            # What the kernel shares with every process (vvar) says EIO; so does what is gone meanwhile.
            with suppress(OSError, OverflowError):
                memory.seek(begin)
                while len(data) < end - begin and (part := memory.read(end - begin - len(data))):
                    data += part
            total += len(data)
            yield bytes(data)
    assert total > LEAST, f"only {total} bytes could be read"


def words(data: bytes) -> bytes:
    """Return what may be text, a word a line.

    Python has one, two or four bytes for a character: without the zeros all look alike.
    """
    return b"\n".join(_WORD.findall(data.replace(b"\0", b"")))


def end_by_a_fault(pid: int) -> None:
    """Make the main thread run into nonsense when it wakes up next, and wake it.

    PID 1 ends by no signal that is sent to it, only by a fault of its own, as a bug in C code is one.
    """
    try:
        until(lambda: _goes_on_at(pid), "PID 1 waiting for a signal")
        place = int(_goes_on_at(pid), 16)
        # Zeros are no instruction that works, on x86 or ARM.
        with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(place)
            memory.write(bytes(16))
    except OSError as error:
        pytest.skip(f"this kernel lets nobody write to the memory of a process: {error}")
    os.kill(pid, signal.SIGWINCH)


def _goes_on_at(pid: int) -> str:
    """Return where a process goes on after its system call, in hex; "" while it is in none."""
    text = Path(f"/proc/{pid}/syscall").read_text()
    return "" if text.startswith("running") else text.split()[-1]
