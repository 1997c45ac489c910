"""The kernel kills java for want of memory: 137 as for any KILL, and the reason is told."""

from __future__ import annotations

import json
import signal

import control_group
from harness import Launcher, actor, children, until

LIMIT = 384 << 20


def test_a_kill_for_want_of_memory_is_told(entrypoint: Launcher) -> None:
    with control_group.limited("memory", LIMIT) as before:
        run = entrypoint.profile(actor("hog"), before=before, env={"ENTRYPOINT_LOG_FORMAT": "json"})
        run.says("ready")
        assert run.wait() == 137
        entrypoint.clean_up()
    assert "out of memory" in run.termination_message
    assert run.termination_message.splitlines()[0].endswith("[exit 137]")
    last = json.loads(run.stderr.splitlines()[-1])
    assert "out of memory" in last["says"]
    assert last["code"] == 137


def test_a_kill_by_somebody_is_not(entrypoint: Launcher) -> None:
    with control_group.limited("memory", LIMIT) as before:
        run = entrypoint.profile(actor("report"), before=before)
        run.says("ready")
        run.send(signal.SIGKILL, run.child("report"))
        assert run.wait() == 137
        entrypoint.clean_up()
    assert "out of memory" not in run.termination_message
    assert "java was ended by SIGKILL (137)" in run.termination_message


def test_a_kill_of_a_process_that_java_started_is_not_javas_end(entrypoint: Launcher) -> None:
    """The kernel takes the largest: java ends by itself afterwards, with its own exit code."""
    hog = " ".join(actor("hog"))
    with control_group.limited("memory", LIMIT) as before:
        run = entrypoint.profile(("sh", "-c", f"{hog}; echo hog $?; exit 9"), before=before)
        run.says("hog 137")
        assert run.wait() == 9
        entrypoint.clean_up()
    assert "java exited with 9" in run.termination_message


def test_an_orphan_that_was_killed_for_want_of_memory_is_not_java(entrypoint: Launcher) -> None:
    hog, report = " ".join(actor("hog")), " ".join(actor("report"))
    with control_group.limited("memory", LIMIT) as before:
        run = entrypoint.profile(("sh", "-c", f"({hog} &); exec {report}"), before=before)
        run.says("ready", times=2)
        java = run.child("report")
        until(lambda: children(run.pid) == [java], "the hog was killed and reaped")
        run.send(signal.SIGKILL, java)
        assert run.wait() == 137
        entrypoint.clean_up()
    assert "out of memory" not in run.termination_message
    assert "java was ended by SIGKILL (137)" in run.termination_message
