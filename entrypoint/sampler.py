"""The sampler: looks at java every ten seconds, on a thread of its own, and keeps the last hour.

Here: its loop and the lock around the ring. What is measured is `system.sample`, what is kept is
`lifecycle.history`. Its interval is the only tick of PID 1 while no check is asked.
"""

from __future__ import annotations

import threading
import time

from entrypoint.lifecycle.history import NAMES, RESOLUTION, History, JvmSample, window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Final

    from entrypoint.jvm.heap_info import HeapInfo
    from entrypoint.jvm.hsperfdata import PerfData
    from entrypoint.lifecycle.history import Series
    from entrypoint.system.cgroup import UsageReader

FIRST: Final = 0.2
"""Part of an interval before the first sample: it falls into the slot of java's start."""


class Sampler:
    """Takes a sample soon and then every `interval` seconds, until it is stopped.

    `look(now)` is called on the thread that runs it; each of `also`, what else is looked at on this tick, on
    another one: files may be on a volume that hangs, and java is looked at all the same. What they raise
    costs that one look, and is told to `on_error` once.
    """

    def __init__(
        self,
        look: Callable[[float], JvmSample],
        interval: float = RESOLUTION,
        on_error: Callable[[Exception], None] | None = None,
        also: Iterable[Callable[[], None]] = (),
    ) -> None:
        self._look = look
        self._also = tuple(also)
        self._interval = interval
        self._history = History(interval)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._on_error = on_error
        self._failed = False
        self._began = 0.0
        self._files: threading.Thread | None = None

    def run(self) -> None:
        """Take samples from now on, java's start, when what it counts is 0; return once stopped."""
        self._began = time.monotonic()
        with self._lock:
            self._history.add(JvmSample(self._began, gc_seconds=0.0, full_gcs=0.0, cpu_seconds=0.0))
        # A JVM of a few milliseconds is still the size of what started it.
        count = 0
        self._stopped.wait(self._interval * FIRST)
        while not self._stopped.is_set():
            self._attempt(self._sample)
            self._look_further()
            # On a grid: what a look takes does not add up. Looks that were missed are not made up for.
            passed = int((time.monotonic() - self._began) / self._interval)
            count = max(count, passed) + 1
            self._stopped.wait(self._began + count * self._interval - time.monotonic())

    def stop(self) -> None:
        """Take no more samples; those that were taken stay."""
        self._stopped.set()

    def look_back(
        self, now: float, age: float
    ) -> tuple[JvmSample | None, Mapping[str, Series] | None]:
        """Return the latest sample, and the last minutes of a run that is `age` seconds old.

        (None, None) before the first sample.
        """
        points = window(age, self._interval)
        with self._lock:
            latest = self._history.latest
            if latest is None:
                return None, None
            series = {name: self._history.series(name, now, points) for name in NAMES}
        return latest, series

    def _sample(self) -> None:
        sample = self._look(time.monotonic())
        with self._lock:
            self._history.add(sample)

    def _look_further(self) -> None:
        if not self._also or (self._files is not None and self._files.is_alive()):
            return

        def look() -> None:
            for work in self._also:
                self._attempt(work)

        # Begun anew for each look: one that waits for its turn would be a second tick.
        self._files = threading.Thread(target=look, name="files", daemon=True)
        try:
            self._files.start()
        except RuntimeError:  # a pids limit that is too tight: the next tick tries again
            self._files = None

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a verdict that froze would be a lie for ever
            if not self._failed:
                self._failed = True
                if self._on_error is not None:
                    self._on_error(error)


def make_look(
    pid: int, ask: Callable[[int], tuple[PerfData | None, HeapInfo]]
) -> Callable[[float], JvmSample]:
    """Return what looks at this JVM; `ask` returns its counters, and its answers where they lack.

    What it needs is imported at the first look, when java is on its way.
    """
    container: UsageReader | None = None

    def look(now: float) -> JvmSample:
        from entrypoint.system import cgroup  # noqa: PLC0415
        from entrypoint.system.sample import process_sample, with_heap  # noqa: PLC0415

        nonlocal container
        container = container or cgroup.UsageReader()
        return with_heap(process_sample(pid, now, container.read()), *ask(pid))

    return look
