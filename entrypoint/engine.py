"""The parts of PID 1 beside the main loop, while a profile runs: log, health, port, the helper's messages.

Here: `Engine`, which connects them and hears from the supervisor. It decides nothing about the lifecycle.
"""

from __future__ import annotations

import os
import threading
import time

from entrypoint import __version__
from entrypoint.errors import EXIT_INTERNAL, ProblemsError, cause, format_details
from entrypoint.lifecycle import events as on
from entrypoint.lifecycle.health import ExitInfo, GateStatus
from entrypoint.lifecycle.previous import Background
from entrypoint.lifecycle.report import conclude
from entrypoint.plan.model import ENDING_SECONDS, Launch
from entrypoint.port import Port
from entrypoint.supervisor import Observer, Program, Supervisor
from entrypoint.system import channel, core_file
from entrypoint.system.cgroup import oom_kill_count
from entrypoint.system.log import Log
from entrypoint.values import format_duration
from entrypoint.vitals import Vitals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from entrypoint.errors import Problem
    from entrypoint.system.diagnosis import Report


class Engine(Observer):
    """Everything that a profile's run needs beside the loop."""

    def __init__(self, mask: set[int], helper: int, messages: int, began: float) -> None:
        self.began = began
        form = os.environ.get("ENTRYPOINT_LOG_FORMAT", "")
        self.log = Log(form="json" if form == "json" else "text")
        self.supervisor = Supervisor(mask, self)
        self.supervisor.helper = helper
        self.vitals = Vitals(self.log, self.supervisor, self.oom_kills)
        self.launch: Launch | None = None
        self.termination_log: str | None = None
        self._mask = mask
        self._messages = messages
        self._reader = threading.Thread(target=self._read, name="helper", daemon=True)
        self._result = False
        self._problems: tuple[Problem, ...] = ()
        self._port = Port(self.log, self.vitals)
        if not os.environ.get("ENTRYPOINT_DEBUG"):
            # By its type: its text may hold a value, and the default prints it, traceback and all.
            threading.excepthook = lambda found: self.failed(found.exc_value or Exception())
        self.details = ""
        """What the termination message says below its first line."""

    def start(self) -> None:
        """Answer probes and hear the helper from now on."""
        self._port.open()
        self._reader.start()

    def finish(self, code: int) -> None:
        """Tell how it ended and stop everything, in `ENDING_SECONDS`, whatever goes wrong with it."""
        from entrypoint.ending import Ending  # noqa: PLC0415 - java has ended

        deadline = time.monotonic() + ENDING_SECONDS

        def share(parts: int) -> float:
            """Return what the first of so many parts may take; what it does not is for the others."""
            return max(0.0, deadline - time.monotonic()) / parts

        ending = Ending(self.log, self.supervisor, self.vitals, self.launch, self.began)
        if self.launch is not None and self.vitals.run is None:
            # A java of some milliseconds ends before the helper has told which run this is.
            self._reader.join(share(2))
        for left, part in (
            (4, self._stop_parts),
            (3, ending.tell_death),
            (2, lambda: ending.tell(code, bool(self._problems))),
        ):
            thread = self._in_background(part, "end")
            # On a thread, which a hung disk may keep: the process ends all the same.
            if thread is not None:
                thread.join(share(left))
        self.details = ending.details
        # A stop that was asked for first is the cause, whatever failed after it.
        if self._problems and self._problems[0].what == self.supervisor.summary:
            self.details = format_details(self._problems)
        self.log.flush(share(1))

    def _stop_parts(self) -> None:
        self.vitals.stop_watching()
        if self._port.sampler is not None:
            self._port.sampler.stop()
        self._port.stop()

    def _in_background(self, work: Callable[[], None], name: str) -> threading.Thread | None:
        """Start a thread; None where a pids limit is too tight for one: java needs it more."""
        thread = threading.Thread(target=work, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self.log.warning("No thread to be had: raise the pids limit", thread=name)
            return None
        return thread

    # ---- what the supervisor tells ----

    def phase_changed(self, phase: str, cause: str) -> None:
        """Tell the new phase; a child that ended is no longer worth asking."""
        self.vitals.take_phase(phase, cause)
        if phase in {"stopping", "killing", "exited"}:
            self.vitals.stop_watching()
        state = self.supervisor.state
        if phase == "exited" and state.outcome is not None:
            answer, _ = conclude(state.policy, state.outcome, state.asked)
            self.vitals.take_exit(ExitInfo(state.outcome.status, answer, cause))

    def spawned(self, pid: int) -> None:
        """Begin to watch; the metrics' large imports come now, when java has the processor's attention."""
        core_file.leave_none()  # java has the limit that we were started with
        self.log.info(
            "Spawned java", pid=pid, since_start=format_duration(time.monotonic() - self.began)
        )
        if self.launch is not None:
            self.vitals.watch(self.launch)
        if self._port.is_open:
            self._in_background(self._port.exporter.load, "metrics")
            self._port.guard.start()
        launch = self.launch
        if launch is not None:
            self._in_background(lambda: self._sample(pid, launch), "sampler")

    def helper_ended(self, how: str) -> None:
        """Judge it by the rest of its messages, which are on their way: the loop does not wait for them.

        Not even where a process that it left behind keeps the pipe open.
        """
        if self._result:
            return
        if self._in_background(lambda: self._judge_helper(how), "judge") is None:
            self._judge_helper(how, 0.0)

    def _judge_helper(self, how: str, seconds: float = 5.0) -> None:
        self._reader.join(seconds)
        if not self._result:
            what = f"the preparation ended without a result ({how})"
            self.supervisor.post(on.PrepareFailed(EXIT_INTERNAL, what))

    def no_thread_dump(self, pid: int) -> None:
        """Say why there is no thread dump."""
        self.log.warning(
            "No thread dump: java does not catch QUIT now and would die of it", pid=pid
        )

    def diagnose(self, pid: int, seconds: float) -> bool:
        """Diagnose java on a thread.

        Where it does not answer, or there is no volume for what it says, a thread dump goes to its output.
        """
        watch = self.vitals.watch_of_java
        if watch is None:
            return False

        def then(report: Report | None) -> None:
            threads = report is not None and "threads.txt" in report.answers
            signalled = report is not None and report.signalled
            lost = not threads or not watch.has_volume
            if lost and not signalled and self.supervisor.state.child == pid:
                self.supervisor.dump_threads()

        return watch.start(seconds * 0.9, "the stop ladder", then)

    def run_errand(self, errand: str, seconds: float) -> bool:
        """Run a short process beside java, on a thread that waits for it."""
        from entrypoint.errands import Errands  # noqa: PLC0415 - only where we are registered

        registration = None if self.launch is None else self.launch.registration
        errands = Errands(self.log, self.supervisor, self._mask)
        return registration is not None and errands.begin(errand, registration, seconds)

    def spawn_failed(self, problem: Problem) -> None:
        """Tell in full why java could not be started."""
        self._problems = (problem,)
        self.log.problems((problem,))

    def failed(self, error: BaseException) -> None:
        """Tell what the system refused us, or a bug of ours by its type: its text may hold a value."""
        self.log.failure("", error)

    def oom_kills(self) -> int | None:
        """Ask the kernel's counter."""
        return oom_kill_count()

    # ---- what the helper tells ----

    def _read(self) -> None:
        try:
            for message in channel.receive(self._messages):
                self._take(message)
        except Exception as error:
            # What else it says is not heard: nothing else would end a wait for it.
            self._fail(on.PrepareFailed(EXIT_INTERNAL, cause(error)))
            raise

    def _take(self, message: object) -> None:
        match message:
            case Launch():
                self._take_launch(message)
            case GateStatus():
                self.vitals.take_gate(message)
            case Background():
                self._port.plan = message.plan
                self.vitals.take_run(message.run, message.previous)
                if self.launch is not None and message.watched is not None:
                    stops = self.launch.on_change == "stop"
                    self.vitals.watch_files(message.watched, stops, self._mask)
            case on.Registered():
                self.log.info("Registered", **dict(message.said))
            case on.Replanned():
                self._port.plan = message.text
                self._take_program(message.launch)
                self.supervisor.post(message)
            case on.PrepareFailed() | on.GatesFailed():
                self._fail(message)
            case on.PrepareEnded() | on.GatesPassed():
                self._result = True
                self.supervisor.post(message)

    def _take_launch(self, launch: Launch) -> None:
        self._take_program(launch)
        self.termination_log = launch.termination_log
        self.log.configure(launch.log_format, launch.log_level)
        self.log.info(
            "Starting",
            version=__version__,
            profile=launch.name,
            pid=os.getpid(),
            plan=launch.digest,
        )
        for remark in launch.remarks:
            self.log.info("Note", says=remark)
        # The helper has had its say, however long a look-up of the address takes.
        self._result = self._result or not (launch.gates or launch.registration)
        try:
            self._port.take(launch)
        except ProblemsError as error:
            self._cannot_serve(error.problems)
            return
        except (RuntimeError, OSError) as error:
            from entrypoint.system.spawn_problem import thread_problem  # noqa: PLC0415 - as rare

            self._cannot_serve((thread_problem(error),))
            return
        if launch.gates or launch.registration:
            self._port.guard.start()  # else when java was started
        self.supervisor.post(on.Prepared(launch))

    def _cannot_serve(self, problems: tuple[Problem, ...]) -> None:
        self._fail(on.PrepareFailed(problems[0].exit_code, problems[0].what, problems))

    def _take_program(self, launch: Launch) -> None:
        """Take what to start and to ask, before it starts: the first time, and after a registration."""
        self.launch = launch
        self.vitals.knows(launch)
        self.supervisor.program = Program(
            launch.executable, launch.argv, launch.environment, launch.cwd
        )

    def _fail(self, event: on.PrepareFailed | on.GatesFailed) -> None:
        self._result = True
        self._problems = event.problems
        self.log.problems(event.problems)
        self.supervisor.post(event)

    def _sample(self, pid: int, launch: Launch) -> None:
        """Keep the last hour of java for the status page, and see whether it gets anywhere.

        On a thread, imports and all: a TERM may come right after java's spawn.
        """
        from entrypoint.sampler import Sampler, make_look  # noqa: PLC0415 - after java's spawn
        from entrypoint.watch import Watch  # noqa: PLC0415 - as above

        watch = Watch(self.log, launch, pid, self.vitals.snapshot)
        self.vitals.watch_of_java = watch
        look = watch.watched(make_look(pid, self._port.exporter.look))
        also = (self._port.guard.look, self.vitals.look_at_files)
        self._port.sampler = sampler = Sampler(look, on_error=self.failed, also=also)
        if self.supervisor.state.child == pid:  # else nobody may have been there to stop it
            sampler.run()
