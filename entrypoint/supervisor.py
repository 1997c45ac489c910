"""The loop of PID 1: events in, actions out.

Here: the only code that carries out what `lifecycle.machine` decides, and that turns signals, exits and
messages of threads into events. It decides nothing itself, and nothing in it may block.
"""

from __future__ import annotations

import os
import time
from _thread import get_ident

from entrypoint.errors import EXIT_INTERNAL, Problem, ProblemsError, cause
from entrypoint.lifecycle import events as on
from entrypoint.lifecycle import signals
from entrypoint.lifecycle.machine import State, step
from entrypoint.records import assert_never, record
from entrypoint.system import process
from entrypoint.system.expected import Expectations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from entrypoint.lifecycle.events import Action, Event
    from entrypoint.system.expected import Expected

    Answer = TypeVar("Answer")
else:
    from _collections import deque  # `collections` costs 1.4 ms and 0.4 MB

_INITIAL = State()
_TERM_FROM_OUTSIDE = on.SignalReceived(signals.TERM, 0)
"""How a stop begins nearly always: by the container runtime, which is in another pid namespace."""


@record
class Program:
    """What to start: argv and environment as exec wants them, and the working directory."""

    executable: str
    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    cwd: str = "."


class Observer:
    """What the loop tells to whoever wants to know; this one does not, as in plain mode."""

    def phase_changed(self, phase: str, cause: str) -> None:
        """Take a change of phase."""

    def spawned(self, pid: int) -> None:
        """Take the start of the child."""

    def helper_ended(self, how: str) -> None:
        """Take that the helper ended; post a failure if it never comes to a result."""

    def no_thread_dump(self, pid: int) -> None:
        """Take that a thread dump was not asked for, since it would kill the child."""

    def diagnose(self, pid: int, seconds: float) -> bool:  # noqa: ARG002 - this one does not
        """Begin to ask the child what it does; tell whether that will also dump its threads."""
        return False

    def run_errand(self, errand: str, seconds: float) -> bool:  # noqa: ARG002 - this one does not
        """Begin an errand, posting `ErrandDone` at its end; tell whether it has begun."""
        return False

    def spawn_failed(self, problem: Problem) -> None:
        """Take why the child could not be started."""

    def failed(self, error: BaseException) -> None:
        """Take a bug of ours: java is not to die of it, and the loop goes on."""

    def oom_kills(self) -> int | None:
        """Return how many processes of this container the kernel killed for memory; None: unknown."""
        return None


class Supervisor:
    """Owns the child, the clock and the counters; everything else sees snapshots of them."""

    def __init__(self, mask: set[int], observer: Observer, state: State = _INITIAL) -> None:
        self.state = state
        self.observer = observer
        self.program: Program | None = None
        self.helper: int | None = None
        self.signals: dict[str, int] = {}
        self.orphans = 0
        self.stop_asked_at: float | None = None
        self.code: int | None = None
        self.summary = ""
        self._mask = mask
        self._thread = get_ident()
        self._heard: set[int] = set()
        self._posted: deque[Event] = deque()
        self._deadline: tuple[float, int] | None = None
        self._group = 0
        self.oom_before: int | None = None
        """The kernel's count at java's start, and with it the kills since that were not java's."""
        self._expectations = Expectations(lambda: process.wake(self._thread))
        self._ahead: tuple[State, tuple[State, tuple[Action, ...]]] | None = None
        self.errand: Expected | None = None

    def expect(self, spawn: Callable[[], int]) -> Expected:
        """Spawn a process, from any thread: it is no orphan, and its end is told to whoever waits."""
        return self._expectations.add(spawn)

    def post(self, event: Event) -> None:
        """Hand an event to the loop, from any thread."""
        self._posted.append(event)
        process.wake(self._thread)

    def run(self, *first: Event) -> int:
        """Follow events until the lifecycle exits; return our exit code."""
        for event in first:
            self._step(event)
        while self.code is None:
            self._wait()
        return self.code

    def _wait(self) -> None:
        deadline, token = self._deadline or (None, 0)
        # A flood of signals must not hold up the stop ladder, so an overdue deadline comes first.
        if deadline is not None and time.monotonic() >= deadline:
            self._deadline = None
            self._step(on.DeadlineReached(token))
            return
        received = process.wait_signal(deadline, self._heard)
        if received is None:
            return
        if received.number == signals.URG:
            # Whoever it is from: with too many signals pending (RLIMIT_SIGPENDING, which is counted for the
            # user on the whole node) the kernel leaves out that it is our own.
            self._drain()
            self._settle()
        if received.number == signals.CHLD:
            self._reap()
        elif not received.own:
            name = signals.name(received.number)
            self.signals[name] = self.signals.get(name, 0) + 1
            usual = received.number == signals.TERM and not received.sender
            self._step(
                _TERM_FROM_OUTSIDE if usual else on.SignalReceived(received.number, received.sender)
            )

    def _drain(self) -> None:
        while self._posted and self.code is None:
            self._step(self._posted.popleft())

    def _reap(self) -> None:
        ended, left = process.reap()
        # The child last: by then it is known which kills for want of memory were not its own.
        self._settle(one for one in ended if one.pid != self.state.child)
        for one in ended:
            if one.pid == self.state.child:
                self._step(on.ChildExited(one.code, one.number, self._was_oom_killed(one), left))
        if not left:
            self._step(on.GroupGone())

    def _settle(self, ended: Iterable[process.Ended] = ()) -> None:
        for one, expected in self._expectations.settle(ended):
            if one.pid == self.helper:
                self._helper_ended(one)
            elif expected is None:
                self.orphans += 1
            killed = expected is not None and expected.killed
            if self.state.child is not None and not killed and self._was_oom_killed(one):
                self.oom_before = (self.oom_before or 0) + 1

    def _helper_ended(self, ended: process.Ended) -> None:
        self.helper = None
        how = f"exit code {ended.code}" if ended.code is not None else signals.name(ended.number)
        self._ask(lambda: self.observer.helper_ended(how))

    def _was_oom_killed(self, ended: process.Ended) -> bool:
        if ended.number != signals.KILL or self.oom_before is None:
            return False
        after = self._ask(self.observer.oom_kills)
        return after is not None and after > self.oom_before

    def _step(self, event: Event) -> None:
        asked = self.state.asked
        self.state, actions = self._decide(event)
        if self.state.asked and not asked:
            self.stop_asked_at = time.monotonic()
        for action in actions:
            # Each on its own: Exit has to be reached, whatever went wrong before it.
            self._try(action)
        if self.state.child is not None:
            self._ahead = self.state, step(self.state, _TERM_FROM_OUTSIDE)

    def _decide(self, event: Event) -> tuple[State, tuple[Action, ...]]:
        """Return what to do now; for the usual TERM that was decided when the state began.

        The code that decides it was idle until then, and would take longer than all the rest.
        """
        if event is _TERM_FROM_OUTSIDE and self._ahead and self._ahead[0] is self.state:
            return self._ahead[1]
        return step(self.state, event)

    def _try(self, action: Action) -> None:
        self._ask(lambda: self._do(action))

    def _ask(self, work: Callable[[], Answer]) -> Answer | None:
        """Do what a bug of ours may break: java must not lose its supervisor for that."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - see above
            try:
                self.observer.failed(error)
            except Exception:  # noqa: BLE001 - nobody is left to tell
                return None
            return None

    def _do(self, action: Action) -> None:
        match action:
            case on.Spawn():
                self._spawn()
            case on.StopPreparing():
                process.send(self.helper, signals.KILL, group=False)
                process.send(self.helper, signals.KILL, group=True)
            case on.RunErrand() | on.EndErrand():
                self._errand(action)
            case on.SignalChild(number, group):
                process.send(self.state.child, number, group)
            case on.DumpThreads() | on.Diagnose():
                self._ask_child(action)
            case on.SweepStragglers(number):
                process.sweep(number, self._group)
            case on.SetDeadline(token, seconds):
                self._deadline = (time.monotonic() + seconds, token)
            case on.ChangePhase(phase, cause):
                self.observer.phase_changed(phase, cause)
            case on.Exit(code, summary):
                self.code, self.summary = code, summary
            case _:
                assert_never(action)  # pragma: no cover

    def _errand(self, action: on.RunErrand | on.EndErrand) -> None:
        """End the errand that is under way, and begin the next one."""
        if self.errand is not None:
            self.errand.kill()
        if isinstance(action, on.EndErrand):
            return
        if not self.observer.run_errand(action.errand, action.seconds):
            self._step(on.ErrandDone(action.errand))

    def _spawn(self) -> None:
        """Start the child; what goes wrong with that ends us: without a child nothing else would."""
        try:
            pid = self._start()
        except ProblemsError as error:
            return self._spawn_failed(error.problems[0])
        except Exception as error:  # noqa: BLE001 - see above
            return self._spawn_failed(Problem("spawn-failed", cause(error), (), EXIT_INTERNAL))
        return self.adopt(pid)

    def _start(self) -> int:
        program = self.program
        assert program is not None
        try:
            os.chdir(program.cwd)
        except OSError as error:
            details = (("where", program.cwd), ("says", error.strerror or ""))
            what = f"cannot enter working directory {program.cwd}"
            raise ProblemsError(Problem("workdir-unusable", what, details)) from None
        try:
            return process.spawn(
                program.executable, program.argv, dict(program.environment), self._mask
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in an argument, an odd variable
            from entrypoint.system.spawn_problem import spawn_problem  # noqa: PLC0415 - it failed

            raise ProblemsError(spawn_problem(program.executable, error)) from None

    def _spawn_failed(self, problem: Problem) -> None:
        self._ask(lambda: self.observer.spawn_failed(problem))
        self._step(on.SpawnFailed(problem))

    def adopt(self, pid: int) -> None:
        """Take a process that was just spawned as the child."""
        self._group = pid
        self.oom_before = self._ask(self.observer.oom_kills)
        process.take_terminal(pid)
        self._step(on.Spawned(pid))
        self._rehearse()
        self._ask(lambda: self.observer.spawned(pid))

    def _rehearse(self) -> None:
        """Receive a signal and pass one on, both empty: code that never ran is slow when it is urgent."""
        process.wake(self._thread)
        self._try(on.SignalChild(0, group=True))

    def _ask_child(self, action: on.DumpThreads | on.Diagnose) -> None:
        child = self.state.child
        if isinstance(action, on.Diagnose) and (
            child is None or self.observer.diagnose(child, action.seconds)
        ):
            return
        self.dump_threads()

    def dump_threads(self) -> None:
        """Send the child a QUIT, if it does not die of it."""
        child = self.state.child
        if child is None:
            return
        if process.catches(child, signals.QUIT):
            process.send(child, signals.QUIT, group=False)
        else:
            self.observer.no_thread_dump(child)
