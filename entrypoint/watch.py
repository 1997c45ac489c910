"""Watches java from the sampler's thread: does it get anywhere, is it live; and its last look before a death.

Here: `Watch`, which sees each sample, asks java whether it answers, tells of episodes once each, and
diagnoses a JVM when liveness fails. Diagnoses run on threads of their own: nothing here holds up the loop.
"""

from __future__ import annotations

import threading

from entrypoint.jvm.diagnosis import summary
from entrypoint.lifecycle.health import livez
from entrypoint.lifecycle.pressure import Pressure, Signs, hang_text, observe, thrash_text
from entrypoint.system import attach, diagnosis

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from entrypoint.lifecycle.health import Snapshot
    from entrypoint.lifecycle.history import JvmSample
    from entrypoint.plan.model import Launch
    from entrypoint.system.log import Log

PING_SECONDS: Final = 1.0
DIAGNOSIS_SECONDS: Final = 10.0
SIGNALS: Final = 3
SIGNAL_PAUSE: Final = 60.0
"""Between two: a JVM that is short of CPU may miss one, and puts a thread dump into the log for each."""
QUIET_SECONDS: Final = 600.0
"""Between two diagnoses because of liveness: a check that flaps must not fill the volume."""


class Watch:
    """What is known of one java from its samples; `take` is called by one thread."""

    def __init__(
        self, log: Log, launch: Launch, pid: int, snapshot: Callable[[], Snapshot]
    ) -> None:
        self.pressure = Pressure()
        self.full_gc_at: float | None = None
        self.folder = ""
        """Of the latest diagnosis; "" before the first."""
        self._log = log
        self._launch = launch
        self._pid = pid
        self._snapshot = snapshot
        self._jvm: attach.Attach | None = None
        self._signals_left = SIGNALS if launch.metrics_attach else 0
        self._signal_from = 0.0
        self._live = True
        self._not_before = 0.0
        self._running = threading.Lock()

    @property
    def has_volume(self) -> bool:
        """Whether what is written outlives the pod; in the run folder it does not."""
        return self._launch.diagnosis.heap_dumps

    def watched(self, look: Callable[[float], JvmSample]) -> Callable[[float], JvmSample]:
        """Return a look that shows each sample to this watch."""

        def looking(now: float) -> JvmSample:
            sample = look(now)
            self.take(sample)
            return sample

        return looking

    def take(self, sample: JvmSample) -> None:
        """Take a sample, and tell what changed with it."""
        before = self.pressure
        answered = self._ping(sample.at)
        # Looked at only where it matters: a JVM may have a thousand threads.
        waited = diagnosis.waited(self._pid) if answered is False else None
        signs = Signs(diagnosis.state_of(self._pid), answered, waited)
        after = observe(before, sample, signs)
        self.pressure = after
        if after.before is not None and (after.before.full_gcs or 0) < (sample.full_gcs or 0):
            self.full_gc_at = sample.at
        if after.thrash.on and not before.thrash.on:
            text = thrash_text(after, sample.at)
            self._log.warning("Java thrashes", pid=self._pid, says=text)
        if before.thrash.on and not after.thrash.on:
            self._log.info("Java thrashes no more", pid=self._pid)
        if after.hang.on and not before.hang.on:
            self._log.warning("Java hangs", pid=self._pid, says=hang_text(after, sample.at))
        if before.hang.on and not after.hang.on:
            self._log.info("Java hangs no more", pid=self._pid)
        self._look_at_liveness(sample.at)

    def _ping(self, now: float) -> bool | None:
        """Ask whether java answers; None where it cannot be asked, or never has answered."""
        try:
            if self._jvm is None:
                may_signal = self._signals_left > 0 and now >= self._signal_from
                self._jvm = attach.attach(self._pid, PING_SECONDS, may_signal)
            self._jvm.jcmd("VM.version", PING_SECONDS, 4096)
        except attach.AttachError as error:
            if error.signalled:
                self._signals_left, self._signal_from = self._signals_left - 1, now + SIGNAL_PAUSE
            if self._jvm is None:
                return None
            if error.timed_out:
                return False
            # Its socket is gone, or somebody else's: that says nothing about java.
            self._jvm = None
            return None
        return True

    def _look_at_liveness(self, now: float) -> None:
        verdict = livez(self._snapshot(), now)
        failed, self._live = self._live and not verdict.ok, verdict.ok
        if failed and now >= self._not_before:
            self._not_before = now + QUIET_SECONDS
            cause = next(f"liveness: {one.name} {one.text}" for one in verdict.items if not one.ok)
            self.start(DIAGNOSIS_SECONDS, cause)

    def start(
        self,
        seconds: float,
        cause: str,
        then: Callable[[diagnosis.Report | None], None] | None = None,
    ) -> bool:
        """Diagnose java on a thread, and tell whether there is one.

        `then` hears of the report once it is told; of None when there is none.
        """

        def work() -> None:
            report = None
            try:
                report = self._diagnose(seconds, cause)
            finally:
                if then is not None:
                    then(report)

        try:
            threading.Thread(target=work, name="diagnosis", daemon=True).start()
        except RuntimeError:  # a pids limit that is too tight
            self._log.warning("No diagnosis: no thread to be had", pid=self._pid)
            return False
        return True

    def _diagnose(self, seconds: float, cause: str) -> diagnosis.Report | None:
        if not self._running.acquire(blocking=False):
            return None
        try:
            report = diagnosis.ask(self._pid, seconds)
            kept = self._launch.diagnosis
            report = diagnosis.keep(report, kept.folder, kept.budget)
            self.folder = report.folder or self.folder
            self._tell(report, cause)
        finally:
            self._running.release()
        return report

    def _tell(self, report: diagnosis.Report, cause: str) -> None:
        for label, text in summary(report.answers):
            self._log.warning("Diagnosis", of=label, says=text)
        if report.answers:
            files = ",".join(report.answers)
            where = report.folder or "nowhere"
            self._log.warning("Diagnosis made", cause=cause, folder=where, files=files)
        if report.missing:
            missing = ",".join(report.missing)
            self._log.warning("Diagnosis incomplete", missing=missing, says=report.reason)
        for remark in report.remarks:
            self._log.info("Note", says=remark)
