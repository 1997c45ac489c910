"""Runs a call in a child process with little memory and processor: a bomb takes down that child alone.

The answer comes back as its value, or as the exception that it raised; a child that the kernel ends is
an answer, too.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
MEMORY = 512 << 20
"""What the call may take beside what the test run has already."""
PROCESSOR = 60
"""Seconds: a watchdog. What is refused is refused within one."""


def bounded(call: Callable[[], T], memory: int = MEMORY) -> T:
    """Return what a call returns, made in a child process with these bounds; raise what it raises."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reader)
            limit = _taken() + memory
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR, PROCESSOR))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            answer: tuple[str, object]
            try:
                answer = ("value", call())
            except BaseException as error:  # noqa: BLE001 - the parent judges it
                answer = ("error", error)
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(pickle.dumps(answer))
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(pid, 0)
    if not data:
        ended = os.waitstatus_to_exitcode(status)
        how = signal.Signals(-ended).name if ended < 0 else f"exit code {ended}"
        raise AssertionError(f"it took too much of memory or processor: {how}")
    kind, answer_ = pickle.loads(data)
    if kind == "error":
        raise answer_
    return answer_


def _taken() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
