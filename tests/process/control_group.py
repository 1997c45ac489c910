"""A control group of a test's own, with limits, on machines with version 1, version 2 or both."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest

from process.harness import until

_FILES = {
    "memory": ("memory.limit_in_bytes", "memory.max"),
    "pids": ("pids.max", "pids.max"),
    # Microseconds of each tenth of a second.
    "cpu": ("cpu.cfs_quota_us", "cpu.max"),
}


def limited(controller: str, limit: int) -> AbstractContextManager[tuple[str, ...]]:
    """Make a group with a limit; give a command that enters it and execs the rest."""
    return limited_by({controller: limit})


@contextmanager
def limited_by(limits: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    """Make a group with a limit for each controller; give a command that enters all and execs the rest.

    With version 1 every controller has a hierarchy, and so a group, of its own.
    """
    groups: set[Path] = set()
    try:
        for controller, limit in limits.items():
            found = parent_of(controller)
            if found is None:
                pytest.skip(f"no control group with a {controller} limit can be made here")
            parent, version = found
            group = parent / f"entrypoint-test-{os.getpid()}"
            if group not in groups:
                group.mkdir()
                groups.add(group)
            (group / _FILES[controller][version - 1]).write_text(str(limit))
        enter = "".join(f"echo $$ > {group}/cgroup.procs && " for group in sorted(groups))
        yield ("sh", "-c", f'{enter}exec "$@"', "sh")
    finally:
        for group in groups:
            _end(group)


def _end(group: Path) -> None:
    until(lambda: not (group / "cgroup.procs").read_text(), "the control group is empty")
    until(lambda: _removed(group), "the control group is removed")


def _removed(group: Path) -> bool:
    with suppress(OSError):
        group.rmdir()
    return not group.exists()


def parent_of(controller: str) -> tuple[Path, int] | None:
    """Return the folder in which groups with such a limit can be made, and its version; None for none."""
    first = Path("/sys/fs/cgroup", controller)
    if (first / "cgroup.procs").exists() and os.access(first, os.W_OK):
        return first, 1
    second = Path("/sys/fs/cgroup")
    with suppress(OSError):
        if controller in (second / "cgroup.subtree_control").read_text().split():
            return second, 2
    return None
