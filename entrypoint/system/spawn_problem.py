"""Why a program or a thread could not be started, in words that lead to the fix.

Here: one `Problem` for each way the kernel has to say no. Nothing is looked at and nothing is changed.
"""

from __future__ import annotations

import errno
import os

from entrypoint.errors import EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, Problem


def spawn_problem(executable: str, error: OSError | ValueError) -> Problem:
    """Return what a failed exec means to the person who wrote the command line."""
    what = f"cannot start {executable}"
    number = error.errno if isinstance(error, OSError) else errno.EINVAL
    details = (("where", executable), ("says", os.strerror(number or 0)))
    match number:
        case errno.EINVAL:
            reason, text = (
                "an argument or variable that exec cannot take",
                "look for NUL characters",
            )
        case errno.ENOENT:
            fix = ("fix", "check the name and PATH; for a script, check its first line too")
            return Problem(
                "program-not-found", f"{what}: not found", (*details, fix), EXIT_NOT_FOUND
            )
        case errno.EAGAIN | errno.ENOMEM:
            reason, text = "no process to be had", "raise the pids or memory limit of the container"
        case errno.EMFILE | errno.ENFILE:
            reason, text = "no descriptor to be had", "raise the limit of open files (ulimit -n)"
        case errno.E2BIG:
            reason, text = "too long", "shorten the arguments or the environment: exec has a limit"
        case _:
            text = "make it an executable file (chmod +x)"
            if number == errno.ENOEXEC:
                text = "begin a script with #!/bin/sh; a program has to be for this machine"
            return Problem(
                "program-not-executable",
                f"{what}: not executable",
                (*details, ("fix", text)),
                EXIT_NOT_EXECUTABLE,
            )
    return Problem(
        "spawn-failed", f"{what}: {reason}", (*details, ("fix", text)), EXIT_NOT_EXECUTABLE
    )


def thread_problem(error: Exception) -> Problem:
    """Return what it means that a thread or descriptor of ours cannot be had."""
    fix = ("fix", "raise the pids limit of the container: we need five, java some dozens")
    what = "cannot start a thread"
    return Problem("spawn-failed", what, (("says", str(error)), fix), EXIT_NOT_EXECUTABLE)
