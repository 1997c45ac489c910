"""The traps of reading a JVM from outside: each leaves numbers out, none harms the JVM."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from probe_jvm import COLLECTORS, ProbeJvm, classes, running

from entrypoint.jvm.hsperfdata import PerfDataError
from entrypoint.serve import jvm as serve_jvm
from entrypoint.serve.jvm import JvmReader
from entrypoint.system import attach, process
from entrypoint.system.hsperf import Reader, identify
from lab.needs import need

MAJORS = (8, 11, 17, 21, 25)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts, other users")


@pytest.fixture(params=MAJORS, ids="jdk{}".format)
def home(request: pytest.FixtureRequest) -> Path:
    return need(f"jdk{request.param}")


def names(jvm: ProbeJvm, reader: JvmReader | None = None) -> set[str]:
    reading = (reader or JvmReader()).read(jvm.pid)
    return {name for _, rows in reading.metrics for name, _, _ in rows}


def leftovers(pid: int) -> list[str]:
    return [name for name in os.listdir("/tmp") if name == f".attach_pid{pid}"]


@pytest.mark.parametrize("option", ["-XX:-UsePerfData", "-XX:+PerfDisableSharedMem"])
def test_without_counters_it_still_answers(home: Path, option: str) -> None:
    with running(home, (option, *COLLECTORS["G1"])) as jvm:
        with pytest.raises(PerfDataError, match="UsePerfData"):
            Reader(jvm.pid).read()
        reading = JvmReader().read(jvm.pid)
        assert (reading.has_counters, reading.has_answered) == (False, True)
        assert "jvm_threads_current" not in names(jvm)
        assert "jvm_memory_used_bytes" in names(jvm)


def test_a_jvm_that_catches_no_signals_listens_from_its_start(home: Path) -> None:
    with running(home, ("-Xrs",)) as jvm:
        assert not process.catches(jvm.pid, signal.SIGQUIT)
        assert "total" in attach.attach(jvm.pid).jcmd("GC.heap_info", timeout=60)
        reading = JvmReader().read(jvm.pid)
        assert (reading.has_counters, reading.has_answered) == (True, True)


def test_without_its_socket_it_would_die_of_the_signal(home: Path) -> None:
    with running(home, ("-Xrs",)) as jvm:
        os.unlink(f"/tmp/.java_pid{jvm.pid}")
        with pytest.raises(attach.AttachError, match="would die") as caught:
            attach.attach(jvm.pid)
        assert caught.value.signalled is False
        assert JvmReader().read(jvm.pid).has_answered is False
        assert jvm.ask("gc") == []


def test_a_jvm_that_may_not_be_asked_is_left_alone(home: Path) -> None:
    with running(home, ("-XX:+DisableAttachMechanism",)) as jvm:
        # A JVM that never listens does not remove the socket that another one with its pid left.
        Path(f"/tmp/.java_pid{jvm.pid}").unlink(missing_ok=True)
        reader = JvmReader()
        for _ in range(3):
            reading = reader.read(jvm.pid)
            assert (reading.has_counters, reading.has_answered) == (True, False)
            with pytest.raises(attach.AttachError) as caught:
                attach.attach(jvm.pid)
            assert caught.value.signalled is False
        # No thread dump on its standard output, and it lives.
        assert jvm.ask("gc") == []
        assert "jvm_threads_current" in names(jvm, reader)
        assert leftovers(jvm.pid) == []


def test_the_environment_may_forbid_it_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:+DisableAttachMechanism")
    with running(home) as jvm:
        assert attach.is_disabled(jvm.pid)
        assert JvmReader().read(jvm.pid).has_answered is False
        assert jvm.ask("gc") == []


def test_a_jvm_that_is_starting_survives_being_asked(home: Path) -> None:
    command = [home / "bin" / "java", "-Xmx64m", "-cp", classes(), "MetricsProbe"]
    for _ in range(3):
        java = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            refused: list[attach.AttachError] = []
            while not is_attached(java.pid, refused):
                assert java.poll() is None, refused
            assert java.poll() is None
            assert not any(error.signalled for error in refused)
        finally:
            java.kill()
            java.communicate()
        assert leftovers(java.pid) == []


def is_attached(pid: int, refused: list[attach.AttachError]) -> bool:
    try:
        attach.attach(pid, timeout=60)
    except attach.AttachError as error:
        refused.append(error)
        return False
    return True


def test_counters_that_found_no_place_are_left_out(home: Path) -> None:
    with running(home, ("-XX:PerfDataMemorySize=4096",)) as jvm:
        data = Reader(jvm.pid).read()
        assert data.overflow > 0
        assert 0 < len(data.values) < 100
        reading = JvmReader().read(jvm.pid)
        assert (reading.has_counters, reading.has_answered) == (True, True)
        assert "jvm_gc_collection_seconds_count" not in names(jvm)


def test_the_second_question_needs_no_signal(home: Path) -> None:
    with running(home) as jvm:
        with pytest.raises(attach.AttachError, match="did not open"):
            attach.attach(jvm.pid, may_signal=False)
        first = attach.attach(jvm.pid, timeout=60)
        assert attach.attach(jvm.pid, may_signal=False) == first
        assert "Full thread dump" in first.jcmd("Thread.print", timeout=60)
        assert len(first.jcmd("Thread.print", timeout=60, limit=1000)) <= 1000
        with pytest.raises(attach.AttachError, match="Unknown diagnostic command"):
            first.jcmd("No.such_command", timeout=60)
        with pytest.raises(attach.AttachError, match="NUL"):
            first.jcmd("GC.heap_info\0")
        assert jvm.ask("gc") == []


def test_a_jvm_that_hangs_does_not_hang_us(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(home) as jvm:
        attached = attach.attach(jvm.pid, timeout=60)
        reader = JvmReader()
        assert reader.read(jvm.pid).has_answered
        os.kill(jvm.pid, signal.SIGSTOP)
        while not is_stopped(jvm.pid):
            os.sched_yield()
        with pytest.raises(attach.AttachError, match="in time"):
            attached.jcmd("GC.heap_info", timeout=0.1)
        monkeypatch.setattr(serve_jvm, "ASK_SECONDS", 0.1)
        reading = reader.read(jvm.pid)
        assert (reading.has_counters, reading.has_answered) == (True, False)
        os.kill(jvm.pid, signal.SIGCONT)


def test_a_jvm_that_hangs_for_long_is_still_silent_when_its_queue_is_full(home: Path) -> None:
    with running(home) as jvm:
        attached = attach.attach(jvm.pid, timeout=60)
        os.kill(jvm.pid, signal.SIGSTOP)
        while not is_stopped(jvm.pid):
            os.sched_yield()
        reasons = []
        for _ in range(12):
            with pytest.raises(attach.AttachError) as refused:
                attached.jcmd("VM.version", timeout=0.05)
            assert refused.value.timed_out
            reasons.append(refused.value.reason)
        assert "Resource temporarily unavailable" in reasons[-1]
        os.kill(jvm.pid, signal.SIGCONT)
        assert "JDK" in eventually(lambda: attached.jcmd("VM.version", timeout=60))


def eventually(ask: Callable[[], str]) -> str:
    """Ask until there is room in the queue for the question."""
    while True:
        with suppress(attach.AttachError):
            return ask()


def is_stopped(pid: int) -> bool:
    """Tell whether every thread has stopped: the signal reaches them one by one."""
    states = set()
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/stat", encoding="ascii") as file:
            states.add(file.read().rpartition(")")[2].split()[0])
    return states == {"T"}


# ---- with mounts and users of their own ----

OWN_TMP = "mount --bind {classes} /mnt && mount -t tmpfs {options} none /tmp"


def in_namespace(options: str, *more: str, then: str = "true") -> tuple[str, ...]:
    """Return what starts a program with its own /tmp; the probe's classes are on /mnt."""
    mounts = OWN_TMP.format(classes=classes(), options=options)
    return "unshare", "--mount", *more, "sh", "-c", f'{mounts} && {then} && exec "$@"', "sh"


@needs_root
def test_a_read_only_tmp_gives_nothing_and_no_signal(home: Path) -> None:
    before = in_namespace("-o size=1m", then="mount -o remount,ro /tmp")
    with running(home, before=before, folder="/mnt") as jvm:
        with pytest.raises(PerfDataError):
            Reader(jvm.pid).read()
        with pytest.raises(attach.AttachError, match="Read-only") as caught:
            attach.attach(jvm.pid)
        assert caught.value.signalled is False
        reading = JvmReader().read(jvm.pid)
        assert (reading.has_counters, reading.has_answered) == (False, False)
        assert not reading.metrics
        assert jvm.ask("gc") == []


@needs_root
def test_a_full_tmp_gives_no_counters(home: Path) -> None:
    fill = "{ cat /dev/zero > /tmp/full 2>/dev/null || true; }"
    before = in_namespace("-o size=64k", then=fill)
    with running(home, before=before, folder="/mnt") as jvm:
        with pytest.raises(PerfDataError):
            Reader(jvm.pid).read()
        assert JvmReader().read(jvm.pid).has_counters is False


@needs_root
def test_a_jvm_in_a_pid_namespace_with_its_own_tmp(home: Path) -> None:
    before = in_namespace("-o size=1m", "--pid", "--fork", "--kill-child")
    with running(home, before=before, folder="/mnt") as outer:
        with open(f"/proc/{outer.pid}/task/{outer.pid}/children", encoding="ascii") as file:
            pid = int(file.read())
        who = identify(pid)
        assert who is not None
        assert (who.inner_pid, pid != 1) == (1, True)
        reading = JvmReader().read(pid)
        assert (reading.has_counters, reading.has_answered) == (True, True)


@needs_root
@pytest.mark.parametrize("major", [17, 25])
def test_a_jvm_of_another_user(major: int) -> None:
    with running(Path(need(f"jdk{major}")), user=65534) as jvm:
        reading = JvmReader().read(jvm.pid)
        assert (reading.has_counters, reading.has_answered) == (True, True)


@needs_root
@pytest.mark.parametrize("major", [8, 21])
def test_a_jvm_of_another_pid_namespace_removes_the_file_and_we_read_on(major: int) -> None:
    java = need("jdk8") / "bin" / "java"
    with running(need(f"jdk{major}")) as jvm:
        reader = Reader(jvm.pid)
        reader.read()
        subprocess.run(
            ["unshare", "--pid", "--fork", "--mount-proc", java, "-version"],
            check=True,
            capture_output=True,
        )
        assert not os.path.exists(reader._path)
        jvm.ask("gc")
        assert (reader.read().number("sun.gc.collector.1.invocations") or 0) > 0
        with pytest.raises(PerfDataError):
            Reader(jvm.pid).read()


def test_a_reader_of_a_jvm_that_has_ended_says_so_and_keeps_no_file() -> None:
    with running(need("java")) as jvm:
        reader = Reader(jvm.pid)
        reader.read()
        jvm.process.terminate()
        jvm.process.wait()
        with pytest.raises(PerfDataError, match="gone"):
            reader.read()
        assert reader._fd == -1


@needs_root
def test_only_its_own_users_file_counts(tmp_path: Path) -> None:
    with running(need("java")) as jvm:
        real = Reader(jvm.pid)
        real.read()
        assert real._path
        os.chown(real._path, 65534, 65534)
        with pytest.raises(PerfDataError):
            Reader(jvm.pid).read()
        with pytest.raises(PerfDataError):
            real.read()


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "huge", "empty"])
def test_what_is_no_file_of_a_jvm_is_not_read(kind: str, tmp_path: Path) -> None:
    child = subprocess.Popen(["sleep", "300"])
    folder = Path("/tmp") / f"hsperfdata_entrypoint-test-{child.pid}"
    folder.mkdir()
    path = folder / str(child.pid)
    try:
        match kind:
            case "link":
                path.symlink_to("/etc/passwd")
            case "fifo":
                os.mkfifo(path)
            case "folder":
                path.mkdir()
            case "huge":
                with path.open("wb") as file:
                    file.truncate(1 << 40)
            case _:
                path.touch()
        with pytest.raises(PerfDataError):
            Reader(child.pid).read()
    finally:
        child.kill()
        child.wait()
        path.rmdir() if kind == "folder" else path.unlink()
        folder.rmdir()


# ---- processes that are no JVM ----

CATCHES = """
import signal, sys, time
signal.signal(signal.SIGQUIT, lambda *_: print("QUIT", flush=True))
print("ready", flush=True)
while True:
    time.sleep(100)
"""


def test_at_most_one_signal_and_no_file_left(monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen([sys.executable, "-c", CATCHES], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        reader = JvmReader()
        monkeypatch.setattr(serve_jvm, "ASK_SECONDS", 0.1)
        for _ in range(3):
            assert reader.read(child.pid).has_answered is False
    finally:
        child.terminate()
    assert child.communicate()[0] == "QUIT\n"
    assert leftovers(child.pid) == []


def test_a_process_that_does_not_catch_quit_gets_none() -> None:
    child = subprocess.Popen(["sleep", "300"])
    try:
        with pytest.raises(attach.AttachError, match="would die") as caught:
            attach.attach(child.pid)
        assert caught.value.signalled is False
        assert process.is_alive(child.pid)
    finally:
        child.kill()
        child.wait()
    assert leftovers(child.pid) == []


def test_an_answer_of_somebody_else_is_refused() -> None:
    child = subprocess.Popen(["sleep", "300"])
    path = f"/tmp/.java_pid{child.pid}"
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            assert stat.S_ISSOCK(os.lstat(path).st_mode)
            attached = attach.attach(child.pid)
            with pytest.raises(attach.AttachError, match=f"belongs to pid {os.getpid()}"):
                attached.jcmd("GC.heap_info")
    finally:
        os.unlink(path)
        child.kill()
        child.wait()


def test_a_socket_of_the_last_run_is_asked_again_at_the_next_scrape() -> None:
    child = subprocess.Popen(["sleep", "300"])
    path = f"/tmp/.java_pid{child.pid}"
    reader = JvmReader()
    try:
        with socket.socket(socket.AF_UNIX) as left_behind:
            left_behind.bind(path)
        assert reader.read(child.pid).has_answered is False
        assert reader._not_before == 0.0
    finally:
        os.unlink(path)
        child.kill()
        child.wait()


def test_a_process_that_is_gone() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    with pytest.raises(attach.AttachError, match="gone"):
        attach.attach(child.pid)
    with pytest.raises(PerfDataError, match="gone"):
        Reader(child.pid).read()
