"""What java left behind: crash log and heap dump, found after its end.

Here: looking for files of this life of java in a few folders, and reading the head of a crash log. Only
regular files count, and no link is followed. What they mean is for `lifecycle.obituary`.
"""

from __future__ import annotations

import os
import re
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

HEAD: Final = 16 * 1024
LINES: Final = 12
ENTRIES: Final = 4096
# A name with a time in it is that of an earlier life, however soon after it this one began.
CRASH: Final = re.compile(r"hs_err_pid\d+\.log", re.ASCII)
DUMP: Final = re.compile(r"java_pid\d+\.hprof", re.ASCII)


def newest(folders: Iterable[str], pattern: re.Pattern[str], since: float) -> str:
    """Return the newest file with such a name that was changed since a Unix time; "" for none."""
    found: list[tuple[float, str]] = []
    for folder in dict.fromkeys(folders):
        try:
            with os.scandir(folder) as entries:
                for _, entry in zip(range(ENTRIES), entries, strict=False):
                    if pattern.fullmatch(entry.name):
                        status = entry.stat(follow_symlinks=False)
                        if stat.S_ISREG(status.st_mode) and status.st_mtime >= since - 1:
                            found.append((status.st_mtime, entry.path))
        except OSError:
            continue
    return max(found)[1] if found else ""


def crash_head(path: str) -> tuple[str, ...]:
    """Return what a crash log says first: the error and the problematic frame, without its frame."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            text = os.read(fd, HEAD).decode("utf-8", "replace")
        finally:
            os.close(fd)
    except OSError:
        return ()
    lines = [line.lstrip("# ").rstrip()[:200] for line in text.splitlines() if line.startswith("#")]
    lines = [line for line in lines if line and line.isprintable()]
    # What to do with the report is Oracle's advice, not ours.
    stop = next((i for i, line in enumerate(lines) if line.startswith("If you would like")), None)
    return tuple(lines[:stop][:LINES])
