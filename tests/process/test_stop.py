"""The stop ladder and what is left behind: nothing, and never anything outside."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest
from harness import MARK, Launcher, actor, until

QUICK_LADDER = """
stop:
  - signal: TERM
    wait: 300ms
  - thread-dump: true
    wait: 300ms
  - signal: KILL
    wait: 1s
"""


@pytest.fixture
def canary() -> Iterator[subprocess.Popen[bytes]]:
    """A process outside the run, in our own session: whoever signals too much ends it."""
    process = subprocess.Popen(["sleep", "1000"])
    yield process
    process.kill()
    process.wait()


def test_java_that_ignores_term_dumps_its_threads_and_is_killed(entrypoint: Launcher) -> None:
    run = entrypoint.profile(actor("catch-quit"), QUICK_LADDER)
    run.says("ready")
    assert run.stop() == 137
    assert run.stdout == "ready\nthread dump\n"
    assert "java did not stop in time and was killed (137) [exit 137]" in run.termination_message
    run.gone()


def test_quit_is_not_sent_to_a_java_that_would_die_of_it(entrypoint: Launcher) -> None:
    """A JVM in the middle of its boot has no handler for QUIT yet: SigCgt tells."""
    run = entrypoint.profile(actor("stubborn"), QUICK_LADDER)
    run.says("ready")
    run.send(signal.SIGQUIT)
    run.says("No thread dump")
    assert run.stop() == 137
    run.says("No thread dump", 2)


def test_quit_from_outside_reaches_a_java_that_catches_it(entrypoint: Launcher) -> None:
    run = entrypoint.profile(actor("catch-quit"), QUICK_LADDER)
    run.says("ready")
    run.send(signal.SIGQUIT)
    run.says("thread dump")
    assert not run.ended()


def test_a_second_term_is_passed_on_and_the_ladder_goes_on(entrypoint: Launcher) -> None:
    run = entrypoint.profile(
        actor("report", "0"), QUICK_LADDER.replace("TERM\n    wait: 300ms", "TERM\n    wait: 3s")
    )
    run.says("ready")
    run.send(signal.SIGTERM)
    run.says("got 15\n")
    run.send(signal.SIGTERM)
    run.says("got 15\n", 2)
    assert run.wait() == 137


def test_a_second_term_ends_the_drain(entrypoint: Launcher) -> None:
    run = entrypoint.profile(actor("report"), env={"ENTRYPOINT_STOP_DRAIN": "1h"})
    run.says("ready")
    run.send(signal.SIGTERM)
    run.says("to=draining")
    assert "got 15" not in run.stdout
    assert run.stop() == 0


def test_int_is_passed_on_as_int(pid1: Launcher) -> None:
    run = pid1.profile(actor("report", "2"))
    run.says("ready")
    run.send(signal.SIGINT)
    assert run.wait() == 0
    assert run.stdout == "ready\ngot 2\n"


def test_plain_mode_kills_after_the_grace_that_it_was_given(entrypoint: Launcher) -> None:
    run = entrypoint.plain(actor("stubborn"), "--grace", "200ms")
    run.says("ready")
    assert run.stop() == 137


@pytest.mark.parametrize("what", ["plain", "session"])
def test_stragglers_get_term_first(
    entrypoint: Launcher, canary: subprocess.Popen[bytes], what: str
) -> None:
    run = entrypoint.plain(actor("straggler", what))
    assert run.wait() == 5
    assert run.stdout == "straggler got TERM\n"
    run.gone()
    assert canary.poll() is None


def test_a_stubborn_straggler_is_killed(
    entrypoint: Launcher, canary: subprocess.Popen[bytes]
) -> None:
    run = entrypoint.plain(actor("straggler", "stubborn"))
    assert run.wait() == 5
    run.gone()
    assert canary.poll() is None


def test_stragglers_of_a_profile_and_a_stop_that_was_asked_for(entrypoint: Launcher) -> None:
    """java ends, the daemon that it left behind ignores TERM: the exit code is still java's."""
    daemon = " ".join(actor("straggler", "stubborn"))
    run = entrypoint.profile(("sh", "-c", f"{daemon} & wait; exec {' '.join(actor('report'))}"))
    run.says("ready")
    assert run.processes("daemon")
    assert run.stop() == 0
    run.gone()


def test_a_killed_java_leaves_nothing(entrypoint: Launcher) -> None:
    daemon = " ".join(actor("straggler", "session"))
    run = entrypoint.profile(("sh", "-c", f"{daemon} & wait; exec {' '.join(actor('report'))}"))
    run.says("ready")
    run.send(signal.SIGKILL, run.child("report"))
    assert run.wait() == 137
    assert "java was ended by SIGKILL (137)" in run.termination_message
    assert "out of memory" not in run.termination_message
    run.gone()


def test_siblings_and_parents_are_left_alone(subreaper: Launcher) -> None:
    """Under a shell, as with `kubectl exec`: what the shell started beside us is not ours."""
    run = subreaper.plain(
        actor("straggler", "stubborn"),
        before=("sh", "-c", f'unset {MARK}; sleep 1000 & echo beside $!; "$@"; kill $!', "sh"),
    )
    assert run.wait() == 0, "kill found nobody: the sleep beside us was signalled"


def test_all_gone_early_is_an_exit_at_once(pid1: Launcher) -> None:
    """No rung waits for its time when there is nothing left to wait for."""
    ladder = "stop: [{drain: 0s}, {signal: TERM, wait: 1h}, {signal: KILL, wait: 1h}]\n"
    run = pid1.profile(actor("report"), ladder, env={"ENTRYPOINT_GRACE_PERIOD": "3h"})
    run.says("ready")
    assert run.stop() == 0


def test_an_orphan_that_holds_our_output_does_not_hold_us(entrypoint: Launcher) -> None:
    """The reader of our output sees its end, since what holds it is ended with us."""
    run = entrypoint.plain(actor("straggler", "session"), stdout=subprocess.PIPE)
    assert run.wait() == 5
    assert run.process.stdout is not None
    assert run.process.stdout.read() == b"straggler got TERM\n"
    until(lambda: not run.processes(), "the orphan is gone")
