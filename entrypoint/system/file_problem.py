"""Why a file cannot be written, in words that lead to the fix.

Here: one `Problem` for each way the kernel has to say no. It looks at folders and mounts to name the
one that stands in the way, and changes nothing.
"""

from __future__ import annotations

import errno
import os
import stat

from entrypoint.errors import EXIT_CANNOT_CREATE, Problem
from entrypoint.system.procfs import mount_of, read_mounts
from entrypoint.values import format_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

RUN_DIR: Final = "/run/entrypoint"

_REASONS: Final = {
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOSPC: "no space left",
    errno.EDQUOT: "the disk quota is used up",
    errno.ENOTDIR: "a folder on its path is a file",
    errno.EISDIR: "it is a folder",
    errno.ENOENT: "its folder does not exist",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "too many symbolic links",
    errno.EIO: "the disk or volume gave an error",
    errno.EBUSY: "it is a mount point",
    errno.EFBIG: "the file is larger than is allowed",
}
_FIXES: Final = {
    errno.ENAMETOOLONG: "use a name of at most 255 bytes, and a path of at most 4095",
    errno.ELOOP: "remove the symbolic links that lead in a circle",
    errno.EIO: "look at the node's kernel log and at the volume; the hardware or the network fails",
    errno.EBUSY: "do not mount a file there: mount it elsewhere, and it is read as a layer",
    errno.EISDIR: "remove the folder, or let the profile write to another path",
    errno.ENOENT: "create the folder, or list it under `folders` in the profile",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
}


class Refused(Exception):  # noqa: N818 - a decision of ours, not an error of the system
    """Says that we do not write there, and what to do about it."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


def make_problem(action: str, path: str, error: OSError | ValueError | Refused) -> Problem:
    """Return the one problem for a failed `action` ("write /a/b") on a path; a folder's ends in "/"."""
    says: tuple[tuple[str, str], ...] = ()
    match error:
        case Refused():
            reason, fix = error.reason, error.fix
        case OSError():
            number = error.errno or 0
            said = os.strerror(number)
            reason, fix = _REASONS.get(number, said.lower()), _fix(number, path)
            says = (("says", f"{said} ({errno.errorcode.get(number, number)})"),)
        case ValueError():
            reason, fix = "it is not a path", "use a path without NUL characters"
    return Problem(
        id="file-unwritable",
        what=f"cannot {action}: {reason}".replace("\0", "\\0"),
        details=(("where", _where(path)), *says, ("fix", fix)),
        exit_code=EXIT_CANNOT_CREATE,
    )


def _fix(number: int, path: str) -> str:
    volume = _volume(path)
    match number:
        case errno.EROFS:
            return f"mount a writable volume {volume}"
        case errno.EACCES | errno.EPERM:
            user = f"uid {os.geteuid()}, gid {os.getegid()}"
            return f"let {user} write there (fsGroup, runAsUser), or mount a volume {volume}"
        case errno.ENOSPC | errno.EDQUOT:
            return f"free space there, or raise its limit (sizeLimit), or mount a volume {volume}"
        case errno.ENOTDIR:
            return f"remove {_nearest(path)}, which is not a folder, or use another path"
    return _FIXES.get(number, f"make it writable, or mount a volume {volume}")


def _volume(path: str) -> str:
    if path == RUN_DIR or path.startswith(RUN_DIR + "/"):
        return f"(emptyDir, medium Memory) at {RUN_DIR}, or set ENTRYPOINT_RUN_DIR"
    return f"(emptyDir) at {os.path.dirname(path) or '.'}"


def _where(path: str) -> str:
    """Return the nearest thing that exists on the path and its file system, with owner and room."""
    nearest = _nearest(path)
    try:
        status = os.stat(nearest)
        room = os.statvfs(nearest)
        real = os.path.realpath(nearest)
    except (OSError, ValueError):
        return nearest
    mount = mount_of(real, read_mounts())
    system = f"{mount.point} ({mount.kind})" if mount else "an unknown mount"
    full = ""
    if room.f_blocks:
        total, free = room.f_blocks * room.f_frsize, room.f_bavail * room.f_frsize
        full = f", {format_size(free)} of {format_size(total)} free"
    if room.f_files and not room.f_favail:
        full += ", no inode left"
    owner = f"uid {status.st_uid}, gid {status.st_gid}, mode {stat.S_IMODE(status.st_mode):04o}"
    return f"{nearest} ({owner})\nfile system {system}{full}"


def _nearest(path: str) -> str:
    """Return the path itself, or the nearest above it that exists."""
    path = os.path.abspath(path.replace("\0", ""))
    while path != "/" and not os.path.lexists(path):
        path = os.path.dirname(path)
    return path
