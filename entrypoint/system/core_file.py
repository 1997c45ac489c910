"""Core files of our own processes: none, once they know a secret. java's are its own matter.

Here: the limit for it. Not by PR_SET_DUMPABLE: see docs/reference/secrets.md.
"""

from __future__ import annotations

import resource


def leave_none() -> None:
    """Have the kernel write no core file of this process: secrets are in it. What it starts inherits that.

    Only by the soft limit, which `prlimit` can raise again. It is 1, not 0: with 0 the kernel still gives
    the core to a program, where core_pattern names one.
    """
    try:
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (1 if hard else 0, hard))
    except (OSError, ValueError):
        return
