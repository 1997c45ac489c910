"""The same with a real JVM: its exit code on TERM, its thread dump on QUIT, and its boot."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from harness import Launcher, Run, blocks, until
from test_stop import QUICK_LADDER

from lab.needs import need

ENV = {"APP_MAIN": "Actor", "JAVA_OPTIONS": "-Xmx32m -XX:TieredStopAtLevel=1"}


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the compiled actor."""
    folder = tmp_path_factory.mktemp("classes")
    source = Path(__file__).with_name("Actor.java")
    subprocess.run(
        [need("javac"), "-nowarn", "-XDignore.symbol.file", "-d", folder, source],
        check=True,
        capture_output=True,
    )
    return folder


def start(launcher: Launcher, java: Path, classes: Path, overlay: str = "") -> Run:
    return launcher.profile(java, overlay, env=ENV | {"APP_CLASSPATH": str(classes)})


def test_term_ends_java_by_its_shutdown_hooks(
    entrypoint: Launcher, java: Path, classes: Path
) -> None:
    run = start(entrypoint, java, classes)
    run.says("java is ready")
    assert run.stop() == 0
    assert "hook ran" in run.stdout
    assert "after SIGTERM [exit 0]" in run.termination_message


def test_java_that_hangs_prints_its_threads_and_is_killed(
    entrypoint: Launcher, java: Path, classes: Path
) -> None:
    overlay = QUICK_LADDER + "java: {arguments: [stubborn]}\n"
    run = start(entrypoint, java, classes, overlay)
    run.says("java is ready")
    assert run.stop() == 137
    assert "java ignores TERM" in run.stdout
    assert "Full thread dump" in run.stdout
    assert '"main"' in run.stdout
    run.gone()


def test_quit_at_any_moment_of_the_boot_does_not_kill_java(
    entrypoint: Launcher, java: Path, classes: Path
) -> None:
    run = start(entrypoint, java, classes)
    until(lambda: blocks(run.pid, signal.SIGUSR1), "entrypoint blocks signals")
    while "java is ready" not in run.stdout:
        assert not run.ended(), run.stderr
        run.send(signal.SIGQUIT)
    run.says("java is ready")
    run.send(signal.SIGQUIT)
    run.says("Full thread dump")
    assert run.stop() == 0


def test_kill_of_java_is_137(entrypoint: Launcher, java: Path, classes: Path) -> None:
    run = start(entrypoint, java, classes)
    run.says("java is ready")
    run.send(signal.SIGKILL, run.child("java\0"))
    assert run.wait() == 137
    until(lambda: "SIGKILL (137)" in run.termination_message, "the termination message")


def test_term_while_java_boots(entrypoint: Launcher, java: Path, classes: Path) -> None:
    run = start(entrypoint, java, classes)
    run.says("Spawned java")
    assert run.stop() == 0
    run.gone()
