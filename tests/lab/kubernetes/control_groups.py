"""The control groups of a cluster: made before it, found in it, removed after it.

One group of the cluster's name in every hierarchy; the kubelet puts the pods' groups below it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lab.cache import LabError

SECONDS = 30


def hierarchies() -> list[Path]:
    """Return where control groups are mounted: one place with version 2, several with version 1."""
    found = []
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind in ("cgroup", "cgroup2") and place.startswith("/sys/fs/cgroup"):
            found.append(Path(place))
    return found


def make(name: str) -> None:
    """Make the group in every hierarchy; LabError where this machine does not let us."""
    for root in hierarchies():
        group = root / name
        try:
            group.mkdir()
            # Version 1 gives a new group no processors and no memory nodes at all.
            for file in ("cpuset.cpus", "cpuset.mems"):
                if (root / file).exists() and not (root / "cgroup.controllers").exists():
                    (group / file).write_text((root / file).read_text())
        except OSError as error:
            raise LabError(f"no control group can be made: {group}: {error.strerror}") from error


def remove(name: str) -> None:
    """Remove the group and all below it; processes of it that are ending are waited for."""
    deadline = time.monotonic() + SECONDS
    while left := [group for root in hierarchies() for group in _deepest_first(root / name)]:
        for group in left:
            # Busy until its last process is gone.
            with suppress(OSError):
                group.rmdir()
        if time.monotonic() > deadline:
            raise LabError(f"control group {left[-1]} cannot be removed")


def processes(name: str) -> Iterator[int]:
    """Yield every process whose control group's path has that text in it."""
    for entry in os.listdir("/proc"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if entry.isdecimal() and name in Path(f"/proc/{entry}/cgroup").read_text():
                yield int(entry)


def _deepest_first(group: Path) -> list[Path]:
    if not group.is_dir():
        return []
    return [Path(folder) for folder, _, _ in os.walk(group, topdown=False)]
