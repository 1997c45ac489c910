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


def python(program: str, *words: str) -> str:
    """Run a program and return what it prints."""
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def run(command: str) -> str:
    return python(PROGRAM, command)


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
    assert python(LADDER).splitlines()[-1] == "code 0"


UNABLE = """
import signal
from entrypoint.lifecycle.events import GatesPassed
from entrypoint.lifecycle.machine import State
from entrypoint.supervisor import Observer, Program, Supervisor

mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
supervisor = Supervisor(set(mask), Observer(), State("waiting"))
supervisor.program = Program("/bin/true", ("true",), (), cwd="/no\\0where")
print("code", supervisor.run(GatesPassed()), supervisor.summary)
"""


def test_without_a_child_nothing_is_waited_for_whatever_kept_it_from_its_start() -> None:
    assert python(UNABLE) == "code 70 a bug of entrypoint: ValueError\n"


UNTOLD = """
import resource, signal
from entrypoint.lifecycle.events import PrepareEnded
from entrypoint.supervisor import Observer, Supervisor

resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, 0))
mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
supervisor = Supervisor(set(mask), Observer())
supervisor.post(PrepareEnded(7))
print("code", supervisor.run())
"""


def test_an_event_arrives_where_the_kernel_has_no_room_to_say_who_woke_us() -> None:
    assert python(UNTOLD) == "code 7\n"
