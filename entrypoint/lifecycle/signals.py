"""Signals by number and name, without importing `signal`.

Here: names for logs and metrics, and the names that profiles and switches may use. `import signal`
builds enums of 0.7 MB and 4 ms that PID 1 has no use for. Numbers are Linux's, for all architectures
but alpha, mips, parisc and sparc.
"""

from __future__ import annotations

HUP, INT, QUIT, ABRT, KILL, TERM, CHLD, CONT, URG = 1, 2, 3, 6, 9, 15, 17, 18, 23

_NAMES = [
    "HUP",
    "INT",
    "QUIT",
    "ILL",
    "TRAP",
    "ABRT",
    "BUS",
    "FPE",
    "KILL",
    "USR1",
    "SEGV",
    "USR2",
    "PIPE",
    "ALRM",
    "TERM",
    "STKFLT",
    "CHLD",
    "CONT",
    "STOP",
    "TSTP",
    "TTIN",
    "TTOU",
    "URG",
    "XCPU",
    "XFSZ",
    "VTALRM",
    "PROF",
    "WINCH",
    "IO",
    "PWR",
    "SYS",
]
RTMIN, RTMAX = 34, 64


def name(number: int) -> str:
    """Return "SIGTERM" for 15, "SIGRTMIN+2" for 36."""
    if 1 <= number <= len(_NAMES):
        return "SIG" + _NAMES[number - 1]
    if number == RTMIN:
        return "SIGRTMIN"
    return f"SIGRTMIN+{number - RTMIN}"


def number(text: str) -> int:
    """Return 15 for "TERM", "SIGTERM", "sigterm" or "15"; ValueError says what was expected."""
    short = text.strip().upper().removeprefix("SIG")
    if short in _NAMES:
        return _NAMES.index(short) + 1
    if short.startswith("RTMIN"):
        offset = short.removeprefix("RTMIN").removeprefix("+") or "0"
        if offset.isdecimal() and RTMIN + int(offset) <= RTMAX:
            return RTMIN + int(offset)
    if short.isdecimal() and (1 <= int(short) <= len(_NAMES) or RTMIN <= int(short) <= RTMAX):
        return int(short)
    raise ValueError("a signal such as TERM, SIGTERM or 15")
