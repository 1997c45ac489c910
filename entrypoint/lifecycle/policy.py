"""The rules of one run that the lifecycle follows: the stop ladder, exit codes, signals.

Here: `Policy`, made of a `Launch` or of the switches of plain mode. No input or output.
"""

from __future__ import annotations

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.plan.model import ExitRule, Launch, StopStep


@record
class Policy:
    """What to do with signals and exit codes.

    `stop` is the stop ladder; empty means that TERM is only passed on, as tini does. `rewrite` maps
    signal numbers, 0 meaning "swallow". `remap` maps exit codes. `guards_quit` keeps QUIT from a JVM
    that does not catch it yet: it would die of it instead of printing its threads. `stop_when_ready`
    asks for a stop ourselves, as soon as the startup checks have passed. `resumes` sends for what ran
    before the last stop, as soon as we are ready.
    """

    name: str = "application"
    stop: tuple[StopStep, ...] = ()
    exits: tuple[ExitRule, ...] = ()
    expects_exit: bool = False
    stop_is_success: bool = True
    to_group: bool = True
    guards_quit: bool = True
    stop_when_ready: bool = False
    resumes: bool = False
    rewrite: tuple[tuple[int, int], ...] = ()
    remap: tuple[tuple[int, int], ...] = ()

    @staticmethod
    def of(launch: Launch) -> Policy:
        """Return the policy that a profile's plan asks for."""
        return Policy(
            name="java",
            stop=launch.stop,
            exits=launch.exits,
            expects_exit=launch.expects_exit,
            stop_is_success=launch.stop_is_success,
            stop_when_ready=launch.stop_when_ready,
            resumes=launch.registration is not None and launch.registration.resumes,
        )

    def rewritten(self, number: int) -> int:
        """Return the signal to use in place of this one; 0 to swallow it."""
        return dict(self.rewrite).get(number, number)
