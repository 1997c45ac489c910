from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from forked import CLONE_NEWNS, MS_RDONLY, NOBODY, in_child, mount, needs_mounts, needs_root

from entrypoint.system import cgroup
from entrypoint.system.facts import count_cpus, is_read_only, observe, ports_taken


@contextmanager
def listener(address: str, family: int = socket.AF_INET) -> Iterator[int]:
    with socket.socket(family, socket.SOCK_STREAM) as server:
        server.bind((address, 0))
        server.listen()
        yield server.getsockname()[1]


def make_jdk(home: Path, version: str, release: str = "") -> str:
    program = home / "bin/java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{version}\n")
    program.chmod(0o755)
    if release:
        (home / "release").write_text(release)
    return str(home)


def test_the_host_as_it_is() -> None:
    found = observe({"PATH": "/nonexistent"})
    assert found.hostname == socket.gethostname()
    assert (found.pid, found.uid, found.gid) == (os.getpid(), os.geteuid(), os.getegid())
    assert found.memory_limit == cgroup.memory_limit()
    assert found.cgroup == cgroup.version()
    assert found.cpus is not None
    assert 0 < found.cpus <= len(os.sched_getaffinity(0))
    assert (found.java_home, found.java) == ("", "")
    assert "there is no java" in found.java_problem
    assert (found.release_text, found.version_text) == ("", "")


def test_the_java_of_this_machine(java: Path) -> None:
    found = observe(os.environ, str(java))
    assert (found.java_home, found.java) == (str(java), f"{java}/bin/java")
    assert found.java_problem == ""
    assert "JAVA_VERSION" in found.release_text or "version" in found.version_text


def test_java_is_not_run_where_the_release_file_tells(tmp_path: Path) -> None:
    home = make_jdk(tmp_path / "jdk", f"touch {tmp_path}/ran", 'JAVA_VERSION="17.0.1"\n')
    found = observe({}, home)
    assert found.release_text == 'JAVA_VERSION="17.0.1"\n'
    assert found.version_text == ""
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("release", ["", 'IMPLEMENTOR="nobody"\n'])
def test_java_is_asked_where_the_release_file_does_not_tell(tmp_path: Path, release: str) -> None:
    options = "$JAVA_TOOL_OPTIONS$JDK_JAVA_OPTIONS$_JAVA_OPTIONS"
    home = make_jdk(tmp_path / "jdk", f'echo "$1 {options}, $KEPT" >&2', release)
    environ = {
        "JAVA_TOOL_OPTIONS": "-Dpassword=secret",
        "JDK_JAVA_OPTIONS": "-Dpassword=secret",
        "_JAVA_OPTIONS": "-Dpassword=secret",
        "KEPT": "kept",
    }
    assert observe(environ, home).version_text == "-version , kept\n"


def test_a_java_with_a_problem_is_not_run(tmp_path: Path) -> None:
    home = make_jdk(tmp_path / "jdk", f"touch {tmp_path}/ran")
    Path(home, "bin/java").chmod(0o644)
    found = observe({}, home)
    assert found.java_problem
    assert found.version_text == ""


def test_cpus_are_those_that_we_may_run_on() -> None:
    def pin() -> float:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        return count_cpus()

    assert 0 < in_child(pin) <= 1


@needs_mounts
def test_a_read_only_file_system_is_seen(tmp_path: Path) -> None:
    def look() -> tuple[bool, bool, bool]:
        (tmp_path / "ro").mkdir()
        mount("tmpfs", f"{tmp_path}/ro", "tmpfs", MS_RDONLY)
        return is_read_only(f"{tmp_path}/ro"), is_read_only("/proc"), is_read_only("/nonexistent")

    assert in_child(look, namespaces=CLONE_NEWNS) == (True, False, False)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_somebody_listens_on_is_taken(address: str) -> None:
    with listener(address) as taken:
        assert ports_taken((taken, taken)) == (taken,)
    assert ports_taken((taken,)) == ()


def test_a_port_that_java_listens_on_with_ipv6_is_taken() -> None:
    try:
        with listener("::", socket.AF_INET6) as taken:
            assert ports_taken((taken,)) == (taken,)
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")


def test_a_port_of_closed_connections_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            # Whoever closes first keeps the connection in TIME_WAIT.
            server.accept()[0].close()
            assert client.recv(1) == b""
    assert ports_taken((port,)) == ()


def test_numbers_that_are_no_ports_are_left_out() -> None:
    assert ports_taken((0, -1, 65536, 10**9)) == ()


@needs_root
def test_a_port_that_we_may_not_bind_is_not_called_taken() -> None:
    threshold = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()
    if int(threshold) <= 1:
        pytest.skip("every user may bind every port here")
    assert in_child(lambda: ports_taken((1,)), uid=NOBODY) == ()


def test_a_lack_of_descriptors_is_not_a_taken_port() -> None:
    def starve() -> tuple[int, ...]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
        return ports_taken((1234,))

    assert in_child(starve) == ()
