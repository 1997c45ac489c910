"""What the helper does when java no longer waits for it: the plan's text, and the run before this one.

Here: the file that outlives the container, and the message to PID 1. Nothing in here may fail a start: a
status page without a plan is better than no application.
"""

from __future__ import annotations

import os
import time

from entrypoint.errors import ProblemsError
from entrypoint.lifecycle.previous import FILE, LIMIT, Background, Run, format_run, parse_run
from entrypoint.records import replace
from entrypoint.system import files, inputs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from entrypoint.lifecycle.changes import Watched
    from entrypoint.plan.model import Plan

PLAN_LIMIT: Final = 64 * 1024
"""Characters of the plan's text that PID 1 keeps: a plan has some thousand."""


def gather(plan: Plan, watched: Watched | None, now: float | None = None) -> Background:
    """Return what PID 1 shows beside its own facts, and note in the run directory that a run began."""
    text = plan_text(plan)
    folder = plan.launch.run_dir
    previous = read_run(folder) if folder else None
    began = time.time() if now is None else now
    run = Run(1 if previous is None else previous.number + 1, began)
    write_run(folder, run)
    return Background(text, run, previous, watched)


def plan_text(plan: Plan) -> str:
    """Return the plan as the status page shows it."""
    from entrypoint.plan.explain import explain_plan  # noqa: PLC0415 - after java's start

    text = explain_plan(plan)
    return text if len(text) <= PLAN_LIMIT else text[:PLAN_LIMIT] + "\n…\n"


def read_run(folder: str) -> Run | None:
    """Return the run that ended before this one; None where there was none."""
    found = inputs.read_file(os.path.join(folder, FILE))
    return None if found is None or found.problem else parse_run(found.content[:LIMIT])


def own_run(folder: str, started: float) -> Run:
    """Return the run that began at this Unix time, where the helper has not told of it.

    It may have written it down all the same: then the file's run began after us.
    """
    found = read_run(folder) if folder else None
    if found is None:
        return Run(1, started)
    own = found.ended is None and found.began >= started
    return found if own else Run(found.number + 1, started)


def write_run(folder: str, run: Run) -> bool:
    """Write a run down, and tell whether that worked; it is not worth an error."""
    if not folder:
        return False
    try:
        return files.write_file(os.path.join(folder, FILE), format_run(run))
    except ProblemsError:
        return False


def end_run(folder: str, run: Run, code: int, how: str, summary: str) -> bool:
    """Write down how a run ended, for the next one."""
    return write_run(folder, replace(run, ended=time.time(), code=code, how=how, summary=summary))
