"""What a process asks of the kernel for itself, by prctl(2): to adopt orphans, to die with its parent.

Here: what only a process that is not PID 1 of a container asks for. There nobody imports this module.
"""

from __future__ import annotations

import os


def become_subreaper() -> bool:
    """Make orphaned descendants our children (PR_SET_CHILD_SUBREAPER); tell whether it worked."""
    return _prctl(36, 1)


def die_with_parent(number: int) -> bool:
    """Ask the kernel to send us this signal when our parent dies (PR_SET_PDEATHSIG).

    One that died before the kernel was asked is noticed here, and we send it to ourselves.
    """
    parent = os.getppid()
    asked = _prctl(1, number)
    if asked and os.getppid() != parent:
        os.kill(os.getpid(), number)
    return asked


def _prctl(option: int, value: int) -> bool:
    try:
        import ctypes  # noqa: PLC0415 - a Python may have none: that is an answer

        return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False
