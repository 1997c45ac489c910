from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from forked import NOBODY, in_child, needs_root, open_folder

from entrypoint.jvm.release import parse_release, parse_version_output
from entrypoint.system import java as subject
from entrypoint.system.java import find_java, read_release, run_java

SHELL = "/bin/sh"
ENVIRON = {"PATH": os.environ["PATH"]}


def make_java(home: Path, where: str = "bin/java", release: str = "release") -> Path:
    """Make what looks like a JDK; returns its java."""
    program = home / where
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    if release:
        (home / release).parent.mkdir(parents=True, exist_ok=True)
        (home / release).write_text('JAVA_VERSION="17.0.1"\n')
    return program


def run_python(program: str, timeout: float = 60) -> tuple[int, str]:
    return run_java(sys.executable, ("-I", "-S", "-c", program), timeout, ENVIRON)


def test_java_home_is_taken_at_its_word(tmp_path: Path) -> None:
    java = make_java(tmp_path / "jdk")
    other = make_java(tmp_path / "other")
    path = str(other.parent)
    assert find_java(f"{tmp_path}/jdk", path) == (f"{tmp_path}/jdk", str(java), "")
    assert find_java(f"{tmp_path}/jdk/", path) == (f"{tmp_path}/jdk/", str(java), "")


def test_a_wrong_java_home_is_a_problem_even_when_path_has_java(tmp_path: Path) -> None:
    java = make_java(tmp_path / "jdk")
    path = str(java.parent)
    (tmp_path / "empty").mkdir()
    for home, words in {
        str(tmp_path / "empty"): "has no bin/java: set it to a JDK or JRE, or unset it",
        str(tmp_path / "none"): "does not exist: set it to a JDK or JRE, or unset it",
        str(java): "is a file: set it to the folder that has bin/java in it",
        str(java.parent): f"is the bin folder: set it to {tmp_path}/jdk",
        "jdk": "is not an absolute path",
        "a\0b": "is not an absolute path",
        "/a\0b": "does not exist",
    }.items():
        found_home, found_java, problem = find_java(home, path)
        assert (found_home, found_java) == ("", "")
        assert problem.startswith(f"JAVA_HOME={home} {words}")


def test_what_is_there_and_cannot_be_executed_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder/bin/java").mkdir(parents=True)
    (tmp_path / "dangling/bin").mkdir(parents=True)
    (tmp_path / "dangling/bin/java").symlink_to("nowhere")
    plain = make_java(tmp_path / "plain")
    plain.chmod(0o644)
    for name, words in {
        "folder": "is a directory, not the java program",
        "dangling": "is a symbolic link that leads nowhere",
        "plain": "is not executable for uid",
    }.items():
        java = f"{tmp_path}/{name}/bin/java"
        home, found, problem = find_java(f"{tmp_path}/{name}", "")
        assert (home, found) == (f"{tmp_path}/{name}", java)
        assert problem.startswith(f"{java} {words}")
        home, found, problem = find_java("", f"{tmp_path}/{name}/bin")
        assert (home, found) == ("", java)
        assert problem.startswith(f"{java} {words}")


@needs_root
def test_executable_means_for_us() -> None:
    with open_folder() as folder:
        java = make_java(Path(folder, "jdk"))
        java.chmod(0o700)
        home = f"{folder}/jdk"
        assert find_java(home, "")[2] == ""
        problem = in_child(lambda: find_java(home, "")[2], uid=NOBODY)
        assert f"is not executable for uid {NOBODY} (mode 0700)" in problem

        def look_with_other_rights() -> str:
            os.seteuid(NOBODY)
            return find_java(home, "")[2]

        assert "is not executable" in in_child(look_with_other_rights)
        java.parent.chmod(0o700)
        problem = in_child(lambda: find_java(home, "")[2], uid=NOBODY)
        assert "cannot be looked at (Permission denied)" in problem


def test_path_leads_through_links_to_the_home(tmp_path: Path) -> None:
    java = make_java(tmp_path / "jvm/java-17")
    (tmp_path / "jvm/default").symlink_to("java-17")
    (tmp_path / "alternatives").mkdir()
    (tmp_path / "alternatives/java").symlink_to(tmp_path / "jvm/default/bin/java")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/java").symlink_to(tmp_path / "alternatives/java")
    path = f"/nonexistent:{tmp_path}/bin"
    assert find_java("", path) == (f"{tmp_path}/jvm/java-17", str(java), "")


def test_the_first_java_of_path_that_runs_counts(tmp_path: Path) -> None:
    make_java(tmp_path / "first").chmod(0o644)
    second = make_java(tmp_path / "second")
    third = make_java(tmp_path / "third")
    path = f"{tmp_path}/first/bin:{second.parent}:{third.parent}"
    assert find_java("", path) == (f"{tmp_path}/second", str(second), "")


def test_jdk_8_has_its_home_above_jre(tmp_path: Path) -> None:
    """Debian's: bin/java leads to jre/bin/java, and there is no release file."""
    java = make_java(tmp_path / "java-8", "jre/bin/java", "jre/lib/rt.jar")
    (tmp_path / "java-8/bin").mkdir()
    (tmp_path / "java-8/bin/java").symlink_to("../jre/bin/java")
    assert find_java("", f"{tmp_path}/java-8/bin") == (f"{tmp_path}/java-8", str(java), "")
    assert find_java("", f"{tmp_path}/java-8/jre/bin") == (f"{tmp_path}/java-8", str(java), "")


def test_a_lone_jre_is_its_own_home(tmp_path: Path) -> None:
    java = make_java(tmp_path / "opt/jre", release="lib/rt.jar")
    assert find_java("", str(java.parent)) == (f"{tmp_path}/opt/jre", str(java), "")


def test_a_launcher_script_or_shim_has_no_home(tmp_path: Path) -> None:
    script = make_java(tmp_path / "local", release="")
    assert find_java("", str(script.parent)) == ("", str(script), "")
    make_java(tmp_path / "switcher", "libexec/shim", release="")
    (tmp_path / "shims").mkdir()
    (tmp_path / "shims/java").symlink_to(tmp_path / "switcher/libexec/shim")
    assert find_java("", f"{tmp_path}/shims") == ("", f"{tmp_path}/shims/java", "")


def test_relative_folders_of_path_are_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_java(tmp_path / "jdk")
    monkeypatch.chdir(tmp_path / "jdk/bin")
    home, java, problem = find_java("", ":.:../bin")
    assert (home, java) == ("", "")
    assert problem.startswith(
        "there is no java: JAVA_HOME is not set, and PATH=:.:../bin has none;"
    )


def test_the_java_of_this_machine(java: Path) -> None:
    home, program, problem = find_java("", str(java / "bin"))
    assert problem == ""
    assert os.path.samefile(program, java / "bin/java")
    assert os.path.samefile(home, java)
    status, output = run_java(program, ("-version",), 60, ENVIRON)
    assert status == 0
    version = parse_version_output(output)
    assert version is not None
    release = parse_release(read_release(home))
    assert release is None or release.feature == version.feature


def test_the_jvms_own_words_about_a_bad_option(java: Path) -> None:
    status, output = run_java(f"{java}/bin/java", ("-XX:+NoSuchFlag", "-version"), 60, ENVIRON)
    assert status == 1
    assert "NoSuchFlag" in output


def test_the_release_file_is_bounded_text(tmp_path: Path) -> None:
    assert read_release("") == ""
    assert read_release(str(tmp_path)) == ""
    (tmp_path / "release").write_bytes(b'IMPLEMENTOR="\xff"\n')
    assert read_release(f"{tmp_path}/") == 'IMPLEMENTOR="\ufffd"\n'
    os.truncate(tmp_path / "release", subject.RELEASE_LIMIT + 1)
    assert read_release(str(tmp_path)) == ""
    (tmp_path / "folder/release").mkdir(parents=True)
    assert read_release(str(tmp_path / "folder")) == ""


def test_the_release_file_of_a_jdk_8_is_above_its_jre(tmp_path: Path) -> None:
    make_java(tmp_path / "jdk", "jre/bin/java")
    assert read_release(f"{tmp_path}/jdk/jre") == 'JAVA_VERSION="17.0.1"\n'
    assert read_release(f"{tmp_path}/jdk/jre/") == 'JAVA_VERSION="17.0.1"\n'


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo out; echo err >&2", (0, "out\nerr\n")),
        ("echo why; exit 3", (3, "why\n")),
        ("kill -KILL $$", (137, "")),
        ("cat; echo $LANG-$ONLY", (0, "-this\n")),
        ("printf '\\377'", (0, "\ufffd")),
    ],
)
def test_status_and_output_of_a_run(script: str, expected: tuple[int, str]) -> None:
    assert run_java(SHELL, ("-c", script), 60, {"ONLY": "this"}) == expected


def test_a_run_that_hangs_is_killed_and_reaped() -> None:
    program = "import os, time; os.write(1, str(os.getpid()).encode()); time.sleep(600)"
    status, output = run_python(program, timeout=1)
    assert status == subject.TIMED_OUT
    # Its pid may not have been written yet on a machine that is busy.
    if output:
        assert not os.path.exists(f"/proc/{output}/cmdline")


def test_a_run_that_closes_its_output_and_hangs_is_killed() -> None:
    program = "import os, time; os.write(1, b'x'); os.close(1); os.close(2); time.sleep(600)"
    assert run_python(program, timeout=0.5)[0] == subject.TIMED_OUT


def test_output_is_bounded_and_a_flood_ends() -> None:
    line = "x" * 1023
    status, output = run_python(f"for _ in range(4096): print({line!r})")
    assert (status, len(output)) == (0, subject.OUTPUT_LIMIT)
    flood = f"import sys\nwhile True: sys.stdout.write({line!r})"
    status, output = run_python(flood, timeout=1)
    assert status == subject.TIMED_OUT
    assert len(output) <= subject.OUTPUT_LIMIT


def test_a_process_left_behind_does_not_hold_us_up() -> None:
    status, output = run_java(SHELL, ("-c", "sleep 600 & echo $!"), 60, ENVIRON)
    try:
        assert status == 0
    finally:
        os.kill(int(output), signal.SIGKILL)


def test_what_cannot_be_executed_has_the_shells_status(tmp_path: Path) -> None:
    plain = make_java(tmp_path / "jdk")
    plain.chmod(0o644)
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"\0\1\2")
    garbage.chmod(0o755)
    status, output = run_java(f"{tmp_path}/none", (), 60, ENVIRON)
    assert (status, output) == (127, f"{tmp_path}/none: No such file or directory")
    status, output = run_java(str(plain), (), 60, ENVIRON)
    assert (status, output) == (126, f"{plain}: Permission denied")
    assert run_java(str(garbage), (), 60, ENVIRON)[0] == 126


def test_a_run_has_no_signal_blocked_and_none_of_ours_ignored() -> None:
    """PID 1 blocks everything, and Python ignores PIPE and XFSZ: java must not inherit that."""

    # Not by way of a shell, since dash clears its mask.
    program = shutil.which("grep")
    assert program is not None

    def run() -> str:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        return run_java(program, ("Sig", "/proc/self/status"), 60, ENVIRON)[1]

    masks = dict(line.split(":\t") for line in in_child(run).splitlines())
    ignored = int(masks["SigIgn"], 16)
    assert int(masks["SigBlk"], 16) == 0
    assert not ignored & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1))


def test_a_run_leaves_no_descriptor_and_no_child() -> None:
    def run() -> tuple[int, bool]:
        before = len(os.listdir("/proc/self/fd"))
        for arguments in (("-c", "exit 1"), ("-c", "sleep 600")):
            run_java(SHELL, arguments, 0.3, ENVIRON)
        run_java("/nonexistent", (), 1, ENVIRON)
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return len(os.listdir("/proc/self/fd")) - before, True
        return len(os.listdir("/proc/self/fd")) - before, False

    assert in_child(run) == (0, True)
