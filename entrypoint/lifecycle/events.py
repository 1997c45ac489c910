"""What can happen to PID 1, and what it can do about it.

Here: the two vocabularies of `lifecycle.machine`, as records. The supervisor makes events of signals,
exits and messages of its threads, and carries out actions; nothing else does either.
"""

from __future__ import annotations

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from entrypoint.errors import Problem
    from entrypoint.plan.model import Launch

    Event: TypeAlias = (
        "Prepared | PrepareFailed | PrepareEnded | Replanned"
        " | GatesPassed | GatesFailed | Spawned | SpawnFailed"
        " | SignalReceived | ChildExited | GroupGone | DeadlineReached | BecameReady | ErrandDone"
        " | StopRequested"
    )
    Action: TypeAlias = (
        "Spawn | StopPreparing | RunErrand | EndErrand"
        " | SignalChild | DumpThreads | Diagnose | SweepStragglers"
        " | SetDeadline | ChangePhase | Exit"
    )

# ---- events ----


@record
class Prepared:
    """The helper made a plan and wrote the files."""

    launch: Launch


@record
class PrepareFailed:
    """The helper found problems; `summary` is what the first of them says."""

    code: int
    summary: str
    problems: tuple[Problem, ...] = ()


@record
class PrepareEnded:
    """The helper ended and there is nothing to run (`--help`, for example)."""

    code: int


@record
class Registered:
    """What a registration has given: settings with their values, where from, and what to say of it.

    No event: the helper tells it, and then a plan that has these values.
    """

    values: tuple[tuple[str, str], ...]
    place: str
    said: tuple[tuple[str, str], ...]


@record
class Replanned:
    """The helper made the plan anew, with what a registration has assigned, and wrote its files.

    `text` is the plan as the status page shows it.
    """

    launch: Launch
    text: str = ""


@record
class GatesPassed:
    """Every dependency answered."""


@record
class GatesFailed:
    """A dependency did not come in time; `summary` is what the first problem says."""

    code: int
    summary: str
    problems: tuple[Problem, ...] = ()


@record
class Spawned:
    """The child runs."""

    pid: int


@record
class SpawnFailed:
    """The child could not be started."""

    problem: Problem


@record
class SignalReceived:
    """A signal reached us; `sender` is 0 for the kernel and for senders outside our pid namespace."""

    number: int
    sender: int


@record
class ChildExited:
    """The child ended: `code` is its exit code, or None where signal `number` ended it."""

    code: int | None
    number: int = 0
    oom_killed: bool = False
    stragglers: bool = False
    """Whether other processes of ours are still there."""


@record
class GroupGone:
    """The last process of ours was reaped."""


@record
class DeadlineReached:
    """The deadline that was set with this token is over."""

    token: int


@record
class BecameReady:
    """Every startup check has passed once (or there are none)."""


@record
class StopRequested:
    """We ask for a stop ourselves, and this is why: `configuration changed: /etc/app.properties`."""

    reason: str


@record
class ErrandDone:
    """The short process that does something beside java has ended, in whatever way."""

    errand: str


# ---- actions ----


@record
class Spawn:
    """Start the child."""


@record
class StopPreparing:
    """End the process that prepares and asks the dependencies: at once."""


@record
class RunErrand:
    """Start a short process that does something beside java: `leave` or `resume`."""

    errand: str
    seconds: float


@record
class EndErrand:
    """End that process: it has had its time."""


@record
class SignalChild:
    """Send a signal: to the child's group, or to the child alone."""

    number: int
    group: bool = True


@record
class DumpThreads:
    """Ask the JVM for a thread dump (QUIT), if it catches QUIT: otherwise that would kill it."""


@record
class Diagnose:
    """Ask the JVM what it does, within so many seconds: its end is near."""

    seconds: float


@record
class SweepStragglers:
    """Send a signal to every process of ours that is left."""

    number: int


@record
class SetDeadline:
    """Post `DeadlineReached(token)` after so many seconds; replaces an earlier deadline."""

    token: int
    seconds: float


@record
class ChangePhase:
    """Tell the world that the phase changed."""

    phase: str
    cause: str


@record
class Exit:
    """End ourselves with this code; `summary` says how it ended."""

    code: int
    summary: str
