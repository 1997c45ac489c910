"""Options files, argument files, ports and evidence on real JVMs: started by entrypoint where it matters."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from entrypoint.errors import ProblemsError
from entrypoint.jvm import argfile, evidence
from lab.needs import need
from lab.net import free_port, wait_until

REPOSITORY = Path(__file__).parents[2]
SOURCE = Path(__file__).with_name("SwitchesProbe.java")
PROBE = "SwitchesProbe"
FEATURES = (8, 11, 17, 21, 25)
LIMIT = 120.0


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    command = [need("javac"), "-Xlint:-options", "--release", "8", "-d", folder, SOURCE]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture(params=FEATURES, ids="jdk{}".format)
def feature(request: pytest.FixtureRequest) -> int:
    need(f"jdk{request.param}")
    return request.param


def java(feature: int) -> Path:
    return need(f"jdk{feature}") / "bin" / "java"


class Started:
    """An entrypoint with its java."""

    def __init__(self, process: subprocess.Popen[str], output: Path) -> None:
        self.process = process
        self.output = output

    @property
    def said(self) -> str:
        return self.output.read_text(errors="replace")

    @property
    def java(self) -> psutil.Process:
        """The JVM; before it, entrypoint has a short-lived helper."""
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if child.name() == "java")

    def wait(self) -> int:
        return self.process.wait(LIMIT)


@contextmanager
def started(folder: Path, classes: Path, feature: int, words: str, **env: str) -> Iterator[Started]:
    """Run entrypoint with profile jvm on the probe; whatever is left of it is ended."""
    (folder / "app").mkdir(exist_ok=True)
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(REPOSITORY),
        "JAVA_HOME": str(need(f"jdk{feature}")),
        "APP_MAIN": PROBE,
        "APP_CLASSPATH": str(classes),
        "ENTRYPOINT_HOME": str(folder / "app"),
        "ENTRYPOINT_RUN_DIR": str(folder / "run"),
        "ENTRYPOINT_DIAGNOSIS_DIR": str(folder / "evidence"),
        "ENTRYPOINT_LISTEN": "off",
        **env,
    }
    output = folder / "output"
    command = [sys.executable, "-m", "entrypoint", "run", "jvm", "--", *words.split()]
    with output.open("w") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=file, stderr=file, env=environment, text=True
        )
    run = Started(process, output)
    try:
        yield run
    finally:
        if process.poll() is None:
            for left in psutil.Process(process.pid).children(recursive=True):
                left.kill()
            process.kill()
            process.wait(LIMIT)


def listening(process: psutil.Process) -> dict[int, set[str]]:
    """Return the addresses that a process listens on, by port."""
    found: dict[int, set[str]] = {}
    for connection in process.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN:
            found.setdefault(connection.laddr.port, set()).add(connection.laddr.ip)
    return found


def handshake(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 10) as debugger:
        debugger.sendall(b"JDWP-Handshake")
        return debugger.recv(14, socket.MSG_WAITALL)


def test_ports_are_on_loopback_and_a_crash_leaves_its_log_in_the_folder(
    feature: int, classes: Path, tmp_path: Path
) -> None:
    debug, jmx = free_port(), free_port()
    env = {"JAVA_DEBUG": str(debug), "JAVA_JMX": str(jmx), "JAVA_GC_LOG": "file"}
    with started(tmp_path, classes, feature, "wait", JAVA_OPTIONS="-Xmx64m", **env) as run:
        wait_until(lambda: "probe-is-up" in run.said, LIMIT, f"the probe is up: {run.said}")
        process = run.java
        ports = listening(process)
        assert ports[debug] | ports[jmx] <= {"127.0.0.1", "::ffff:127.0.0.1"}
        assert handshake(debug) == b"JDWP-Handshake"
        asked = subprocess.run(
            [java(feature), "-cp", classes, PROBE, "ask", str(jmx)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.stdout == "true\n", asked.stderr
        process.send_signal(signal.SIGSEGV)
        assert run.wait() == 128 + signal.SIGABRT, run.said
        assert "DEBUGGING is on" in run.said
    left = sorted(os.listdir(tmp_path / "evidence"))
    assert f"hs_err_pid{process.pid}.log" in left
    assert any(name.startswith("gc-") for name in left)
    assert all(map(evidence.is_our_file, left)), left
    assert (tmp_path / "evidence").stat().st_mode & 0o777 == 0o700


def test_a_port_for_everybody_is_open_on_every_address(
    feature: int, classes: Path, tmp_path: Path
) -> None:
    port = free_port()
    with started(tmp_path, classes, feature, "wait", JAVA_DEBUG=f"*:{port}") as run:
        wait_until(lambda: "probe-is-up" in run.said, LIMIT, f"the probe is up: {run.said}")
        assert listening(run.java)[port] <= {"0.0.0.0", "::"}
        assert "EVERY network" in run.said


def test_a_dry_run_waits_for_no_debugger_and_needs_no_folder(classes: Path, tmp_path: Path) -> None:
    port = free_port()
    env = {"JAVA_DEBUG": f"{port},suspend", "JAVA_GC_LOG": "file"}
    options = "-XX:AllocatePrefetchLines=3"
    with started(tmp_path, classes, 17, "wait", JAVA_OPTIONS=options, **env) as run:
        wait_until(lambda: "Spawned java" in run.said, LIMIT, "the dry run is over")
        wait_until(lambda: port in listening(run.java), LIMIT, f"java waits: {run.said}")
        assert "is for the JVM to judge, in a dry run" in run.said
        assert "probe-is-up" not in run.said


def test_running_out_of_memory_ends_with_3_and_a_dump_and_the_next_life_keeps_it(
    feature: int, classes: Path, tmp_path: Path
) -> None:
    options = "-Xmx16m -XX:+ExitOnOutOfMemoryError"
    with started(tmp_path, classes, feature, "fill", JAVA_OPTIONS=options) as run:
        assert run.wait() == 3, run.said
    (dump,) = os.listdir(tmp_path / "evidence")
    assert dump.startswith("java_pid")
    # In a container java has the same pid again, and would not write over the dump.
    with started(tmp_path, classes, feature, "words", JAVA_OPTIONS="-Xmx16m") as run:
        run.wait()
    (kept,) = os.listdir(tmp_path / "evidence")
    assert kept.startswith(dump.removesuffix(".hprof") + "-20")
    budget = {"ENTRYPOINT_DIAGNOSIS_MAX_SIZE": "1m"}
    with started(tmp_path, classes, feature, "words", JAVA_OPTIONS="-Xmx16m", **budget) as run:
        run.wait()
        assert f"removed the oldest of {tmp_path}/evidence" in run.said
    assert os.listdir(tmp_path / "evidence") == []


def test_the_gc_log_rotates(feature: int, classes: Path, tmp_path: Path) -> None:
    options = evidence.gc_log_options("file", str(tmp_path), feature, "16k")
    command = [java(feature), "-Xmx16m", *options, "-cp", classes, PROBE, "collect", "400"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    left = os.listdir(tmp_path)
    assert 3 <= len(left) <= 6, left
    assert all(map(evidence.is_our_file, left)), left
    assert all((tmp_path / name).stat().st_size < 64 << 10 for name in left)


def test_the_gc_log_on_standard_output(feature: int, classes: Path) -> None:
    options = evidence.gc_log_options("stdout", "/nowhere", feature)
    command = [java(feature), "-Xmx16m", *options, "-cp", classes, PROBE, "collect", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Full GC" in done.stdout or "Pause Full" in done.stdout
    assert done.stderr == ""


def test_options_files_and_argument_files_reach_java(
    feature: int, classes: Path, tmp_path: Path
) -> None:
    conf = tmp_path / "app" / "conf"
    (conf / "jvm.options.d").mkdir(parents=True)
    (conf / "jvm.options").write_text("# ours\n-Dfile=1\n8:-Djdk=8\n9-:-Djdk=9\n-Dover=file\n")
    (conf / "jvm.options.d" / "b.options").write_text("-Dmore=b\n")
    (conf / "jvm.options.d" / "a.options").write_text("-Dmore=a\n-Xss1m\n")
    (conf / "jvm.options.d" / "ignored.bak").write_text("-Dignored=1\n")
    (tmp_path / "app" / "args").write_text("-Dquoted='a b'\n-Dover=args # last\n")
    with started(tmp_path, classes, feature, "wait", JAVA_OPTIONS="@args -Duser=1") as run:
        wait_until(lambda: "probe-is-up" in run.said, LIMIT, f"the probe is up: {run.said}")
        words = run.java.cmdline()
    given = {word for word in words if word.startswith(("-D", "-Xss"))}
    own = {"-Dfile=1", f"-Djdk={8 if feature == 8 else 9}", "-Dmore=b", "-Xss1m"}
    assert given == own | {"-Dquoted=a b", "-Dover=args", "-Duser=1"}


PIECES = st.one_of(
    st.sampled_from([
        *" \t\f\r\n'\"\\#anrtf@-", "\\\n", "\\\r\n  ", "\r\n", "\\n", "\\\\", "\\'", "'a b'", '"c d"',
        "# no word\n", "-Dx=1", "\\#", "''", '"x\\\n   y"', "'tab\\tbed'", "é", "😀",
    ]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=3),
)  # fmt: skip


def accepted_texts(count: int) -> list[tuple[str, tuple[str, ...]]]:
    """Return generated argument files that we read, with the words that we see in them."""
    found: list[tuple[str, tuple[str, ...]]] = []

    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(PIECES, max_size=12).map("".join))
    def collect(text: str) -> None:
        try:
            options = argfile.parse(text.encode(), "args")
        except ProblemsError:
            return
        found.append((text, tuple(word for option in options for word in option.words)))

    collect()
    return found


def words_of_java(java: Path, classes: Path, text: str, folder: Path) -> list[str]:
    """Return the words that the launcher makes of an argument file, as the main method gets them."""
    file = folder / "args"
    file.write_bytes(f"-Dfile.encoding=UTF-8 -cp {classes} {PROBE} words\n{text}".encode())
    done = subprocess.run(
        [java, f"@{file}"], capture_output=True, check=False, env={"LC_ALL": "C.UTF-8"}
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split(" ")[1:] for line in done.stdout.decode().splitlines()]
    units = [bytes.fromhex("".join(line)) for line in lines]
    return [unit.decode("utf-16-be") for unit in units][1:]


def test_we_read_argument_files_as_the_launcher_does(
    feature: int, classes: Path, tmp_path: Path
) -> None:
    if feature == 8:
        done = subprocess.run([java(8), "@args"], capture_output=True, text=True, check=False)
        assert "main class" in done.stderr  # what we expand them for
        return
    texts = accepted_texts(1200)
    assert sum(bool(words) for _, words in texts) > 300
    together = "".join(f"\ncase-{at}\n{text}\n" for at, (text, _) in enumerate(texts))
    wanted = [word for at, (_, words) in enumerate(texts) for word in (f"case-{at}", *words)]
    assert words_of_java(java(feature), classes, together, tmp_path) == wanted


@pytest.mark.parametrize("feature", FEATURES[1:])
def test_what_we_refuse_in_an_argument_file_the_launcher_misreads(
    feature: int, classes: Path, tmp_path: Path
) -> None:
    for text, misread in (("one#two\nthree", ["three"]), ("'one\ntwo'", ["one", "two"])):
        with pytest.raises(ProblemsError):
            argfile.parse(text.encode(), "args")
        assert words_of_java(java(feature), classes, text, tmp_path) == misread
