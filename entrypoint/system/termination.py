"""The termination message: why we ended, where Kubernetes looks for it.

Here: one bounded write that cannot fail, wait or harm. What it says is for `lifecycle.report`.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MESSAGE_LIMIT: Final = 4096
"""Bytes that the kubelet reads."""

_ELLIPSIS: Final = "…"


def write_termination_message(path: str, text: str) -> bool:
    """Replace the file's content by the text, cut to 4096 bytes, and tell whether that was done.

    Never raises and never waits. Only regular files are written to. Below /dev no file is made:
    outside Kubernetes, which makes /dev/termination-log itself, there is nobody to read it.
    """
    flags = os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        if os.path.dirname(os.path.abspath(path)) != "/dev":
            flags |= os.O_CREAT
        if os.path.lexists(path) and not stat.S_ISREG(os.stat(path).st_mode):
            return False
        fd = os.open(path, flags, 0o644)
        try:
            # Not O_TRUNC: the file is emptied only when it is known to be one.
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return False
            os.ftruncate(fd, 0)
            _write(fd, cut(text).encode())
        finally:
            os.close(fd)
    except (OSError, ValueError):
        return False
    return True


def cut(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """Return text that is valid UTF-8 of at most `limit` bytes, ending in "…" where it was cut."""
    data = text.encode(errors="replace")
    if len(data) > limit:
        room = limit - len(_ELLIPSIS.encode())
        return data[:room].decode(errors="ignore") + _ELLIPSIS
    return data.decode()


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
