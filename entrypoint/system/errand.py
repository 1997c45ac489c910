"""An errand: what is done beside java where this instance is registered, in a process of its own.

Here: its task and its words. What it does is for `integrations.__main__`: PID 1 never imports that.
"""

from __future__ import annotations

import os
from _pickle import dumps

from entrypoint.records import record
from entrypoint.system import companion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.plan.model import Registration
    from entrypoint.system.expected import Expect

SAYS_LIMIT = 2000


@record
class Told:
    """How an errand ended: whether it did what it was to do, and what it says."""

    done: bool
    says: str


def run(
    errand: str,
    registration: Registration,
    seconds: float,
    mask: set[int],
    expect: Expect,
) -> Told:
    """Run an errand and return what it says; after `seconds` it is killed.

    The task goes through a pipe, since it holds a password.
    """
    path = os.environ.get("PYTHONPATH")
    packages = f"{companion.PACKAGES}:{path}" if path else companion.PACKAGES
    task = companion.Task(
        ("-m", "entrypoint.integrations"),
        hears=1,
        input=dumps((errand, registration, seconds)),
        environment=os.environ | {"PYTHONPATH": packages},
        limit=SAYS_LIMIT,
    )
    heard = companion.run(task, seconds, mask, expect)
    if heard.late or heard.problem:
        return Told(False, heard.problem or f"not done in {seconds:g}s")
    text = " ".join(heard.said.decode("utf-8", "replace").split())
    ending = "was ended" if heard.code is None else f"exit code {heard.code}"
    return Told(heard.code == 0, text or ending)
