"""How it ended, told truly: our exit code and the one line that says why.

Here: `Outcome`, `conclude` and the texts of the termination message. No input or output.
"""

from __future__ import annotations

from entrypoint.errors import EXIT_INTERNAL, EXIT_SIGNAL_BASE
from entrypoint.lifecycle import signals
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.lifecycle.policy import Policy


@record
class Outcome:
    """How the child ended: `code`, or None where signal `number` ended it.

    `killed` tells that we sent the KILL ourselves, at the end of the stop ladder.
    """

    code: int | None
    number: int = 0
    oom_killed: bool = False
    killed: bool = False

    @property
    def status(self) -> int:
        """The exit code as a shell would say it: 128+n for a signal."""
        return EXIT_SIGNAL_BASE + self.number if self.code is None else self.code


def conclude(policy: Policy, outcome: Outcome, asked: int, reason: str = "") -> tuple[int, str]:
    """Return our exit code and a line without a full stop that says how the child ended.

    `asked` is the signal that asked for its end, 0 for none, and `reason` why we asked ourselves.
    """
    code = _answer(policy, outcome, asked)
    code = dict(policy.remap).get(code, code)
    return code, _summary(policy, outcome, asked, reason)


def _answer(policy: Policy, outcome: Outcome, asked: int) -> int:
    rule = next((rule for rule in policy.exits if rule.code == outcome.status), None)
    if rule is not None and rule.answer is not None:
        return rule.answer
    obeyed = {0, EXIT_SIGNAL_BASE + signals.TERM, EXIT_SIGNAL_BASE + asked}
    if asked and policy.stop_is_success and not outcome.killed and outcome.status in obeyed:
        return 0
    if outcome.status == 0 and not asked and not policy.expects_exit:
        return EXIT_INTERNAL
    return outcome.status


def _summary(policy: Policy, outcome: Outcome, asked: int, reason: str) -> str:
    name = policy.name
    if outcome.oom_killed:
        return f"{name} was killed by the kernel: out of memory (137)"
    if outcome.killed:
        return f"{name} did not stop in time and was killed (137)"
    if outcome.code is None:
        text = f"{name} was ended by {signals.name(outcome.number)} ({outcome.status})"
    else:
        text = f"{name} exited with {outcome.code}"
    if asked:
        return f"{text} after {signals.name(asked)}" + (f" ({reason})" if reason else "")
    meaning = next((rule.meaning for rule in policy.exits if rule.code == outcome.status), "")
    if not meaning and outcome.status == 0 and not policy.expects_exit:
        meaning = "nobody asked it to end, so this counts as a failure (70)"
    return f"{text}: {meaning}" if meaning else text
