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


KILLS = """
import os, signal, sys
from entrypoint.lifecycle.machine import State
from entrypoint.lifecycle.policy import Policy
from entrypoint.supervisor import Observer, Program, Supervisor
from entrypoint.system import process

class Counter(Observer):
    count = 0
    def oom_kills(self):
        return self.count
    def spawned(self, pid):
        sleep = lambda: process.spawn("/bin/sleep", ("sleep", "600"), {}, set())
        one = supervisor.expect(sleep)
        if sys.argv[1] == "ours":
            one.kill()
        else:
            os.kill(one._pid, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        # Both are told of at once, when the loop goes on.
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        os.waitid(os.P_PID, one._pid, os.WEXITED | os.WNOWAIT)
        self.count = int(sys.argv[2])

mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
supervisor = Supervisor(set(mask), Counter(), State("starting", Policy()))
supervisor.program = Program("/bin/sleep", ("sleep", "600"), ())
supervisor._spawn()
supervisor.run()
print(supervisor.state.outcome.oom_killed, supervisor.oom_before, supervisor.orphans)
"""


def test_a_companion_that_was_killed_for_want_of_memory_is_not_java() -> None:
    assert python(KILLS, "kernel", "1") == "False 1 0\n"
    assert python(KILLS, "kernel", "2") == "True 1 0\n"


def test_a_companion_that_we_killed_ourselves_does_not_hide_why_java_was() -> None:
    assert python(KILLS, "ours", "1") == "True 0 0\n"


CLAIMED = """
import signal, sys, threading
from entrypoint.lifecycle.events import PrepareEnded
from entrypoint.supervisor import Observer, Supervisor
from entrypoint.system import process

mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
supervisor, reaped = Supervisor(set(mask), Observer()), threading.Event()
real = process.reap

def reap():
    found = real()
    if found[0]:
        supervisor.post(None)  # comes after the reaping
    return found

process.reap = reap
decide = supervisor._step
supervisor._step = lambda event: reaped.set() if event is None else decide(event)
started = []

def spawn():
    if sys.argv[1] == "fails":
        process.spawn("/bin/sh", ("sh", "-c", "exit 7"), {}, set(mask))
        reaped.wait(60)
        raise OSError
    pid = process.spawn("/bin/sh", ("sh", "-c", "exit 7"), {}, set(mask))
    assert reaped.wait(60)
    return pid

def work():
    try:
        print(supervisor.expect(spawn).wait(60), flush=True)
    except OSError:
        print("failed", flush=True)
    supervisor.post(PrepareEnded(0))

threading.Thread(target=work).start()
supervisor.run()
print(supervisor.orphans, supervisor._expectations._expected, supervisor._expectations._unknown)
"""


def test_one_that_ends_before_it_is_expected_is_no_orphan() -> None:
    assert python(CLAIMED, "works") == "7\n0 {} []\n"


def test_an_orphan_that_ends_while_something_is_spawned_is_one() -> None:
    assert python(CLAIMED, "fails") == "failed\n1 {} []\n"


FLOOD = """
import os, signal
from entrypoint.lifecycle.machine import State
from entrypoint.lifecycle.policy import Policy
from entrypoint.supervisor import Observer, Supervisor
from entrypoint.system import process

mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
supervisor = Supervisor(set(mask), Observer())
child = process.spawn("/bin/sh", ("sh", "-c", "trap '' HUP; echo up; exec sleep 600"), {}, set(mask))
supervisor.state = State("running", Policy(), child=child, ready=True)
send = process.send

def flood(pid, number, group):
    # The next one is there before this one is done with, as where a whole processor sends them.
    if number == signal.SIGHUP and supervisor.signals["SIGHUP"] < 1000:
        os.kill(os.getpid(), signal.SIGHUP)
    if number == signal.SIGTERM:
        print(supervisor.signals["SIGHUP"])
    send(pid, number, group)

process.send = flood
os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGHUP)
supervisor.run()
"""


def test_a_flood_of_one_signal_does_not_keep_the_others_waiting() -> None:
    assert int(python(FLOOD).split()[-1]) < 10
