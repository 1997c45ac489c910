"""The loop with real children: in a process of its own, since it waits for every signal."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import signal, sys
from entrypoint.lifecycle.machine import State
from entrypoint.lifecycle.policy import Policy
from entrypoint.supervisor import Observer, Program, Supervisor

class Broken(Observer):
    def phase_changed(self, phase, cause):
        raise RuntimeError("can't start new thread")
    def spawned(self, pid):
        raise ImportError("no memory")
    def oom_kills(self):
        raise OSError("EMFILE")
    def failed(self, error):
        print("told", type(error).__name__, flush=True)
        raise ValueError("even this")

mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
supervisor = Supervisor(set(mask), Broken(), State("starting", Policy(expects_exit=True)))
supervisor.program = Program("/bin/sh", ("sh", "-c", sys.argv[1]), ())
supervisor._spawn()
print("code", supervisor.run(), supervisor.summary)
"""


def run(command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, command],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_a_bug_in_what_watches_java_neither_ends_it_nor_hides_how_it_ended() -> None:
    said = run("sleep 0.3; exit 7")
    assert said.splitlines()[-1] == "code 7 application exited with 7"
    assert {"told ImportError", "told OSError", "told RuntimeError"} <= set(said.splitlines())


def test_a_kill_is_told_even_where_the_kernels_counter_cannot_be_read() -> None:
    assert "code 137" in run("kill -9 $$")


LADDER = """
import signal
from entrypoint.lifecycle.events import SignalReceived
from entrypoint.lifecycle.machine import State
from entrypoint.lifecycle.policy import Policy
from entrypoint.plan.model import StopStep
from entrypoint.supervisor import Observer, Supervisor
from entrypoint.system.process import spawn

stop = (StopStep("leave", 600), StopStep("TERM", 600), StopStep("KILL", 1))
mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
supervisor = Supervisor(set(mask), Observer())
child = spawn("/bin/sleep", ("sleep", "600"), {}, set(mask))
supervisor.state = State("running", Policy(stop=stop), child=child, ready=True)
print("code", supervisor.run(SignalReceived(15, 0)))
"""


def test_an_errand_that_cannot_begin_does_not_keep_the_ladder_from_going_on() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LADDER], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "code 0"
