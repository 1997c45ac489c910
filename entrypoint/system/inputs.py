"""Inputs as they are found: the environment and files, with nothing read into them.

Here: bounded reads that never block, and whether a file was mounted. What the bytes mean is for
`settings/`; whether a problem matters is for the plan.
"""

from __future__ import annotations

import errno
import os
import stat

from entrypoint.jvm.option_files import matches
from entrypoint.settings.model import FileInput, Inputs
from entrypoint.system.procfs import mount_of, read_mounts
from entrypoint.values import format_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Final

    from entrypoint.system.procfs import Mount

FILE_LIMIT: Final = 1024 * 1024
"""Bytes of a file that we take: the most that Kubernetes stores in a ConfigMap or Secret."""

FILES_LIMIT: Final = 256
"""Files that one pattern may mean."""

_ATTEMPTS: Final = 3
_WORDS: Final = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ELOOP: "too many symbolic links",
    errno.ENAMETOOLONG: "the path is too long",
    errno.EIO: "the disk or volume gave an error when it was read",
    errno.ESTALE: "the network volume no longer knows this file",
}


class _ChangedError(Exception):
    """The file is not the one that it was when we began to read it."""


def collect(
    environ: Mapping[str, str] | None,
    wanted_paths: Iterable[str],
    assignments: tuple[tuple[str, str], ...] = (),
    arguments: tuple[str, ...] = (),
    patterns: Iterable[str] = (),
) -> Inputs:
    """Return the environment and those of the wanted files that exist, each once, in order.

    A pattern has a `*` in the last part of its path (see `jvm.option_files.matches`); one whose folder
    cannot be read stands for a file with that problem.
    """
    mounts = read_mounts()
    problems: list[FileInput] = []
    wanted, patterns = tuple(dict.fromkeys(wanted_paths)), tuple(patterns)
    paths = [*wanted]
    for pattern in patterns:
        try:
            paths.extend(expand(pattern))
        except (OSError, ValueError) as error:
            problems.append(FileInput(pattern, b"", problem=in_words(error)))
    found = (read_file(path, mounts=mounts) for path in dict.fromkeys(paths))
    files = tuple(file for file in found if file is not None)
    environment = read_environment(environ)
    return Inputs(environment, (*files, *problems), assignments, arguments, wanted, patterns)


def read_environment(environ: Mapping[str, str] | None = None) -> tuple[tuple[str, str], ...]:
    """Return all variables in their order; None stands for those of this process.

    Bytes that are not text come as lone surrogates, so that they reach java as they came to us.
    """
    if environ is not None:
        return tuple(environ.items())
    return tuple((os.fsdecode(name), os.fsdecode(value)) for name, value in os.environb.items())


def read_file(
    path: str, limit: int = FILE_LIMIT, mounts: tuple[Mount, ...] | None = None
) -> FileInput | None:
    """Return a file's bytes, or the problem in words; None where there is no such file.

    Follows symbolic links (the files of a ConfigMap are some). Reads regular files only and never
    waits: not for a pipe's other end, nor for a device. A link that leads nowhere is no file.
    """
    found = read_bytes(path, limit)
    if found is None:
        return None
    if mounts is None:
        mounts = read_mounts()
    return FileInput(path, bytes(found[0]), _is_mounted(path, mounts), found[1])


def read_bytes(path: str, limit: int = FILE_LIMIT) -> tuple[bytearray, str] | None:
    """Return the same as bytes that are nowhere else in our memory, and the problem; see `wipe`."""
    try:
        return _read(path, limit), ""
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        return bytearray(), in_words(error)
    except _ChangedError:
        return bytearray(), "it changes while it is being read"


def wipe(data: bytearray) -> None:
    """Write zeros over bytes that may be a secret: what is only given back stays in memory for long."""
    data[:] = bytes(len(data))


def expand(pattern: str) -> list[str]:
    """Return the paths that a pattern means, sorted; none where its folder does not exist."""
    folder = os.path.dirname(pattern)
    if "*" not in os.path.basename(pattern) or "\0" in pattern:
        return [pattern]
    try:
        with os.scandir(folder) as entries:
            found = [entry.path for entry in entries if matches(pattern, entry.path)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    if len(found) > FILES_LIMIT:
        raise ValueError(f"{len(found)} files match, more than {FILES_LIMIT}")
    return sorted(found)


def in_words(error: OSError | ValueError) -> str:
    """Return why a file could not be read."""
    if isinstance(error, ValueError):
        return str(error)
    return _WORDS.get(error.errno or 0) or (error.strerror or "cannot be read").lower()


def _read(path: str, limit: int) -> bytearray:
    for _ in range(_ATTEMPTS - 1):
        try:
            return _read_once(path, limit)
        except _ChangedError:
            continue
    return _read_once(path, limit)


def _read_once(path: str, limit: int) -> bytearray:
    """Read the whole file; ValueError says why it is not one that we read."""
    if "\0" in path:
        raise ValueError("the path has a NUL character in it")
    # Looking comes first: to open some devices is to use them (a watchdog starts, a tape rewinds).
    _require_regular(os.stat(path))
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        before = os.fstat(fd)
        _require_regular(before)
        # A byte more than it has, to see its end; files of /proc and /sys say 0, or a page.
        data, size = bytearray(min(before.st_size or 4096, limit) + 1), 0
        while size <= limit and (got := _read_into(fd, memoryview(data)[size:])):
            size += got
            if size == len(data):
                data += bytes(min(size, limit + 1 - size))
        del data[size:]
        if max(size, before.st_size) > limit:
            raise ValueError(f"larger than {format_size(limit)}")
        after = os.fstat(fd)
    finally:
        os.close(fd)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise _ChangedError
    return data


def _read_into(fd: int, place: memoryview) -> int:
    """Read on, to a place that is ours to wipe: `os.read` makes one for each call."""
    with open(fd, "rb", buffering=0, closefd=False) as file:
        return file.readinto(place) or 0


def _require_regular(status: os.stat_result) -> None:
    match stat.S_IFMT(status.st_mode):
        case stat.S_IFREG:
            return
        case stat.S_IFDIR:
            kind = "a directory"
        case stat.S_IFIFO:
            kind = "a named pipe"
        case stat.S_IFSOCK:
            kind = "a socket"
        case _:
            kind = "a device"
    raise ValueError(f"{kind}, not a regular file")


def _is_mounted(path: str, mounts: tuple[Mount, ...]) -> bool:
    """Tell a file of a volume from one of the image; a subPath file is a mount point itself."""
    try:
        mount = mount_of(os.path.realpath(path), mounts)
    except (OSError, ValueError):
        return False
    return mount is not None and mount.point != "/"
