"""A stop before java is there: it ends at once, java never starts, and the message says so."""

from __future__ import annotations

import signal
import socket
import time
import urllib.request
from pathlib import Path

import pytest
from harness import Launcher, Run, actor, blocks, status_field, until

# As many passes as one template may make, and templates for minutes: a stop comes in the second one.
LONG_TEMPLATE = "{% for a in '0123456789' %}" * 5 + "{% for a in '12345678' %}" + "{% endfor %}" * 6
TEMPLATES = 1000
JAVA_RUNS = ("sh", "-c", "echo java runs; exec sleep 1000")
PHASES = ("rendering", "gate")


def start_slowly(launcher: Launcher, phase: str, java: tuple[str, ...] = JAVA_RUNS) -> Run:
    """Start a run that stays in its preparation, and wait until it is there."""
    if phase == "gate":
        # A port that is ours and that nobody listens on: the gate's connections are refused.
        overlay = "gates: {nobody: {tcp: {address: '127.0.0.1:1'}, at-most: 1h}}\n"
        run = launcher.profile(java, overlay)
        run.says("Phase changed from=preparing to=waiting")
        return run
    template = launcher.folder / "long.j2"
    template.write_text(LONG_TEMPLATE)
    overlay = "files:\n" + "".join(
        f"  long-{number}: {{template: {template}, target: '{{run}}/long-{number}'}}\n"
        for number in range(TEMPLATES)
    )
    run = launcher.profile(java, overlay)
    until(lambda: _loops(run), "the helper renders")
    return run


def _loops(run: Run) -> bool:
    """Tell whether a process of the run has used so much processor time that it must be rendering."""
    for pid in run.processes("entrypoint"):
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if int(stat[11]) > 100:
            return True
    assert not run.ended(), run.stderr
    return False


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_a_stop_ends_the_preparation(entrypoint: Launcher, phase: str, name: str) -> None:
    run = start_slowly(entrypoint, phase)
    run.send(int(getattr(signal, f"SIG{name}")))
    assert run.wait() == 0
    assert (
        run.termination_message
        == f"entrypoint: SIG{name} before the application was started: nothing to stop [exit 0]\n"
    )
    run.gone()
    assert "java runs" not in run.stdout


@pytest.mark.parametrize("phase", PHASES)
def test_other_signals_do_not_disturb_the_preparation(pid1: Launcher, phase: str) -> None:
    run = start_slowly(pid1, phase)
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGTSTP, signal.SIGCONT):
        run.send(number)
    if phase == "gate":
        until(lambda: _metric(pid1, "SIGCONT") == _metric(pid1, "SIGHUP") == 1, "signals arrive")
    # Before there is a plan nobody knows who may read metrics.
    until(lambda: not _pending(run.pid), "signals are taken")
    assert not run.ended()
    assert run.stop() == 0


def _pending(pid: int) -> int:
    """Return the mask of signals that wait for the process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status_field(status, "SigPnd"), 16) | int(status_field(status, "ShdPnd"), 16)


def _metric(launcher: Launcher, name: str) -> float:
    url = f"http://127.0.0.1:{launcher.port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if (
                line.startswith("entrypoint_signals")
                and f'"{name}"' in line
                and "_created" not in line
            ):
                return float(line.split()[-1])
    return 0


@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_helper_is_told(entrypoint: Launcher, phase: str) -> None:
    run = start_slowly(entrypoint, phase)
    run.send(signal.SIGKILL, run.child("entrypoint"))
    assert run.wait() == 70
    assert "the preparation ended without a result (SIGKILL)" in run.termination_message
    run.gone()
    assert "java runs" not in run.stdout


def test_a_helper_that_crashes_is_told(pid1: Launcher) -> None:
    """A module that cannot be imported stands for any bug of ours in the helper."""
    broken = pid1.folder / "broken"
    broken.mkdir()
    (broken / "yaml.py").write_text("raise RuntimeError('broken on purpose')\n")
    path = f"{broken}:{pid1.environment['PYTHONPATH']}"
    run = pid1.profile(JAVA_RUNS, env={"PYTHONPATH": path})
    assert run.wait() == 70
    assert run.termination_message.endswith("[exit 70]\n")
    assert "RuntimeError" in run.stderr
    assert "Traceback" not in run.stderr
    run = pid1.profile(JAVA_RUNS, env={"PYTHONPATH": path, "ENTRYPOINT_DEBUG": "1"})
    assert run.wait() == 70
    assert "broken on purpose" in run.stderr


def test_a_gate_that_gives_up_is_69(entrypoint: Launcher) -> None:
    overlay = "gates: {nobody: {tcp: {address: '127.0.0.1:1'}, at-most: 300ms}}\n"
    run = entrypoint.profile(JAVA_RUNS, overlay)
    assert run.wait() == 69
    assert 'dependency "nobody" did not come' in run.termination_message
    run.gone()
    assert "java runs" not in run.stdout


MOMENTS = tuple(range(0, 200, 10))


def test_term_at_every_moment_of_the_start(entrypoint: Launcher) -> None:
    """Never a hang, never java left behind, and a true exit code.

    The interpreter needs about 10 ms to boot, in which the kernel drops signals for PID 1, and in which
    they end any other process (143). A signal that came later than that is never lost; one that came
    earlier is sent again.
    """
    java = actor("report")
    lost = 0
    for moment in MOMENTS:
        (entrypoint.folder / "termination-log").unlink(missing_ok=True)
        run = entrypoint.profile(java)
        time.sleep(moment / 1000)
        # Not TERM: unshare blocks that one for its own sake.
        while not blocks(run.pid, signal.SIGUSR1) and not run.ended():
            run.send(signal.SIGTERM)
            lost += 1
            time.sleep(0.05)
        run.send(signal.SIGTERM)
        code = run.wait()
        run.gone()
        message = run.termination_message
        if code == 143:
            assert message == "" and not entrypoint.as_pid1, "died of TERM after the boot"
        else:
            assert code == 0, (moment, code, message)
            assert "before the application was started" in message or "after SIGTERM" in message
    print(f"{lost} signals came before entrypoint blocked them")


@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_a_verb_that_waits_is_ended_as_pid_1_too(entrypoint: Launcher, name: str) -> None:
    overlay = entrypoint.folder / "overlay.yaml"
    # An INT that is ignored, as in a background job of a shell, would stay so.
    before = ("env", "--default-signal=INT")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        overlay.write_text(f"gates: {{silent: {{http: {{url: '{url}'}}, timeout: 1h}}}}\n")
        words = ["check", "jvm", "--overlay", str(overlay)]
        home = str(entrypoint.pretend_java(JAVA_RUNS))
        run = entrypoint.start(words, env={"JAVA_HOME": home, "APP_MAIN": "a.B"}, before=before)
        until(lambda: _asked(server) or run.ended(), "the gate is asked")
        number = int(getattr(signal, f"SIG{name}"))
        run.send(number)
        assert run.wait() == 128 + number
    assert run.stderr == ""


def _asked(server: socket.socket) -> bool:
    server.settimeout(0)
    try:
        server.accept()
    except BlockingIOError:
        return False
    return True
