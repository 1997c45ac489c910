"""The `file` check: is there a regular file, and does it hold what it should?"""

from __future__ import annotations

import os
import stat

from entrypoint.system.checks.pattern import contains
from entrypoint.system.checks.result import CheckFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

READ_LIMIT: Final = 1024 * 1024
"""Bytes that are looked at: of a longer file the first and the last half of this."""


def ask_file(path: str, wanted: str = "") -> None:
    """Return when `path` is a regular file that holds `wanted`; raises CheckFailed or OSError.

    `wanted` is text or a `/regular expression/`; empty asks for the file alone. There is no deadline:
    the kernel cannot be hurried on a regular file, and a pipe or a device is never opened to wait.
    """
    # O_NONBLOCK, since opening a pipe without a writer would wait for ever.
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise CheckFailed("not a regular file")
        if wanted and not contains(_head_and_tail(fd, status.st_size), wanted):
            raise CheckFailed(f'no "{wanted}" in it')
    finally:
        os.close(fd)


def _head_and_tail(fd: int, size: int) -> bytes:
    if size <= READ_LIMIT:
        return _read(fd, 0, READ_LIMIT)
    half = READ_LIMIT // 2
    # A line break between: text must not match across the gap.
    return _read(fd, 0, half) + b"\n" + _read(fd, size - half, half)


def _read(fd: int, offset: int, limit: int) -> bytes:
    """Read until the end or the limit, not until st_size: files of /proc say that they are empty."""
    data = bytearray()
    while len(data) < limit and (part := os.pread(fd, limit - len(data), offset + len(data))):
        data += part
    return bytes(data)
