"""Exit codes survive: what the child answers is what we answer, and the message says why."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from harness import Launcher, actor


@pytest.mark.parametrize("code", [0, 1, 7, 127, 255])
def test_plain_mode_answers_what_the_program_answers(pid1: Launcher, code: int) -> None:
    run = pid1.plain(("sh", "-c", f"exit {code}"))
    assert run.wait() == code
    assert run.termination_message == f"entrypoint: sh exited with {code} [exit {code}]\n"


def test_as_subreaper_too(subreaper: Launcher) -> None:
    assert subreaper.plain(("sh", "-c", "exit 7")).wait() == 7


def test_a_kill_of_the_child_is_137(entrypoint: Launcher) -> None:
    run = entrypoint.plain(("sleep", "1000"))
    run.send(signal.SIGKILL, run.child("sleep\0"))
    assert run.wait() == 137
    assert run.termination_message == "entrypoint: sleep was ended by SIGKILL (137) [exit 137]\n"


def test_term_in_plain_mode_is_143(entrypoint: Launcher) -> None:
    run = entrypoint.plain(actor("report"))
    run.says("ready")
    assert run.stop() == 143
    assert "after SIGTERM" in run.termination_message


def test_a_program_that_is_not_there_is_127(entrypoint: Launcher) -> None:
    run = entrypoint.plain(("no-such-program-anywhere",))
    assert run.wait() == 127
    assert "cannot start no-such-program-anywhere: not found" in run.stderr
    assert run.termination_message.splitlines()[0].endswith("not found [exit 127]")


def test_a_script_whose_interpreter_is_not_there_is_127(entrypoint: Launcher) -> None:
    script = _script(entrypoint, "#!/no/such/interpreter\n")
    run = entrypoint.plain((str(script),))
    assert run.wait() == 127
    assert "check its first line" in run.stderr


def test_a_program_without_permission_is_126(entrypoint: Launcher) -> None:
    script = _script(entrypoint, "#!/bin/sh\n", mode=0o644)
    run = entrypoint.plain((str(script),))
    assert run.wait() == 126
    assert "chmod +x" in run.stderr


def test_a_file_that_is_no_program_is_126(entrypoint: Launcher) -> None:
    script = _script(entrypoint, "neither ELF nor script\n")
    run = entrypoint.plain((str(script),))
    assert run.wait() == 126
    assert "not executable" in run.termination_message
    assert "#!/bin/sh" in run.stderr


def _script(launcher: Launcher, text: str, mode: int = 0o755) -> Path:
    path = launcher.folder / "program"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_an_exit_code_is_remapped(pid1: Launcher) -> None:
    run = pid1.plain(actor("report"), "--remap-exit", "143:0", "-e", "7:9")
    run.says("ready")
    assert run.stop() == 0
    assert pid1.plain(("sh", "-c", "exit 7"), "-e", "143:0", "-e", "7:9").wait() == 9


def test_no_command_is_64(pid1: Launcher) -> None:
    run = pid1.start(["run", "--exec", "--"])
    assert run.wait() == 64
    assert "no command to run" in run.stderr


def test_an_exit_0_that_nobody_asked_for_is_a_failure_of_a_server(entrypoint: Launcher) -> None:
    run = entrypoint.profile(("true",))
    assert run.wait() == 70
    assert "nobody asked it to end" in run.termination_message


def test_an_exit_0_of_a_batch_job_is_0(pid1: Launcher) -> None:
    run = pid1.profile(("true",), env={"ENTRYPOINT_EXPECTS_EXIT": "true"})
    assert run.wait() == 0


def test_an_exit_code_of_java_passes(entrypoint: Launcher) -> None:
    run = entrypoint.profile(("sh", "-c", "exit 3"))
    assert run.wait() == 3
    assert run.termination_message == "entrypoint: java exited with 3 [exit 3]\n"


def test_143_after_a_stop_that_was_asked_for_is_0(entrypoint: Launcher) -> None:
    run = entrypoint.profile(actor("report"))
    run.says("ready")
    assert run.stop() == 0
    assert (
        run.termination_message
        == "entrypoint: java was ended by SIGTERM (143) after SIGTERM [exit 0]\n"
    )


def test_143_after_a_stop_stays_143_when_switched_off(pid1: Launcher) -> None:
    run = pid1.profile(actor("report"), env={"ENTRYPOINT_STOP_IS_SUCCESS": "false"})
    run.says("ready")
    assert run.stop() == 143


def test_143_that_nobody_asked_for_is_143(pid1: Launcher) -> None:
    run = pid1.profile(actor("report"))
    run.says("ready")
    run.send(signal.SIGTERM, run.child("report"))
    assert run.wait() == 143


def test_another_exit_code_after_a_stop_passes(pid1: Launcher) -> None:
    run = pid1.profile(("sh", "-c", "trap 'exit 4' TERM; echo ready; while :; do sleep 0.1; done"))
    run.says("ready")
    assert run.stop() == 4
