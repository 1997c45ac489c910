"""What cannot work: one clear error each, the right exit code, a termination message, and no java."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import control_group
import pytest
from harness import LIMIT, REPOSITORY, Launcher, Run, actor, until

from lab.net import free_port

SLEEPER = ("sleep", "1000")


def failed(run: Run, code: int, *texts: str) -> None:
    """The run ends with this code, says each text once as its first words, and tells Kubernetes."""
    assert run.wait() == code, run.stderr
    for text in texts:
        assert text in run.stderr
    assert run.stderr.count("entrypoint: ") == 1, run.stderr
    assert "Traceback" not in run.stderr
    first, second, *_ = run.termination_message.splitlines()
    assert first.startswith("entrypoint: ")
    assert first.endswith(f" [exit {code}]")
    # What the log has of it, `kubectl describe pod` has too.
    assert second.startswith("  problem   ")
    assert all(text in run.termination_message for text in texts)
    run.gone()


def test_java_is_missing(pid1: Launcher) -> None:
    (pid1.folder / "jdk").mkdir()
    failed(pid1.profile(pid1.folder / "jdk"), 127, str(pid1.folder / "jdk"))


def test_java_is_not_executable(pid1: Launcher) -> None:
    home = pid1.pretend_java(SLEEPER)
    (home / "bin" / "java").chmod(0o644)
    failed(pid1.profile(home), 126, str(home))


def test_the_jar_is_missing(pid1: Launcher) -> None:
    run = pid1.profile(SLEEPER, env={"APP_MAIN": "", "APP_JAR": "/no/such.jar"})
    failed(run, 78, "cannot read the jar /no/such.jar")


def test_every_problem_is_in_the_termination_message(pid1: Launcher) -> None:
    env = {"ENTRYPOINT_GRACE_PERIOD": "soon", "ENTRYPOINT_STOP_TIMEOUT": "late"}
    run = pid1.profile(SLEEPER, env=env)
    assert run.wait() == 78
    message = run.termination_message
    assert message.startswith('entrypoint: setting "entrypoint.grace-period" has a wrong value [')
    assert "(the first of 2)" in message
    for name, value in env.items():
        assert f"${name}" in message and f"  value     {value}\n" in message


def test_the_working_directory_is_missing(pid1: Launcher) -> None:
    run = pid1.profile(SLEEPER, "workdir: /no/such/folder\n")
    failed(run, 78, "no working directory /no/such/folder")


def test_plan_notes_what_run_would_end_with(pid1: Launcher) -> None:
    env = {"JAVA_HOME": str(pid1.pretend_java(SLEEPER)), "APP_JAR": "/app/none.jar"}
    recording = str(pid1.folder / "recording.yaml")
    run = pid1.start(["plan", "jvm", "-o", "json", "--record", recording], env=env)
    assert run.wait() == 0
    expected = [
        {
            "text": "cannot read the jar /app/none.jar: run would end with 78",
            "origin": "jar-unreadable",
        },
        {
            "text": f"no working directory {pid1.folder}/home: run would end with 78",
            "origin": "workdir-unusable",
        },
    ]
    notes = json.loads(run.stdout)["notes"]
    assert [note for note in notes if note in expected] == expected
    replayed = pid1.start(["plan", "-o", "json", "--replay", recording], env=env)
    assert replayed.wait() == 0
    assert [note for note in notes if note not in expected] == json.loads(replayed.stdout)["notes"]
    (pid1.folder / "home").mkdir()
    there = pid1.start(["plan", "jvm"], env={"JAVA_HOME": env["JAVA_HOME"], "APP_MAIN": "a.B"})
    assert there.wait() == 0
    assert "would end" not in there.stdout


def test_the_working_directory_vanishes_behind_the_preparation(pid1: Launcher) -> None:
    """It is there when the helper looks, and gone when java starts: a gate is in between."""
    port = free_port()
    overlay = (
        f"workdir: {pid1.folder}/work\ngates: {{g: {{tcp: {{address: '127.0.0.1:{port}'}}}}}}\n"
    )
    (pid1.folder / "work").mkdir()
    run = pid1.profile(SLEEPER, overlay)
    run.says("to=waiting")
    (pid1.folder / "work").rmdir()
    with socket.create_server(("127.0.0.1", port)):
        assert run.wait() == 78
    assert "cannot enter working directory" in run.termination_message
    assert "cannot enter working directory" in run.stderr


@pytest.mark.parametrize("reason", ["read-only", "a file"])
def test_the_run_directory_cannot_be_written(pid1: Launcher, reason: str) -> None:
    target = pid1.folder / "target"
    if reason == "a file":
        target.write_text("")
        run = pid1.profile(SLEEPER, env={"ENTRYPOINT_RUN_DIR": str(target)})
    else:
        target.mkdir()
        mount = f'mount -t tmpfs -o ro none {target} && exec "$@"'
        run = pid1.profile(
            SLEEPER,
            env={"ENTRYPOINT_RUN_DIR": str(target / "run")},
            before=("unshare", "--mount", "sh", "-c", mount, "sh"),
        )
    failed(run, 73, str(target))


def test_the_disk_is_full(pid1: Launcher) -> None:
    target = pid1.folder / "target"
    target.mkdir()
    (pid1.folder / "big").write_bytes(b"x" * 100_000)
    overlay = f"files: {{big: {{copy: {pid1.folder}/big, target: '{{run}}/big'}}}}\n"
    mount = f'mount -t tmpfs -o size=16k none {target} && exec "$@"'
    run = pid1.profile(
        SLEEPER,
        overlay,
        env={"ENTRYPOINT_RUN_DIR": str(target / "run")},
        before=("unshare", "--mount", "sh", "-c", mount, "sh"),
    )
    failed(run, 73, "No space left on device")


def test_a_read_only_root_filesystem_just_works(pid1: Launcher) -> None:
    """Everything read only but the run directory, a tmpfs: as Kubernetes would have it."""
    for name in ("run", "home"):
        (pid1.folder / name).mkdir()
    (pid1.folder / "termination-log").write_text("")
    mounts = (
        f"mount --bind {pid1.folder} {pid1.folder} && mount -t tmpfs none {pid1.folder}/run &&"
        f' mount -o remount,bind,ro {pid1.folder} && mount -o remount,bind,ro / && exec "$@"'
    )
    run = pid1.profile(
        ("sh", "-c", f"touch {pid1.folder}/x 2>&1; exit 3"),
        before=("unshare", "--mount", "sh", "-c", mounts, "sh"),
    )
    assert run.wait() == 3
    assert "Read-only file system" in run.stdout


def test_the_configuration_is_wrong(entrypoint: Launcher) -> None:
    failed(entrypoint.profile(SLEEPER, env={"ENTRYPOINT_STOP_TIMEOUT": "soon"}), 78, "stop.timeout")


def test_a_good_profile_is_counted(entrypoint: Launcher) -> None:
    (entrypoint.folder / "shop.yaml").write_text(
        "profile: shop\nextends: jvm\n"
        "files: {a.properties: {properties: '{home}/a.properties', target: '{run}/a.properties'}}\n"
    )
    run = entrypoint.start(["profiles", "validate", "./shop.yaml"])
    assert run.wait() == 0, run.stderr
    assert run.stdout.endswith("settings, 1 file\n")


def test_an_unknown_profile(pid1: Launcher) -> None:
    failed(pid1.start(["run", "otter-manger"]), 64, "otter-manager")


def test_a_verb_in_a_shell_of_the_container_does_not_speak_for_it(pid1: Launcher) -> None:
    run = pid1.start(["plan", "otter-manger"])
    assert run.wait() == 64
    assert run.termination_message == ""


@pytest.mark.parametrize("gates", [False, True])
def test_our_port_is_taken(entrypoint: Launcher, gates: bool) -> None:
    overlay = "gates: {nobody: {tcp: {address: '127.0.0.1:1'}}}\n" if gates else ""
    with socket.create_server(("127.0.0.1", entrypoint.port)):
        run = entrypoint.profile(SLEEPER, overlay)
        assert run.wait() != 0
    assert str(entrypoint.port) in run.termination_message
    assert str(entrypoint.port) in run.stderr
    run.gone()


def test_a_port_of_the_application_is_taken(pid1: Launcher) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        run = pid1.profile(SLEEPER, f"ports: {{web: '{port}'}}\n")
        failed(run, 78, f"port {port} is taken")


@pytest.mark.parametrize("mode", ["plain", "profile"])
def test_no_process_can_be_had(subreaper: Launcher, mode: str) -> None:
    """With a pids limit of 1 there is room for us alone: a message, 126, and no loop."""
    with control_group.limited("pids", 1) as before:
        if mode == "plain":
            run = subreaper.plain(SLEEPER, before=before)
        else:
            run = subreaper.profile(SLEEPER, before=before)
        failed(run, 126, "no process to be had", "pids")


def probe(launcher: Launcher, which: str) -> tuple[int, str]:
    """Ask as an exec probe of Kubernetes does; return the exit code and what it printed."""
    run = subprocess.run(
        [sys.executable, "-m", "entrypoint", "probe", which, "--verbose"],
        env=launcher.environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    return run.returncode, run.stdout


def test_probes_are_answered_while_waiting_and_after(entrypoint: Launcher) -> None:
    port = free_port()
    overlay = f"gates: {{database: {{tcp: {{address: '127.0.0.1:{port}'}}}}}}\n"
    assert probe(entrypoint, "live")[0] == 1, "nobody is there yet"
    run = entrypoint.profile(actor("report"), overlay)
    run.says("to=waiting")
    assert probe(entrypoint, "live")[0] == 0
    code, text = probe(entrypoint, "ready")
    assert code == 1
    assert "waiting" in text
    assert probe(entrypoint, "startup")[0] == 1
    with socket.create_server(("127.0.0.1", port)):
        run.says("ready\n")
        until(lambda: probe(entrypoint, "ready")[0] == 0, "ready")
    assert probe(entrypoint, "startup")[0] == 0
    assert probe(entrypoint, "live")[0] == 0
    assert run.stop() == 0
    assert probe(entrypoint, "ready")[0] == 1


def test_wrong_usage_of_probe_is_64(pid1: Launcher) -> None:
    assert probe(pid1, "nonsense")[0] == 64
