"""What is done beside java by short processes: saying goodbye where we are registered, and coming back.

Here: PID 1's thread that waits for such a process and tells how it went. A failure is a line in the log.
"""

from __future__ import annotations

import threading

from entrypoint.lifecycle.events import ErrandDone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from entrypoint.plan.model import Registration
    from entrypoint.supervisor import Supervisor
    from entrypoint.system.expected import Expected
    from entrypoint.system.log import Log


class Errands:
    """Begins errands for the main loop, and posts `ErrandDone` at the end of each."""

    def __init__(self, log: Log, supervisor: Supervisor, mask: set[int]) -> None:
        self._log = log
        self._supervisor = supervisor
        self._mask = mask

    def begin(self, errand: str, registration: Registration, seconds: float) -> bool:
        """Begin one; False where a pids limit is too tight for a thread: java needs it more."""
        thread = threading.Thread(
            target=self._run, args=(errand, registration, seconds), name=errand, daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            self._log.warning("No thread for an errand: raise the pids limit", errand=errand)
            return False
        return True

    def _run(self, errand: str, registration: Registration, seconds: float) -> None:
        from entrypoint.system.errand import run  # noqa: PLC0415 - java runs

        try:
            told = run(errand, registration, seconds, self._mask, self._expect)
            tell = self._log.info if told.done else self._log.warning
            tell("Errand done" if told.done else "Errand failed", errand=errand, says=told.says)
        finally:
            self._supervisor.post(ErrandDone(errand))

    def _expect(self, spawn: Callable[[], int]) -> Expected:
        self._supervisor.errand = expected = self._supervisor.expect(spawn)
        return expected
