"""Ctrl-C and TERM as one exception that ends the start, and as a wish to hurry once the stop has begun."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopAskedError(BaseException):
    """Somebody asked us to stop; not an Exception, so that no clean-up code swallows it."""


class Interrupts:
    """Raises StopAskedError at the first request; the requests after that are only counted."""

    def __init__(self) -> None:
        self.count = 0
        self._held = False
        for number in NUMBERS:
            signal.signal(number, self._take)

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.count == 1 and not self._held:
            raise StopAskedError

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Raise only after the block: a process that was just started is then known, and stopped too."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self.count:
            raise StopAskedError

    def hold(self) -> None:
        """Raise no more: a stop has begun, for whatever reason."""
        self._held = True
        self.count = 0
