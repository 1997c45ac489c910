"""Thin wrappers over system calls, in processes of their own."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from forked import in_child

from entrypoint.system import process


def _orphaned_while_it_asks(pipe: int) -> None:
    """Ask to die with the parent, whose death falls between the question and the kernel's answer."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    real, parent = process._prctl, os.getppid()

    def prctl(option: int, value: int) -> bool:
        os.kill(parent, signal.SIGKILL)
        while os.getppid() == parent:
            pass
        return real(option, value)

    process._prctl = prctl
    process.die_with_parent(signal.SIGUSR1)
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
        assert process.die_with_parent(signal.SIGUSR1)
        return signal.sigtimedwait([signal.SIGUSR1], 0) is None

    assert in_child(story)


@pytest.mark.parametrize("code", [0, 78, None])
def test_who_waits_for_a_process_hears_of_its_end(code: int | None) -> None:
    expected = process.Expected()
    threading.Thread(target=expected.end, args=(code,)).start()
    assert expected.wait(60) == code
    assert process.Expected().wait(0.01) is None
