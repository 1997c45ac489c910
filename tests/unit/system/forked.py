"""Run a function in a forked process: as another user, or with mounts of its own.

What it returns comes back through a pipe. It may end up without rights, out of memory, or with a
full disk over its head: nothing of that reaches the test process.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pickle
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

T = TypeVar("T")

NOBODY = 65534
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18

_libc = ctypes.CDLL(None, use_errno=True)


def in_child(function: Callable[[], T], *, uid: int | None = None, namespaces: int = 0) -> T:
    """Return what the function returns in a child process; its failure is the test's failure."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            if namespaces:
                enter_namespaces(namespaces)
            if uid is not None:
                os.setgroups([])
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
            answer = pickle.dumps((True, function()))
        except BaseException:  # noqa: BLE001 - all of it is told to the parent
            answer = pickle.dumps((False, traceback.format_exc()))
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(answer)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    os.waitpid(pid, 0)
    assert data, "the child died without a word"
    good, value = pickle.loads(data)
    assert good, value
    result: T = value
    return result


def enter_namespaces(flags: int) -> None:
    """Leave the namespaces that the flags name; new mounts are then seen by nobody else."""
    _call(_libc.unshare, flags)
    if flags & CLONE_NEWNS:
        mount("none", "/", None, MS_REC | MS_PRIVATE)


def mount(source: str, target: str, kind: str | None, flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    _call(
        _libc.mount,
        source.encode(),
        target.encode(),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        data.encode(),
    )


def _call(function: Callable[..., int], *arguments: object) -> None:
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _may_mount() -> bool:
    if os.geteuid() != 0:
        return False
    try:
        in_child(lambda: None, namespaces=CLONE_NEWNS)
    except AssertionError:
        return False
    return True


@contextmanager
def open_folder() -> Iterator[str]:
    """Give a folder that other users may enter, unlike pytest's."""
    folder = tempfile.mkdtemp()
    os.chmod(folder, 0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def errno_name(number: int) -> str:
    """Return "EROFS" for 30."""
    return errno.errorcode[number]


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: becomes another user")
needs_mounts = pytest.mark.skipif(
    not _may_mount(), reason="needs root with CAP_SYS_ADMIN: mounts a tmpfs in its own namespace"
)
