"""A control group of a test's own, with one limit, on machines with version 1, version 2 or both."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from harness import until

_FILES = {"memory": ("memory.limit_in_bytes", "memory.max"), "pids": ("pids.max", "pids.max")}


@contextmanager
def limited(controller: str, limit: int) -> Iterator[tuple[str, ...]]:
    """Make a group with a limit; give a command that enters it and execs the rest."""
    parent, version = _parent(controller)
    group = parent / f"entrypoint-test-{os.getpid()}"
    group.mkdir()
    try:
        (group / _FILES[controller][version - 1]).write_text(str(limit))
        yield ("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh")
    finally:
        until(lambda: not (group / "cgroup.procs").read_text(), "the control group is empty")
        until(lambda: _removed(group), "the control group is removed")


def _removed(group: Path) -> bool:
    with suppress(OSError):
        group.rmdir()
    return not group.exists()


def _parent(controller: str) -> tuple[Path, int]:
    first = Path("/sys/fs/cgroup", controller)
    if (first / "cgroup.procs").exists() and os.access(first, os.W_OK):
        return first, 1
    second = Path("/sys/fs/cgroup")
    with suppress(OSError):
        if controller in (second / "cgroup.subtree_control").read_text().split():
            return second, 2
    pytest.skip(f"no control group with a {controller} limit can be made here")
