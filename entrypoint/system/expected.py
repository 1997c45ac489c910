"""Processes of ours beside the application: who started one hears of its end from the loop that reaps.

Here: `Expected`, one such process, and `Expectations`, which tells them from orphans. It starts none itself.
"""

from __future__ import annotations

from _thread import allocate_lock, get_ident

from entrypoint.lifecycle import signals
from entrypoint.system import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeAlias

    Expect: TypeAlias = Callable[[Callable[[], int]], "Expected"]
    """Calls what spawns a process and returns its pid; what it returns hears of that process's end."""


class Expected:
    """A process of ours that is not the application: whoever started it waits here for its end."""

    def __init__(self, pid: int) -> None:
        self.has_ended = False
        """Whether it was reaped: its pid may be somebody else's by now."""
        self.killed = False
        """Whether we sent it KILL ourselves."""
        self._pid = pid
        self._code: int | None = None
        self._ended = allocate_lock()
        self._ended.acquire()

    def end(self, code: int | None) -> None:
        """Tell its exit code, None where a signal ended it; once, by whoever reaps."""
        self._code, self.has_ended = code, True
        self._ended.release()

    def wait(self, seconds: float) -> int | None:
        """Return its exit code; None where a signal ended it, or where it has not ended in time."""
        self._ended.acquire(timeout=max(0.0, seconds))
        return self._code

    def kill(self) -> None:
        """End it and its group, if it has not ended; whom it left behind is nobody's."""
        if not self.has_ended:
            self.killed = True
            process.send(self._pid, signals.KILL, group=True)


class Expectations:
    """Who is expected to end; `wake` makes the loop call `settle` again."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._expected: dict[int, Expected] = {}
        self._spawning: set[int] = set()
        """The threads that spawn something just now."""
        self._unknown: list[process.Ended] = []

    def add(self, spawn: Callable[[], int]) -> Expected:
        """Spawn a process, from any thread, and expect its end, which may come before its pid is known."""
        thread = get_ident()
        self._spawning.add(thread)
        try:
            pid = spawn()
            # Not looked up again: the loop may have reaped it by then.
            expected = self._expected[pid] = Expected(pid)
        finally:
            self._spawning.remove(thread)
            self._wake()
        return expected

    def settle(
        self, ended: Iterable[process.Ended] = ()
    ) -> Iterator[tuple[process.Ended, Expected | None]]:
        """Tell those who wait, and yield each end with who was expected.

        While something is being spawned it is not known of the others whether they are that: later.
        """
        unknown, self._unknown = [*self._unknown, *ended], []
        for one in unknown:
            spawning = bool(self._spawning)  # first: what is spawned from here on is not this one
            expected = self._expected.pop(one.pid, None)
            if expected is not None:
                expected.end(one.code)
            elif spawning:
                self._unknown.append(one)
                continue
            yield one, expected
