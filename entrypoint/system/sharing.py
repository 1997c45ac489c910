"""The folder of class-data archives, and the class path that they belong to, as they are on the disk.

Here: looking, and removing old archives of ours. A JVM runs what is in an archive, so one that somebody
else could have written is passed over.
"""

from __future__ import annotations

import os
import stat
import sys
from _blake2 import blake2b

from entrypoint.errors import ProblemsError
from entrypoint.jvm.sharing import MAGIC, SEAL, is_ours
from entrypoint.records import record
from entrypoint.system.files import write_file
from entrypoint.values import format_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Final

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def archives(folder: str) -> tuple[tuple[str, int], ...]:
    """Return (name, size) of the archives in a folder that are whole and ours or root's, by name."""
    try:
        opened = os.open(folder, _FOLDER)
    except OSError:
        return ()
    try:
        if not _is_trusted(os.fstat(opened)):
            return ()
        names = sorted(name for name in os.listdir(opened) if is_ours(name))
        sizes = ((name, _size(opened, name)) for name in names)
        return tuple((name, size) for name, size in sizes if size is not None)
    except OSError:
        return ()
    finally:
        os.close(opened)


@record
class ClassPath:
    """A class path as it is on the disk.

    `digest` has every entry with the size and time that the JVM compares; `jars` are the entries, a `dir/*`
    as its jars by name; `folder` is the first folder that holds files, "" for none.
    """

    digest: str
    jars: tuple[str, ...] = ()
    folder: str = ""


def class_path(entries: Iterable[str], soon: Collection[str]) -> ClassPath:
    """Return a class path as it is on the disk; folders in `soon` count as if they held files.

    java's launcher takes the jars of `dir/*` in the folder's own order, which is another one on the next
    machine; an archive is bound to it. So whoever shares classes names the jars, in an order that stays.
    """
    jars, folder = [], ""
    for path in entries:
        if path.endswith("/*"):
            jars.extend(_jars(path[:-2]))
            continue
        jars.append(path)
        plain = path.rstrip("/")
        if not folder and (plain in soon or (os.path.isdir(path) and _holds_files(path))):
            folder = plain
    seen = blake2b(digest_size=16)
    for path in jars:
        seen.update(_described(path).encode("utf-8", "surrogateescape"))
    return ClassPath(seen.hexdigest(), tuple(jars), folder)


def tidy(archive: str, budget: int) -> tuple[str, ...]:
    """Make room beside an archive that is about to be made; return what there is to say.

    What is no whole archive goes, then the oldest of ours, until all take at most `budget` bytes. Nothing
    else is touched, and a folder that cannot be changed is no reason to fail.
    """
    folder = os.path.dirname(archive)
    removed: list[str] = []
    try:
        opened = os.open(folder, _FOLDER)
    except OSError as error:
        return (f"cannot look into {folder}: {(error.strerror or '').lower()}",)
    try:
        left: list[tuple[int, str, int]] = []
        ours = set(filter(is_ours, os.listdir(opened)))
        for name in ours:
            sealed = name.removesuffix(SEAL)
            if sealed == os.path.basename(archive) or _size(opened, sealed) is None:
                os.unlink(name, dir_fd=opened)
            elif name == sealed:
                status = os.stat(name, dir_fd=opened, follow_symlinks=False)
                left.append((status.st_mtime_ns, name, status.st_size))
        total = sum(size for _, _, size in left)
        for _, name, size in sorted(left):
            if total <= budget:
                break
            os.unlink(name, dir_fd=opened)
            os.unlink(name + SEAL, dir_fd=opened)
            removed.append(name)
            total -= size
    except OSError as error:
        return (f"cannot make room in {folder}: {(error.strerror or '').lower()}",)
    finally:
        os.close(opened)
    if not removed:
        return ()
    kept = format_size(budget)
    names = ", ".join(removed)
    return (f"removed the oldest archives of {folder} ({names}) to keep it within {kept}",)


def seal(archive: str) -> int | None:
    """Note the size of an archive that a JVM has made, and return it; None where there is none.

    Without a seal, or with another size than it says, an archive is never used.
    """
    folder, name = os.path.split(archive)
    try:
        opened = os.open(folder, _FOLDER)
    except OSError:
        return None
    try:
        size = _whole(opened, name)
    finally:
        os.close(opened)
    if size is None:
        return None
    try:
        write_file(archive + SEAL, f"{size}\n".encode(), 0o644)
    except ProblemsError:
        return None
    return size


def _size(folder: int, name: str) -> int | None:
    """Return the size of a whole archive that has its seal, or None."""
    try:
        opened = os.open(name + SEAL, _FILE, dir_fd=folder)
    except OSError:
        return None
    try:
        if not _is_trusted(os.fstat(opened)):
            return None
        sealed = os.read(opened, 32).strip()
    except OSError:
        return None
    finally:
        os.close(opened)
    size = _whole(folder, name)
    return size if size is not None and sealed == str(size).encode() else None


def _whole(folder: int, name: str) -> int | None:
    try:
        opened = os.open(name, _FILE, dir_fd=folder)
    except OSError:
        return None
    try:
        status = os.fstat(opened)
        magic = MAGIC.get(name.rpartition(".")[2])
        if not stat.S_ISREG(status.st_mode) or not _is_trusted(status) or magic is None:
            return None
        whole = int.from_bytes(os.read(opened, 4), sys.byteorder) == magic
        return status.st_size if whole else None
    except OSError:
        return None
    finally:
        os.close(opened)


def _is_trusted(status: os.stat_result) -> bool:
    return status.st_uid in {0, os.geteuid()} and not status.st_mode & stat.S_IWOTH


def _jars(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [f"{folder}/{name}" for name in names if name.endswith((".jar", ".JAR"))]


def _described(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return f"{path}\0-\0"
    if not stat.S_ISREG(status.st_mode):
        return f"{path}\0folder\0"
    return f"{path}\0{status.st_size}\0{int(status.st_mtime)}\0"


def _holds_files(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is not None
    except OSError:
        return False
