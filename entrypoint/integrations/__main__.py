"""A short process beside java: `python -m entrypoint.integrations`, its task on standard input.

Here: reading the task, a bound that the kernel keeps, and one line of answer. `system.errand` starts it.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys

from entrypoint.errors import ProblemsError
from entrypoint.integrations.protocol import TryAgainError, load


def main() -> int:
    """Do the errand and say so on standard output; return the exit code."""
    # From the process that started us, over a pipe: nobody else can write there.
    errand, registration, seconds = pickle.load(sys.stdin.buffer)  # noqa: S301
    signal.setitimer(signal.ITIMER_REAL, seconds)
    integration = load(registration.integration)
    code = 1
    try:
        act = {"leave": integration.leave, "resume": integration.resume}[errand]
        says, code = act(registration), 0
    except TryAgainError as error:
        says = error.detail
    except ProblemsError as error:
        says = error.problems[0].what
    except Exception as error:  # noqa: BLE001 - by its type: its text may hold a value
        says = f"a bug of entrypoint: {type(error).__name__}"
    os.write(1, says.encode("utf-8", "replace"))
    return code


if __name__ == "__main__":
    os._exit(main())
