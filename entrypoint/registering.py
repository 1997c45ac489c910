"""The registration, as the helper goes through it: the integration is asked, and PID 1 hears how it stands.

Here: what is told when. How an application registers is its integration's.
"""

from __future__ import annotations

import time

from entrypoint.integrations.protocol import load
from entrypoint.lifecycle.health import REGISTRATION, GateStatus
from entrypoint.system.checks.gates import milestone_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from entrypoint.integrations.protocol import Integration, Progress
    from entrypoint.lifecycle.events import Registered
    from entrypoint.plan.model import Launch


def register(
    launch: Launch,
    send: Callable[[GateStatus], object],
    find: Callable[[str], Integration] = load,
) -> Registered:
    """Register and return what was assigned; raises ProblemsError.

    Told: the beginning, every other reason to try again, the same one after 1, 5, 15, 30 s and every 30 s.
    """
    asked = launch.registration
    assert asked is not None
    status = GateStatus(REGISTRATION, asked.target, registers=True)
    send(status)
    said, milestone, failed, began = "", 0, 0, time.monotonic()

    def tell(progress: Progress) -> None:
        nonlocal said, milestone, failed
        failed = progress.attempts
        news = progress.detail != said
        while progress.seconds >= milestone_at(milestone):
            news, milestone = True, milestone + 1
        if news:
            said = progress.detail
            send(_status(asked.target, progress))

    registered = find(asked.integration).register(asked, tell)
    took = time.monotonic() - began
    send(GateStatus(REGISTRATION, asked.target, "passed", failed + 1, took, registers=True))
    return registered


def _status(target: str, progress: Progress) -> GateStatus:
    return GateStatus(
        REGISTRATION,
        target,
        "waiting",
        progress.attempts,
        progress.seconds,
        progress.detail,
        registers=True,
    )
