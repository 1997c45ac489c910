"""Where the lab keeps what it installed, and how an interrupted install leaves nothing behind.

Layout below `root()`: one entry per part, `missing/NAME` with the reason why a part is not there.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class LabError(Exception):
    """Something the lab was asked for cannot be had; the text says why."""


@dataclass(frozen=True)
class Missing:
    """A part that is not on this machine, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} is missing: {self.reason}"


def root() -> Path:
    """Return the cache folder: $ENTRYPOINT_TEST_CACHE or ~/.cache/entrypoint-tests."""
    named = os.environ.get("ENTRYPOINT_TEST_CACHE")
    return Path(named).absolute() if named else Path.home() / ".cache" / "entrypoint-tests"


@contextmanager
def locked() -> Iterator[None]:
    """Hold the cache's lock: one installer at a time, the others wait. Not reentrant."""
    root().mkdir(parents=True, exist_ok=True)
    with (root() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `target` when the block ends well, and vanishes when not.

    The caller holds the lock, so a leftover folder can only come from an installer that was killed.
    """
    for leftover in target.parent.glob(f"{target.name}.new-*"):
        shutil.rmtree(leftover)
    staging = target.with_name(f"{target.name}.new-{os.getpid()}")
    staging.mkdir(parents=True)
    try:
        yield staging
        if target.exists():
            shutil.rmtree(target)
        staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def note_missing(name: str, reason: str) -> None:
    """Remember why the part could not be installed."""
    folder = root() / "missing"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(reason + "\n")


def forget_missing(name: str) -> None:
    """Forget an earlier failure of the part."""
    (root() / "missing" / name).unlink(missing_ok=True)


def missing(name: str) -> Missing:
    """Return the part as missing, with the remembered reason or the command that installs it."""
    try:
        reason = (root() / "missing" / name).read_text().strip()
    except FileNotFoundError:
        reason = f"not installed yet; run: python3 tests/lab/install.py {name}"
    return Missing(name, reason)
