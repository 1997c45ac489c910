"""The tarballs: built once, official layout, one set of classes for every JDK."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from lab.command import environment
from lab.net import accepts, free_port, wait_until
from standin.browser import PATIENCE
from standin.build import Distribution, build
from standin.world import UP_MANAGER, World


def test_a_second_build_takes_the_first_ones_tarballs(standin: Distribution) -> None:
    before = [os.stat(path).st_mtime_ns for path in standin]
    again = build()
    assert again == standin
    assert [os.stat(path).st_mtime_ns for path in again] == before


@pytest.mark.parametrize("kind", ["manager", "node"])
def test_a_tarball_has_the_official_layout(standin: Distribution, kind: str) -> None:
    with tarfile.open(getattr(standin, kind)) as archive:
        names = set(archive.getnames())
    assert {name.split("/")[0] for name in names} >= {"bin", "conf", "lib", "logs"}
    assert ("webapp" in names) == (kind == "manager")
    assert {"bin/startup.sh", "bin/stop.sh", "conf/otter.properties", "conf/logback.xml"} <= names
    assert f"lib/{kind}.deployer-4.2.18.jar" in names


def test_runs_on_every_jdk_here(world: World, jdks: dict[int, Path]) -> None:
    nid = world.add_row()
    for home in jdks.values():
        world.java_home = home
        manager = world.manager()
        node = world.node(nid, manager)
        assert manager.shows(nid) == "started", home
        assert node.terminate() == 143, home
        assert manager.terminate() == 143, home


def test_startup_sh_leaves_java_in_the_background_and_a_pid_file_that_refuses_the_next(
    world: World,
) -> None:
    home = world.manager_home
    port = free_port()
    settings = {
        "otter.port": str(port),
        "otter.communication.manager.port": str(free_port()),
        "otter.zookeeper.cluster.default": world.zookeeper,
    }
    with (home / "conf/otter.properties").open("a") as file:
        file.writelines(f"{key} = {value}\n" for key, value in settings.items())
    env = environment({"JAVA": str(world.java_home / "bin/java"), "JAVA_OPTS": "-Xmx64m"})
    try:
        assert subprocess.run([home / "bin/startup.sh"], env=env, check=False).returncode == 0
        wait_until(lambda: accepts(port), PATIENCE, "the web port opens")
        # the shipped logback.xml writes to files, and only there
        log = home / "logs/manager.log"
        wait_until(lambda: UP_MANAGER in log.read_text(), PATIENCE, "the log says that it is up")
        again = subprocess.run([home / "bin/startup.sh"], env=env, capture_output=True, check=False)
        assert again.returncode == 1
        assert b"otter.pid exists" in again.stderr
    finally:
        subprocess.run([home / "bin/stop.sh"], check=True)
    assert not accepts(port)
    assert not (home / "bin/otter.pid").exists()
