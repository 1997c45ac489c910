"""Real JVMs with real diseases: what is found while they live, and what is told after their death."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import control_group
import pytest
from harness import REPOSITORY, Launcher, Run, until
from test_stop import QUICK_LADDER

from entrypoint.jvm.heap_info import HeapInfo
from entrypoint.lifecycle.history import JvmSample
from entrypoint.lifecycle.pressure import Pressure, Signs, observe
from entrypoint.system import diagnosis
from entrypoint.system.cgroup import UsageReader
from entrypoint.system.hsperf import Reader
from entrypoint.system.sample import process_sample, with_heap
from lab.needs import need

OPTIONS = "-Xmx32m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@pytest.fixture(scope="session")
def sick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the compiled program."""
    folder = tmp_path_factory.mktemp("sick")
    source = Path(__file__).with_name("Sick.java")
    command = [need("javac"), "-nowarn", "-XDignore.symbol.file", "-d", folder, source]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def start(launcher: Launcher, java: Path, sick: Path, disease: str, overlay: str = "",
          options: str = OPTIONS, **more: object) -> Run:  # fmt: skip
    """Start entrypoint on the program, with a volume for evidence."""
    env = {
        "APP_MAIN": "Sick",
        "APP_CLASSPATH": str(sick),
        "JAVA_OPTIONS": options,
        "ENTRYPOINT_DIAGNOSIS_DIR": str(launcher.folder / "evidence"),
    }
    overlay += f"java: {{arguments: [{disease}]}}\n"
    run = launcher.profile(java, overlay, env=env, **more)
    run.says("java is ready")
    return run


def verb(pid: int, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "entrypoint", "diagnose", "--pid", str(pid), *words],
        env={"PYTHONPATH": str(REPOSITORY), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_deadlock_is_named(subreaper: Launcher, java: Path, sick: Path) -> None:
    pid = start(subreaper, java, sick, "deadlock").child("Sick")
    asked = verb(pid, "-o", "json")
    found = json.loads(asked.stdout)
    assert asked.returncode == 0
    assert '"left-first" waits for java.lang.Object, held by "right-first"' in found["deadlocks"][0]
    assert set(found["answers"]) == {"threads.txt", "heap.txt", "flags.txt", "histogram.txt"}
    assert "-XX:MaxHeapSize=33554432" in found["answers"]["flags.txt"]
    text = verb(pid, "--out", str(subreaper.folder / "out")).stdout
    assert "deadlock" in text and "classes" in text
    (folder,) = (subreaper.folder / "out").iterdir()
    assert '"left-first"' in (folder / "threads.txt").read_text()


def test_a_stopped_java_is_not_signalled_and_hangs(
    subreaper: Launcher, java: Path, sick: Path
) -> None:
    run = start(subreaper, java, sick, "none")
    pid = run.child("Sick")
    run.send(signal.SIGSTOP, pid)
    until(lambda: diagnosis.state_of(pid) == "T", "java is stopped")
    report = diagnosis.ask(pid, 5)
    assert "stopped" in report.reason and not report.signalled
    pressure = Pressure()
    for second in range(5):
        sample = process_sample(pid, float(second), UsageReader().read())
        pressure = observe(pressure, sample, Signs(diagnosis.state_of(pid)))
    assert pressure.hang.on and not pressure.thrash.on
    run.send(signal.SIGCONT, pid)
    assert "Full thread dump" not in run.stdout


@pytest.mark.parametrize("collector", ["Serial", "G1", "Parallel"])
def test_a_full_heap_thrashes(subreaper: Launcher, java: Path, sick: Path, collector: str) -> None:
    options = f"-Xmx32m -Xms32m -XX:-UseGCOverheadLimit -XX:+Use{collector}GC"
    options += " -XX:-ExitOnOutOfMemoryError -XX:-HeapDumpOnOutOfMemoryError"
    pid = start(subreaper, java, sick, "thrash", options=options).child("Sick")
    reader, pressure = Reader(pid), Pressure()

    def look() -> bool:
        nonlocal pressure
        time.sleep(0.3)
        sample = with_heap(JvmSample(time.monotonic()), reader.read(), HeapInfo())
        pressure = observe(pressure, sample, Signs("R"))
        return pressure.thrash.on

    until(look, "the detector says that java thrashes")


def test_the_ladder_diagnoses_before_it_kills(subreaper: Launcher, java: Path, sick: Path) -> None:
    overlay = QUICK_LADDER.replace(
        "thread-dump: true\n    wait: 300ms", "thread-dump: true\n    wait: 3s"
    )
    run = start(subreaper, java, sick, "stubborn", overlay)
    assert run.stop() == 137
    (folder,) = [path for path in (subreaper.folder / "evidence").iterdir() if path.is_dir()]
    assert '"main"' in (folder / "threads.txt").read_text()
    assert "Full thread dump" not in run.stdout
    assert "Diagnosis made" in run.stderr
    first, *rest = run.termination_message.splitlines()
    assert first == "entrypoint: java did not stop in time and was killed (137) [exit 137]"
    assert any(str(folder) in line for line in rest)


def test_an_out_of_memory_error_names_the_dump(subreaper: Launcher, java: Path, sick: Path) -> None:
    run = start(subreaper, java, sick, "oom", options=f"{OPTIONS} -XX:+ExitOnOutOfMemoryError")
    assert run.wait() == 3
    (dump,) = (subreaper.folder / "evidence").glob("java_pid*.hprof")
    assert str(dump) in run.termination_message
    assert "java-out-of-memory" in run.termination_message
    assert "-Xmx32m" in run.termination_message


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_crash_shows_the_head_of_its_log(
    subreaper: Launcher, java: Path, sick: Path, number: signal.Signals
) -> None:
    run = start(subreaper, java, sick, "none")
    run.send(number, run.child("Sick"))
    assert run.wait() == 134
    message = run.termination_message
    assert "java was ended by SIGABRT (134)" in message.splitlines()[0]
    if number == signal.SIGSEGV:
        assert "SIGSEGV" in message and "hs_err_pid" in message
    assert len(message.encode()) <= 4096


def test_a_kill_by_the_kernel_and_one_by_somebody_are_told_apart(
    subreaper: Launcher, java: Path, sick: Path
) -> None:
    run = start(subreaper, java, sick, "none")
    run.send(signal.SIGKILL, run.child("Sick"))
    assert run.wait() == 137
    assert "not for want of memory" in run.termination_message
    options = "-Xmx512m -Xms512m -XX:+UseSerialGC -XX:MaxMetaspaceSize=32m"
    with control_group.limited("memory", 192 << 20) as before:
        env = {"JAVA_OPTIONS": options, "APP_MAIN": "Sick", "APP_CLASSPATH": str(sick)}
        run = subreaper.profile(
            java, "java: {arguments: [oom]}\n", env=env | {"ENTRYPOINT_MEMORY_OVERCOMMIT": "true"},
            before=before,
        )  # fmt: skip
        assert run.wait() == 137, run.stderr
        subreaper.clean_up()
    message = run.termination_message
    assert message.startswith("entrypoint: java was killed by the kernel: out of memory (137) [")
    assert "oom_kill 0 → 1" in message and "of 192 MiB" in message
    assert "raise the limit to 256 MiB, or lower -Xmx512m" in message
