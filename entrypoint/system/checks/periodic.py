"""Asking a check again and again while java runs.

Here: one thread for each check, and when it asks. Not here: how many failures count, and what then
(lifecycle/health.py).
"""

from __future__ import annotations

import threading

from entrypoint.system.checks.run import Kept, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from entrypoint.plan.model import CheckPlan
    from entrypoint.system.checks.result import CheckResult

STARTUP_INTERVAL = 1.0


class CheckLoop:
    """Asks one check at once and then every interval, and posts every result.

    A startup check is asked every second, if its interval is longer, until it first passes: the start
    is what people wait for. `post(name, result)` is called on the check's own thread. A slow answer
    delays the next question; two never overlap.
    """

    def __init__(
        self,
        check: CheckPlan,
        post: Callable[[str, CheckResult], None],
        ask: Callable[[CheckPlan, Kept], CheckResult] = run,
    ) -> None:
        self.name = check.name
        self._check = check
        self._post = post
        self._ask = ask
        self._passed = "startup" not in check.roles
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"check-{check.name}", daemon=True)

    def start(self) -> None:
        """Begin asking; once only."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; the answer to a question that is under way is dropped."""
        self._stopped.set()

    def _loop(self) -> None:
        kept = Kept()
        while not self._stopped.is_set():
            result = self._ask(self._check, kept)
            if self._stopped.is_set():
                break
            self._passed = self._passed or result.ok
            self._post(self._check.name, result)
            self._stopped.wait(self._pause())
        kept.close()

    def _pause(self) -> float:
        interval = self._check.interval
        return interval if self._passed else min(interval, STARTUP_INTERVAL)
