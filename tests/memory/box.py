"""A real memory cgroup with a limit and no swap: what runs in it, and how much it took at its peak.

Version 1 and version 2. Needs root and a writable hierarchy; `problem()` tells why there is none.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from entrypoint.system.cgroup import find_controller

MIB = 1 << 20
_SAMPLE = 0.05
_ENTER = 'echo $$ > "$0/cgroup.procs" && exec "$@"'


def problem() -> str:
    """Return why no memory cgroup can be made here; "" when one can."""
    try:
        with Box(64 * MIB):
            return ""
    except OSError as error:
        return f"no memory cgroup can be made here: {error}"


class Box:
    """A cgroup of its own below ours; leaving it ends all that runs in it.

    `peak` is the largest amount that was in use: everything charged but file pages, and the file pages
    that processes have mapped (libjvm, the class-data archive), which another cgroup may have been
    charged for. The kernel's own high-water mark is beside the point: it counts all file pages, which
    fill any limit in time and are dropped without harm.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.peak = 0
        self.swap_is_off = True
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._folder = Path()
        self.is_v2 = False

    def __enter__(self) -> Self:
        controller = find_controller("memory")
        if controller is None:
            raise OSError("no memory controller is mounted")
        self.is_v2 = controller.version == "v2"
        base = Path(controller.folders[0])
        if self.is_v2:
            self._delegate(base)
        self._folder = base / f"entrypoint-test-{uuid.uuid4().hex[:12]}"
        self._folder.mkdir()
        try:
            self._set_limit()
        except OSError:
            self._folder.rmdir()
            raise
        self._sampler.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._sampler.join()
        deadline = time.monotonic() + 30
        while (members := self.members()) and time.monotonic() < deadline:
            for pid in members:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        with suppress(OSError):
            self._folder.rmdir()

    def start(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        output: IO[bytes],
        folder: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a program inside, with its output in a file."""
        return subprocess.Popen(
            ["/bin/sh", "-c", _ENTER, str(self._folder), *argv],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
        )

    def members(self) -> tuple[int, ...]:
        """Return the processes inside."""
        try:
            return tuple(map(int, (self._folder / "cgroup.procs").read_text().split()))
        except OSError:
            return ()

    def oom_kills(self) -> int:
        """Return how many processes inside the kernel has killed for want of memory."""
        name = "memory.events" if self.is_v2 else "memory.oom_control"
        return self._fields(name).get("oom_kill", 0)

    def taken(self) -> int:
        """Return the bytes that are in use now: what cannot be taken back, and mapped file pages."""
        stat = self._fields("memory.stat")
        name = "memory.current" if self.is_v2 else "memory.usage_in_bytes"
        usage = int((self._folder / name).read_text())
        prefix = "" if self.is_v2 else "total_"
        files = stat.get("file" if self.is_v2 else "total_cache", 0) - stat.get(f"{prefix}shmem", 0)
        return max(usage - files, 0) + sum(map(_mapped, self.members()))

    def _set_limit(self) -> None:
        if self.is_v2:
            (self._folder / "memory.max").write_text(str(self.limit))
            self.swap_is_off = self._written("memory.swap.max", "0")
        else:
            (self._folder / "memory.limit_in_bytes").write_text(str(self.limit))
            self.swap_is_off = self._written("memory.memsw.limit_in_bytes", str(self.limit))

    def _written(self, name: str, text: str) -> bool:
        """Write a file that a kernel without swap accounting has not; then no swap has to be there."""
        try:
            (self._folder / name).write_text(text)
        except OSError:
            return "SwapTotal:             0 kB" in Path("/proc/meminfo").read_text()
        return True

    @staticmethod
    def _delegate(base: Path) -> None:
        """Let children have limits; version 2 wants that no process is beside them."""
        control = base / "cgroup.subtree_control"
        if "memory" in control.read_text().split():
            return
        leaf = base / "entrypoint-tests"
        leaf.mkdir(exist_ok=True)
        for pid in (base / "cgroup.procs").read_text().split():
            with suppress(OSError):
                (leaf / "cgroup.procs").write_text(pid)
        control.write_text("+memory")

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLE):
            with suppress(OSError, ValueError):
                self.peak = max(self.peak, self.taken())

    def _fields(self, name: str) -> dict[str, int]:
        return dict(self._pairs((self._folder / name).read_text()))

    @staticmethod
    def _pairs(text: str) -> Iterator[tuple[str, int]]:
        for line in text.splitlines():
            key, _, value = line.partition(" ")
            if value.isdigit():
                yield key, int(value)


def _mapped(pid: int) -> int:
    """Return the bytes of file pages that a process has mapped; 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line.split()[1] for line in text.splitlines() if line.startswith("RssFile:")]
    return int(found[0]) * 1024 if found else 0
