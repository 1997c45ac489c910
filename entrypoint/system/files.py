"""Files that we write: whole or not at all, private from the first byte, and never through a trap.

Here: writing a file and making a folder, relative to open folders so that no name is looked up twice.
Every failure is one `ProblemsError`; its words are in `file_problem`.
"""

from __future__ import annotations

import errno
import os
import stat

from entrypoint.errors import ProblemsError
from entrypoint.system.file_problem import Refused, make_problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_LOOK: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_LINKS: Final = 40
"""Symbolic links that a path may have, as in the kernel."""

_NO_HARD_LINKS: Final = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def write_file(path: str, content: bytes, mode: int = 0o600, once: bool = False) -> bool:
    """Write a file in one step, with exactly this mode whatever the umask, and tell if it was written.

    Readers see the old file or the new one. `once` keeps a file that exists and returns False. The
    folder has to exist. Refuses to replace a symbolic link, a folder or anything else that is not a
    regular file. Raises ProblemsError (file-unwritable) and then leaves nothing behind.
    """
    folder_path, name = os.path.split(path)
    try:
        folder = _open_folder(folder_path)
        try:
            if _exists(folder, name, once) and once:
                return False
            return _put(folder, name, content, stat.S_IMODE(mode), once)
        finally:
            os.close(folder)
    except (OSError, ValueError, Refused) as error:
        raise ProblemsError(make_problem(f"write {path}", path, error)) from error


def remove_file(path: str) -> None:
    """Remove a file, or a link to one; one that does not exist is fine. Raises ProblemsError."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise ProblemsError(make_problem(f"remove {path}", path, error)) from error


def make_folder(path: str, mode: int = 0o700) -> None:
    """Make a folder and those above it where they are missing, with exactly this mode.

    A folder that exists stays as it is. Raises ProblemsError (file-unwritable).
    """
    try:
        os.close(_open_folder(path, stat.S_IMODE(mode)))
    except (OSError, ValueError, Refused) as error:
        place = path.rstrip("/") + "/"
        raise ProblemsError(make_problem(f"make the folder {path}", place, error)) from error


def _open_folder(path: str, make_mode: int | None = None) -> int:
    """Open a folder step by step, so that each symbolic link on the way is judged before use.

    With `make_mode`, folders that are missing are made.
    """
    names = path.split("/")[::-1]
    folder = os.open("/" if path.startswith("/") else ".", os.O_PATH | os.O_CLOEXEC)
    links = 0
    try:
        while names:
            name = names.pop()
            if name in {"", "."}:
                continue
            found = _step(folder, name, make_mode)
            try:
                target = _link_target(found, name, folder)
                if target is None:
                    folder, found = found, folder
                    continue
            finally:
                os.close(found)
            links += 1
            if links > _MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            names += target.split("/")[::-1]
            if target.startswith("/"):
                above, folder = folder, os.open("/", os.O_PATH | os.O_CLOEXEC)
                os.close(above)
    except BaseException:
        os.close(folder)
        raise
    return folder


def _step(folder: int, name: str, make_mode: int | None) -> int:
    """Open an entry of a folder, whatever it is; make it a folder where it is missing."""
    try:
        return os.open(name, _LOOK, dir_fd=folder)
    except FileNotFoundError:
        if make_mode is None:
            raise
    try:
        os.mkdir(name, make_mode, dir_fd=folder)
    except FileExistsError:  # somebody was faster
        return os.open(name, _LOOK, dir_fd=folder)
    made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        # The umask took some bits. A volume with fsGroup hands its setgid bit down: that stays.
        os.fchmod(made, make_mode | (os.fstat(made).st_mode & stat.S_ISGID))
    except BaseException:
        os.close(made)
        raise
    return made


def _link_target(found: int, name: str, folder: int) -> str | None:
    """Return where a symbolic link leads, None for a folder; refuse a link that may be a trap.

    In a folder that everybody may write to (/tmp, or an emptyDir, which has mode 0777) only root's
    links and ours are followed: the kernel's fs.protected_symlinks, which not every node has on.
    """
    status = os.fstat(found)
    if stat.S_ISDIR(status.st_mode):
        return None
    if not stat.S_ISLNK(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if status.st_uid not in {0, os.geteuid()} and os.fstat(folder).st_mode & stat.S_IWOTH:
        raise Refused(
            f'"{name}" on its path is a symbolic link of uid {status.st_uid}',
            "remove the link, or use a folder that only this user can write to",
        )
    return os.readlink("", dir_fd=found)


def _exists(folder: int, name: str, once: bool) -> bool:
    """Tell whether the target exists; refuse what must not be replaced."""
    if name in {"", ".", ".."}:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if stat.S_ISREG(status.st_mode) or (once and _leads_to_file(folder, name)):
        return True
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    link = stat.S_ISLNK(status.st_mode)
    raise Refused(
        "it is a symbolic link" if link else "it is a device, pipe or socket",
        "remove it, or let the profile write to another path",
    )


def _leads_to_file(folder: int, name: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=folder).st_mode)
    except OSError:
        return False


def _put(folder: int, name: str, content: bytes, mode: int, once: bool) -> bool:
    # A short name of its own: the target's may be as long as names can be.
    temporary = f".entrypoint-{os.urandom(8).hex()}"
    fd = os.open(temporary, _CREATE, mode, dir_fd=folder)
    try:
        try:
            os.fchmod(fd, mode)
            _write(fd, content)
        finally:
            os.close(fd)
        if once:
            return _name_once(folder, temporary, name)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        return True
    finally:
        _remove(folder, temporary)


def _name_once(folder: int, temporary: str, name: str) -> bool:
    """Give the file its name unless something has that name by now."""
    try:
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        # Some network volumes have no hard links; there, two writers may both think they were first.
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    return True


def _remove(folder: int, temporary: str) -> None:
    try:
        os.unlink(temporary, dir_fd=folder)
    except OSError:
        return  # it has become the target


def _write(fd: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]
