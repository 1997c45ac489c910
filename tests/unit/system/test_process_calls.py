"""Thin wrappers over system calls, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from forked import in_child

from entrypoint.system import prctl, process


def _orphaned_while_it_asks(pipe: int) -> None:
    """Ask to die with the parent, whose death falls between the question and the kernel's answer."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    real, parent = prctl._prctl, os.getppid()

    def late(option: int, value: int) -> bool:
        os.kill(parent, signal.SIGKILL)
        while os.getppid() == parent:
            pass
        return real(option, value)

    prctl._prctl = late
    prctl.die_with_parent(signal.SIGUSR1)
    told = signal.sigtimedwait([signal.SIGUSR1], 0) is not None
    os.write(pipe, b"yes" if told else b"no")


def test_a_parent_that_dies_while_the_kernel_is_asked_is_noticed() -> None:
    def story() -> bytes:
        reader, writer = os.pipe()
        if os.fork() == 0:
            if os.fork() == 0:
                try:
                    _orphaned_while_it_asks(writer)
                finally:
                    os._exit(0)
            signal.pause()
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            return pipe.read()

    assert in_child(story) == b"yes"


def test_a_parent_that_lives_is_no_reason_for_a_signal() -> None:
    def story() -> bool:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        assert prctl.die_with_parent(signal.SIGUSR1)
        return signal.sigtimedwait([signal.SIGUSR1], 0) is None

    assert in_child(story)


NO_DESCRIPTOR = """
import os, resource, sys
from entrypoint.system import process
child = os.fork()
if child == 0:
    os.read(int(sys.argv[1]), 1)
    os._exit(0)
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
print(process.is_alive(child), process.is_alive(2**22 - 7))
os.kill(child, 9)
os.waitpid(child, 0)
print(process.is_alive(child))
"""


def test_without_a_descriptor_java_is_still_alive() -> None:
    """A flood of clients that took them all would have it restarted, by the liveness probe."""
    read, write = os.pipe()
    command = [sys.executable, "-c", NO_DESCRIPTOR, str(read)]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        command, pass_fds=(read,), env=environment, capture_output=True, text=True, check=False
    )
    os.close(read)
    os.close(write)
    assert (done.stdout, done.stderr) == ("True False\nFalse\n", "")


def _waiting(group: int = 0) -> int:
    """Fork a process that waits for ever, in this group (0: one of its own)."""
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    os.setpgid(pid, group)
    return pid


@pytest.mark.parametrize("others", [0, 1])
def test_a_child_that_has_left_its_group_is_reached_and_so_is_its_group(others: int) -> None:
    """A shell with job control does that: a KILL to the group alone would never end it."""
    child = _waiting()
    left = [_waiting(child) for _ in range(others)]
    os.setpgid(child, os.getpgrp())
    process.send(child, signal.SIGKILL, group=True)
    for pid in (child, *left):
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
