"""Signals: every one reaches the child, to the right processes, with the right rewriting."""

from __future__ import annotations

import os
import signal

import pytest
from harness import PYTHON, Launcher, actor, blocks, process_state, status_field, until

ORDINARY = (
    "HUP", "INT", "QUIT", "USR1", "USR2", "PIPE", "ALRM", "TERM", "CONT", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "STKFLT",
)  # fmt: skip
JOB_CONTROL = ("TSTP", "TTIN", "TTOU")
SYNCHRONOUS = ("SEGV", "ILL", "FPE", "BUS", "ABRT", "TRAP", "SYS")
REAL_TIME = ("RTMIN", "RTMAX")


def number_of(name: str) -> int:
    return int(getattr(signal, f"SIG{name}"))


def test_every_signal_from_outside_reaches_the_child(entrypoint: Launcher) -> None:
    """The synchronous ones too, as in dumb-init: whoever sends SEGV to a container wants a core of java."""
    run = entrypoint.plain(actor("report", "0"))
    run.says("ready")
    for name in (*ORDINARY, *JOB_CONTROL, *SYNCHRONOUS, *REAL_TIME):
        run.send(number_of(name))
        run.says(f"got {number_of(name)}\n")
    for number in range(signal.SIGRTMIN, signal.SIGRTMAX + 1):
        run.send(number)
        run.says(f"got {number}\n")
    assert process_state(run.pid) != "T", "entrypoint has stopped itself"
    said = (
        run.stdout
    )  # once: the last signal was sent before, so that its second line may still come
    assert said.count("got ") == len(said.splitlines()) - 1


def test_signals_sent_before_the_child_is_there_wait_for_it(entrypoint: Launcher) -> None:
    """The child blocks USR2 from its first moment, so that it cannot die of it before it is ready."""
    block = (
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2});"
        " os.execvp(sys.argv[1], sys.argv[1:])"
    )
    run = entrypoint.plain(actor("report"), before=(*PYTHON, "-c", block))
    until(lambda: blocks(run.pid, signal.SIGUSR1), "entrypoint blocks signals")
    run.send(signal.SIGUSR2)
    run.says("got 12")
    assert run.stop() == 143


def test_the_whole_group_gets_signals_by_default(entrypoint: Launcher) -> None:
    run = entrypoint.plain(("sh", "-c", _two_reporters()))
    run.says("ready", 2)
    run.send(signal.SIGUSR1)
    run.says("got 10", 2)


@pytest.mark.parametrize("switch", ["-c", "--single-child"])
def test_only_the_child_gets_signals_with_single_child(entrypoint: Launcher, switch: str) -> None:
    run = entrypoint.plain(("sh", "-c", _two_reporters()), switch)
    run.says("ready", 2)
    run.send(signal.SIGUSR1)
    run.send(signal.SIGUSR2)
    run.says("got 12")
    assert run.stdout.count("got 10") == 1
    assert run.stdout.count("got 12") == 1


def _two_reporters() -> str:
    command = " ".join(actor("report"))
    return f"{command} & exec {command}"


def test_a_signal_is_rewritten(entrypoint: Launcher) -> None:
    run = entrypoint.plain(actor("report", "3"), "--rewrite", "TERM:QUIT")
    run.says("ready")
    assert run.stop() == 131
    assert "got 15" not in run.stdout


def test_a_signal_is_swallowed(entrypoint: Launcher) -> None:
    run = entrypoint.plain(actor("report"), "-r", "HUP:0", "-r", "USR1:WINCH")
    run.says("ready")
    run.send(signal.SIGHUP)
    run.send(signal.SIGUSR1)
    run.says("got 28")
    assert run.stop() == 143
    assert "got 1\n" not in run.stdout
    assert "got 10" not in run.stdout


def test_the_child_has_our_own_mask_and_dispositions(entrypoint: Launcher) -> None:
    direct = entrypoint.spawn(actor("status"))
    assert direct.wait() == 0
    expected = direct.stdout
    run = entrypoint.plain(actor("status"))
    assert run.wait() == 0
    seen = run.stdout
    assert status_field(seen, "SigBlk") == status_field(expected, "SigBlk")
    # glibc's posix_spawn leaves its two internal signals, 32 and 33, ignored.
    internal = 1 << 31 | 1 << 32
    ignored = int(status_field(seen, "SigIgn"), 16) & ~internal
    assert ignored == int(status_field(expected, "SigIgn"), 16)


def test_a_mask_and_ignored_signals_that_we_were_given_pass_to_the_child(
    entrypoint: Launcher,
) -> None:
    prepare = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN);"
        " signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1}); os.execvp(sys.argv[1], sys.argv[1:])"
    )
    run = entrypoint.plain(actor("status"), before=(*PYTHON, "-c", prepare))
    assert run.wait() == 0
    assert int(status_field(run.stdout, "SigBlk"), 16) == 1 << signal.SIGUSR1 - 1
    assert int(status_field(run.stdout, "SigIgn"), 16) & 1


def test_an_ignored_pipe_signal_is_default_in_the_child(entrypoint: Launcher) -> None:
    """A program that is not Python is asked, since Python ignores both by itself."""
    pipe_and_size = 1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1
    run = entrypoint.plain(("cat", "/proc/self/status"), before=_ignoring("SIGPIPE", "SIGXFSZ"))
    assert run.wait() == 0
    assert int(status_field(run.stdout, "SigIgn"), 16) & pipe_and_size == 0


def test_an_ignored_child_signal_costs_no_exit_code(entrypoint: Launcher) -> None:
    """With CHLD ignored the kernel reaps by itself: no exit code, and a wait without end."""
    run = entrypoint.plain(("sh", "-c", "exit 7"), before=_ignoring("SIGCHLD"))
    assert run.wait() == 7


def _ignoring(*names: str) -> tuple[str, ...]:
    """Return a command that execs the rest with signals ignored: a shell cannot ignore all of them."""
    ignore = (
        "import os, signal, sys; [signal.signal(int(n), signal.SIG_IGN) for n in sys.argv[1].split()];"
        " os.execvp(sys.argv[2], sys.argv[2:])"
    )
    return (*PYTHON, "-c", ignore, " ".join(str(int(getattr(signal, name))) for name in names))


def test_a_stopped_child_ends_with_term_and_cont(entrypoint: Launcher) -> None:
    run = entrypoint.plain(("sleep", "1000"))
    child = run.child("sleep\0")
    run.send(signal.SIGSTOP, child)
    until(lambda: process_state(child) == "T", "the child has stopped")
    run.send(signal.SIGTERM)
    run.send(signal.SIGCONT)
    assert run.wait() == 143


def test_a_stop_from_the_keyboard_stops_the_child_and_not_us(entrypoint: Launcher) -> None:
    run = entrypoint.plain(("sleep", "1000"))
    child = run.child("sleep\0")
    run.send(signal.SIGTSTP)
    until(lambda: process_state(child) == "T", "the child has stopped")
    assert process_state(run.pid) != "T"
    run.send(signal.SIGCONT)
    until(lambda: process_state(child) == "S", "the child runs again")
    assert run.stop() == 143


def test_our_parents_death_is_a_signal_when_asked_for(subreaper: Launcher) -> None:
    """The parent is a shell that waits for a line; it ends without telling its child."""
    read, write = os.pipe()
    script = '"$@" & read line'
    with open(read, "rb") as stdin:
        run = subreaper.plain(
            actor("report", "12"), "-p", "USR2", before=("sh", "-c", script, "sh"), stdin=stdin
        )
    run.says("ready")
    os.close(write)
    until(lambda: "got 12" in run.stdout, "the child has it: its parent's parent is gone by then")
    run.process.wait()
    run.gone()


def test_without_the_switch_our_parents_death_is_no_signal(subreaper: Launcher) -> None:
    read, write = os.pipe()
    with open(read, "rb") as stdin:
        run = subreaper.plain(
            actor("report"), before=("sh", "-c", '"$@" & read line', "sh"), stdin=stdin
        )
    run.says("ready")
    # A word of its own: where Python is may have the name in its path.
    pid = run.child("\0entrypoint\0")
    os.close(write)
    run.process.wait()
    run.send(signal.SIGTERM, pid)
    run.gone()
    assert run.stdout == "ready\ngot 15\n"


def test_repeated_real_time_signals_arrive_one_by_one(entrypoint: Launcher) -> None:
    run = entrypoint.plain(actor("report"))
    run.says("ready")
    for _ in range(20):
        run.send(signal.SIGRTMIN + 3)
    run.says(f"got {signal.SIGRTMIN + 3}\n", 20)
    assert run.stop() == 143
