"""What is told when java has ended: to the log, the next run of this container, the termination message.

Here: `Ending`. It touches disks that may hang, so the engine does it on threads, and in bounded time.
"""

from __future__ import annotations

import time

from entrypoint import background, last_words
from entrypoint.errors import format_details
from entrypoint.lifecycle.obituary import obituary
from entrypoint.lifecycle.previous import how
from entrypoint.system.cgroup import oom_kill_count
from entrypoint.system.sharing import seal
from entrypoint.values import format_duration, format_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.plan.model import Launch
    from entrypoint.supervisor import Supervisor
    from entrypoint.system.log import Log
    from entrypoint.vitals import Vitals


class Ending:
    """Tells how a run ended; `details` is what the termination message says below its first line."""

    def __init__(
        self, log: Log, supervisor: Supervisor, vitals: Vitals, launch: Launch | None, began: float
    ) -> None:
        self.details = ""
        self._log = log
        self._supervisor = supervisor
        self._vitals = vitals
        self._launch = launch
        self._began = began
        self._started = time.time() - (time.monotonic() - began)

    def tell_death(self) -> None:
        """Log why java died, with the evidence that is to be found."""
        supervisor, launch = self._supervisor, self._launch
        outcome = supervisor.state.outcome
        if outcome is None or launch is None or outcome.status == 0:
            return
        kills = (supervisor.oom_before, oom_kill_count())
        asked = bool(supervisor.state.asked)
        watch = self._vitals.watch_of_java
        problem = obituary(last_words.death(outcome, launch, watch, self._started, kills, asked))
        if problem is not None:
            self._log.problems((problem,))
            self.details = format_details((problem,))

    def tell(self, code: int, told: bool) -> None:
        """Log the end, and leave word for the next run; `told`: the problems were told in full."""
        supervisor = self._supervisor
        fields: dict[str, object] = {
            "code": code,
            "ran": format_duration(time.monotonic() - self._began),
        }
        if supervisor.stop_asked_at is not None:
            fields["stop"] = format_duration(time.monotonic() - supervisor.stop_asked_at)
        fields["orphans_reaped"] = supervisor.orphans
        if supervisor.summary:
            tell = self._log.info if code == 0 else self._log.error
            says = {} if told else {"says": supervisor.summary}
            tell("Exited", **says, **fields)
        self._tell_next_run(code)
        launch = self._launch
        if launch is not None and launch.sharing.making and supervisor.state.outcome:
            self._tell_archive(launch.sharing.archive)

    def _tell_next_run(self, code: int) -> None:
        launch = self._launch
        if launch is not None:
            run = self._vitals.run or background.own_run(launch.run_dir, self._started)
            cause = how(self._supervisor.state.outcome)
            background.end_run(launch.run_dir, run, code, cause, self._supervisor.summary)

    def _tell_archive(self, archive: str) -> None:
        size = seal(archive)
        if size is None:
            self._log.warning("No class-data archive came about", file=archive)
        else:
            self._log.info("Class-data archive made", file=archive, size=format_size(size))
