"""The folder with evidence of a death: whether it can be used, and that it never grows without end.

Here: looking at the folder, and removing the oldest of our own files in it. Which names are ours is in
`jvm/evidence.py`; nothing else is ever touched, and no link is followed.
"""

from __future__ import annotations

import os
import stat
import time

from entrypoint.jvm.evidence import is_our_file, is_our_folder, kept_name
from entrypoint.records import record
from entrypoint.system.procfs import mount_of
from entrypoint.values import format_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from entrypoint.system.procfs import Mount

_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_IN_MEMORY: Final = ("tmpfs", "ramfs")


@record
class _Piece:
    """A file or folder of ours, in the order in which it goes: the oldest first."""

    changed: int
    name: str
    size: int
    is_folder: bool
    place: tuple[int, int] = (0, 0)
    """Device and inode."""


def look(folder: str, asked: bool, mounts: tuple[Mount, ...]) -> tuple[str, bool]:
    """Return why a folder cannot take files, "" where it can, and whether it is in memory.

    A folder that nobody asked for has to exist, or the folder above it, which must not be `/`: a volume
    was mounted there then.
    """
    if not folder:
        return "", False
    nearest = folder
    while nearest != "/" and not os.path.lexists(nearest):
        nearest = os.path.dirname(nearest) or "/"
    above = os.path.dirname(folder)
    problem = ""
    if not asked and nearest != folder and (nearest != above or above == "/"):
        problem = "no such folder" if above == "/" else f"no folder {above}"
    elif not os.path.isdir(nearest):
        problem = f"{nearest} is no folder"
    elif not os.access(nearest, os.W_OK | os.X_OK):
        read_only = os.statvfs(nearest).f_flag & os.ST_RDONLY
        problem = f"{nearest} is read-only" if read_only else f"no permission to write to {nearest}"
    mount = mount_of(os.path.realpath(nearest), mounts)
    return problem, mount is not None and mount.kind in _IN_MEMORY


def tidy(folder: str, budget: int) -> tuple[str, ...]:
    """Make room: remove our oldest files until all of ours take at most `budget` bytes.

    A file that a process of this container has open stays: a JVM that lives writes to it, and its space would
    not come free before it ends. What other containers have open is not to be seen from here.

    Crash logs and heap dumps that stay get the time into their names, since the next JVM would not write
    over them. Returns what there is to say; a folder that cannot be read or changed is no reason to fail.
    """
    try:
        descriptor = os.open(folder, _OPEN)
    except OSError as error:
        return (f"cannot look into {folder}: {(error.strerror or '').lower()}",)
    try:
        remarks = _shrink(descriptor, folder, budget)
        set_apart(descriptor)
        return remarks
    except OSError as error:
        return (f"cannot make room in {folder}: {(error.strerror or '').lower()}",)
    finally:
        os.close(descriptor)


def set_apart(folder: int) -> None:
    """Rename crash logs and heap dumps in an open folder by the time of their last change."""
    for piece in list(_pieces(folder)):
        stamp = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime(piece.changed // 1_000_000_000))
        name = "" if piece.is_folder else kept_name(piece.name, stamp)
        if name and not _exists(folder, name):
            os.rename(piece.name, name, src_dir_fd=folder, dst_dir_fd=folder)


def _shrink(folder: int, shown: str, budget: int) -> tuple[str, ...]:
    pieces = sorted(_pieces(folder), key=lambda piece: (piece.changed, piece.name))
    total = sum(piece.size for piece in pieces)
    removed: list[_Piece] = []
    stuck = ""
    written = _open_files() if total > budget else frozenset()
    for piece in pieces:
        if total <= budget:
            break
        if piece.place in written:
            continue
        try:
            _remove(folder, piece)
        except OSError as error:
            stuck = f"cannot remove {shown}/{piece.name}: {(error.strerror or '').lower()}"
            continue
        removed.append(piece)
        total -= piece.size
    remarks = []
    if removed:
        names = ", ".join(piece.name for piece in removed[:3]) + (", …" if removed[3:] else "")
        freed = format_size(sum(piece.size for piece in removed))
        remarks.append(
            f"removed the oldest of {shown} ({freed}: {names}) to keep it within {format_size(budget)}"
        )
    return (*remarks, stuck) if stuck else tuple(remarks)


def _pieces(folder: int) -> Iterator[_Piece]:
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode) and is_our_file(entry.name):
                place = (status.st_dev, status.st_ino)
                yield _Piece(status.st_mtime_ns, entry.name, status.st_size, False, place)
            elif stat.S_ISDIR(status.st_mode) and is_our_folder(entry.name):
                size = _size_of_folder(folder, entry.name)
                if size is not None:
                    yield _Piece(status.st_mtime_ns, entry.name, size, is_folder=True)


def _size_of_folder(above: int, name: str) -> int | None:
    """Return what the files of a folder take, or None for one that holds folders: it is not ours."""
    try:
        folder = os.open(name, _OPEN | os.O_NOFOLLOW, dir_fd=above)
    except OSError:
        return None
    try:
        with os.scandir(folder) as entries:
            found = [entry.stat(follow_symlinks=False) for entry in entries]
    except FileNotFoundError:  # somebody is just removing it
        return None
    finally:
        os.close(folder)
    if any(stat.S_ISDIR(status.st_mode) for status in found):
        return None
    return sum(status.st_size for status in found)


def _remove(above: int, piece: _Piece) -> None:
    """Remove a file, or a folder with the files in it."""
    if not piece.is_folder:
        os.unlink(piece.name, dir_fd=above)
        return
    folder = os.open(piece.name, _OPEN | os.O_NOFOLLOW, dir_fd=above)
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            os.unlink(name, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(piece.name, dir_fd=above)


def _open_files() -> frozenset[tuple[int, int]]:
    """Return device and inode of every file that a process that we may look at has open."""
    found: set[tuple[int, int]] = set()
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        folder = f"/proc/{pid}/fd"
        try:
            names = os.listdir(folder)
        except OSError:  # it has ended, or is somebody else's
            continue
        for name in names:
            try:
                status = os.stat(f"{folder}/{name}")
            except OSError:  # closed by now
                continue
            found.add((status.st_dev, status.st_ino))
    return frozenset(found)


def _exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
