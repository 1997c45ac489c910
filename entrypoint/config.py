"""Watches the files that the plan was made of, from the sampler's thread: are they what they were?

Here: `ConfigWatch`, which looks at each sample, tells of each change once, and, where the setting says so,
asks for a stop once the new files are known to make a plan. A broken new configuration must not
take down an application that works.
"""

from __future__ import annotations

import threading
import time

from entrypoint.errors import EXIT_OK
from entrypoint.lifecycle.changes import begin, observe, words
from entrypoint.lifecycle.events import StopRequested
from entrypoint.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from entrypoint.lifecycle.changes import Change, Configuration, Watched
    from entrypoint.supervisor import Supervisor
    from entrypoint.system.changes import Looks
    from entrypoint.system.log import Log

TRY_SECONDS: Final = 60.0
"""What making a plan may take, while java has the processor."""
PAUSE_SECONDS: Final = 60.0
"""Before it is tried again, where it could not be tried: no process to be had, no answer."""

_TOLD: Final = {
    "changed": "Configuration changed",
    "new": "Configuration changed",
    "gone": "Configuration changed",
    "back": "Configuration as at the start again",
    "unreadable": "Configuration cannot be read",
}


class ConfigWatch:
    """What is known of a plan's files; `look` is called by one thread."""

    def __init__(
        self, log: Log, supervisor: Supervisor, watched: Watched, stops: bool, mask: set[int]
    ) -> None:
        self._state = begin(watched)
        self._log = log
        self._supervisor = supervisor
        self._watched = watched
        self._stops = stops
        self._mask = mask
        self._looks: Looks | None = None
        self._tried: tuple[Change, ...] = ()
        self._not_before = 0.0
        self._refused: tuple[tuple[Change, ...], str] = ((), "")
        self._trying = threading.Lock()

    @property
    def state(self) -> Configuration:
        """How the files stand, and why a restart would not work with them; from any thread."""
        state, (found, reason) = self._state, self._refused
        return replace(state, verdict=reason) if reason and found == state.found else state

    def look(self) -> None:
        """Look at every file, tell what changed, and see whether that asks for a stop."""
        if self._looks is None:
            from entrypoint.system.changes import Looks  # noqa: PLC0415 - java is on its way

            paths = (path for path, _ in self._watched.files)
            self._looks = Looks(paths, self._watched.patterns)
        self._state, told = observe(self._state, self._looks.look(), time.time())
        for change in told:
            self._tell(change)
        state = self._state
        if self._stops and state.changes and state.settled and self._is_due(state):
            self._try(state)

    def _tell(self, change: Change) -> None:
        tell = self._log.warning if change.how == "unreadable" else self._log.info
        fields: dict[str, object] = {"file": change.path, "how": change.how}
        if change.how == "unreadable":
            fields["says"] = change.content.problem
        elif change.how != "back" and not self._stops:
            fields["says"] = "java goes on with what it was started with; a restart takes the new"
        tell(_TOLD[change.how], **fields)

    def _is_due(self, state: Configuration) -> bool:
        return state.found != self._tried or bool(
            self._not_before and time.monotonic() >= self._not_before
        )

    def _try(self, state: Configuration) -> None:
        """Make the new plan on a thread of its own: the sampler has java to look at."""
        if not self._trying.acquire(blocking=False):
            return
        try:
            threading.Thread(target=self._judge, args=(state,), name="config", daemon=True).start()
        except RuntimeError:  # a pids limit that is too tight
            self._trying.release()
            self._wait(state, "no thread to be had")

    def _judge(self, state: Configuration) -> None:
        from entrypoint.system.changes import try_plan  # noqa: PLC0415 - rare

        try:
            trial = try_plan(self._watched.words, TRY_SECONDS, self._mask, self._supervisor.expect)
            if self._state.found != state.found or not self._state.settled:
                return  # it went on changing meanwhile: the next look is for that
            if trial.code is None:
                self._wait(state, trial.says or "it was killed, or did not end")
            elif trial.code != EXIT_OK:
                self._refuse(state, trial.says or f"exit code {trial.code}")
            else:
                self._tried, self._not_before = state.found, 0.0
                cause = f"configuration changed: {words(state.changes)}"
                self._supervisor.post(StopRequested(cause))
        finally:
            self._trying.release()

    def _refuse(self, state: Configuration, reason: str) -> None:
        self._tried, self._not_before = state.found, 0.0
        self._refused = (state.found, reason)
        self._log.warning(
            "New configuration not taken: no plan can be made of it",
            says=reason,
            files=words(state.changes),
        )

    def _wait(self, state: Configuration, reason: str) -> None:
        if state.found != self._tried:
            self._log.warning("New configuration not tried yet", says=reason)
        self._tried, self._not_before = state.found, time.monotonic() + PAUSE_SECONDS
