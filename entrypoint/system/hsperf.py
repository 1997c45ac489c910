"""The hsperfdata file of a process: found, opened and read.

Here: the only place that touches these files. The JVM maps its file into memory; we never do: on a
full tmpfs the reader of a mapping is killed by SIGBUS, which would be PID 1. The file lies in a
folder that anybody may write to, so it is opened without following links and read within a bound.
"""

from __future__ import annotations

import os
import stat

from entrypoint.jvm.hsperfdata import MAX_BYTES, Layout, PerfDataError, parse_prologue
from entrypoint.records import record
from entrypoint.system.procfs import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from entrypoint.jvm.hsperfdata import PerfData

MAX_FOLDERS: Final = 64
"""Folders `hsperfdata_*` that are looked into: one for each user name that ever ran a JVM here."""
ATTEMPTS: Final = 3
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


@record
class Identity:
    """Who a process is in its own pid namespace: its number there, effective user and group."""

    inner_pid: int
    uid: int
    gid: int


def identify(pid: int) -> Identity | None:
    """Return who the process is, or None when it is gone."""
    found: dict[str, list[str]] = {}
    for line in read_text(f"/proc/{pid}/status").splitlines():
        name, _, rest = line.partition(":")
        if name in {"NSpid", "Uid", "Gid"}:
            found[name] = rest.split()
    try:
        # Before kernel 4.1 there is no NSpid.
        inner = int(found.get("NSpid", [str(pid)])[-1])
        return Identity(inner, int(found["Uid"][1]), int(found["Gid"][1]))
    except (KeyError, IndexError, ValueError):
        return None


class Reader:
    """Reads the counters of one JVM again and again.

    Keeps the file open: a JVM of another pid namespace that shares `/tmp` takes it for that of a dead
    process and removes it (every JDK removes those of 8, and 8 removes everybody's).
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._path = ""
        self._uid = -1
        self._fd = -1
        self._layout: Layout | None = None

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a later read opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._layout = -1, None

    def read(self) -> PerfData:
        """Return the counters now; raises PerfDataError with the reason why there are none."""
        try:
            if self._fd < 0 or os.fstat(self._fd).st_nlink == 0:
                self._open()
            return self._read(self._fd)
        except OSError as error:
            raise PerfDataError(f"no hsperfdata file: {error.strerror}") from error

    def _open(self) -> None:
        """Find the file, the first time or after it was removed; then the open one is better than none."""
        found = self._find()
        if found >= 0:
            self.close()
            self._fd = found
        if self._fd < 0:
            raise FileNotFoundError(2, "-XX:-UsePerfData, or /tmp was not writable")

    def _find(self) -> int:
        who = identify(self.pid)
        if who is None:
            self.close()
            raise FileNotFoundError(2, "the process is gone")
        self._uid = who.uid
        # By way of the process: it may have a /tmp and a pid namespace of its own.
        for folder in _folders(f"/proc/{self.pid}/root/tmp"):
            path = f"{folder}/{who.inner_pid}"
            try:
                fd = os.open(path, _FLAGS)
            except OSError:
                continue
            if os.fstat(fd).st_uid == who.uid:
                self._path = path
                return fd
            os.close(fd)
        return -1

    def _read(self, fd: int) -> PerfData:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != self._uid:
            raise PerfDataError(f"{self._path} is no regular file of the JVM's user")
        if status.st_size > MAX_BYTES:
            raise PerfDataError(f"{self._path} has {status.st_size} bytes")
        for _ in range(ATTEMPTS):
            data = os.pread(fd, status.st_size, 0)
            if self._layout is None or not self._layout.fits(data):
                self._layout = Layout(data)
            # The JVM may have added counters while the kernel copied: then the places are not sure.
            if parse_prologue(os.pread(fd, 32, 0)) == self._layout.prologue:
                return self._layout.read(data)
        raise PerfDataError("changes faster than it can be read")


def _folders(tmp: str) -> list[str]:
    """Return the real folders `hsperfdata_*` there."""
    found: list[str] = []
    with os.scandir(tmp) as entries:
        for entry in entries:
            if entry.name.startswith("hsperfdata_") and entry.is_dir(follow_symlinks=False):
                found.append(entry.path)
                if len(found) == MAX_FOLDERS:
                    break
    return found
