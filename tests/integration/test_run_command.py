"""`./run`, the first command of the README: all of otter comes up, and all of it goes, whatever happens."""

from __future__ import annotations

import os
import re
import signal
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration.running import get
from lab.cache import LabError
from lab.needs import need
from lab.net import ListeningSocket
from local import distribution
from local.ports import Ports
from process.harness import REPOSITORY, Launcher, Run, until
from standin.build import Distribution

Start = Callable[..., Run]


@pytest.fixture
def start(tmp_path: Path, standin: Distribution, zookeeper_home: Path) -> Iterator[Start]:
    """Starts the command on the stand-in, with its data below the test's folder."""
    need("mariadb")
    launcher = Launcher(tmp_path, as_pid1=False)

    def starter(*words: str) -> Run:
        path = f"{REPOSITORY}:{REPOSITORY / 'tests'}"
        data = str(tmp_path / "data")
        command = [sys.executable, "-m", "local", "--standin", "--keep", data, *words]
        return launcher.spawn(command, env={"PYTHONPATH": path, "HOME": str(Path.home())})

    yield starter
    launcher.clean_up()
    until(lambda: not left(tmp_path), "the clean-up: they end with their parent")


def left(folder: Path) -> list[str]:
    """Return the command lines of all processes that have the data's folder in line or environment."""
    found = []
    data = str(folder / "data").encode()
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
            if data in line or data in Path(f"/proc/{pid}/environ").read_bytes():
                found.append(line.replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def test_all_comes_up_says_where_it_is_and_goes(start: Start, tmp_path: Path) -> None:
    run = start("--nodes", "2")
    run.says("is up")
    run.says("stop       Ctrl-C")
    pages = re.search(r"manager +http://(\S+)/ ", run.stdout)
    assert pages
    assert get(pages[1], "/channel_list.htm")[0] == 200
    assert get(pages[1], "/node_list.htm")[1].count("已启动") == 2
    probes = re.findall(r"^  (\S+) +http://(\S+:\d+) +\S+/output\.log$", run.stdout, re.MULTILINE)
    assert [name for name, _ in probes] == ["ZooKeeper", "manager", "node-1", "node-2"]
    for _, address in probes:
        assert get(address, "/readyz") == (200, "ok")
        assert get(address, "/metrics")[0] == 200

    run.send(signal.SIGINT)
    assert run.wait() == 0
    order = re.findall(r"^  (\S+) +stopped, exit code 0", run.stdout, re.MULTILINE)
    assert order == ["node-2", "node-1", "manager", "ZooKeeper", "MariaDB"]
    assert left(tmp_path) == []


def test_a_part_that_dies_is_named_and_the_rest_is_stopped(start: Start, tmp_path: Path) -> None:
    run = start()
    run.says("stop       Ctrl-C")
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        line = Path(f"/proc/{pid}/cmdline").read_bytes() if Path(f"/proc/{pid}").exists() else b""
        if b"OtterManagerLauncher" in line and str(tmp_path).encode() in line:
            os.kill(int(pid), signal.SIGKILL)
    assert run.wait() == 1
    assert "failed: manager ended with exit code 137: java was ended by SIGKILL" in run.stdout
    assert "last lines of" in run.stdout
    assert left(tmp_path) == []


def test_a_stop_during_the_start(start: Start, tmp_path: Path) -> None:
    run = start()
    run.says("manager    127.0.0.1")
    assert run.stop() == 0
    assert left(tmp_path) == []


def test_nothing_outlives_it_when_it_is_killed(start: Start, tmp_path: Path) -> None:
    run = start("--nodes", "0")
    run.says("is up")
    run.send(signal.SIGKILL)
    assert run.wait() == 137
    until(lambda: not left(tmp_path), "all parts end with their parent")


def test_usual_ports_that_are_taken_are_replaced_and_told() -> None:
    ports = Ports()
    with ListeningSocket(host="0.0.0.0") as taken:
        port = ports.take("manager", taken.port)
    assert port != taken.port
    assert ports.moved == [("manager", taken.port, port)]
    assert Ports().take("manager", port) == port


@pytest.mark.parametrize("packed", [True, False])
def test_a_distribution_is_found_packed_and_unpacked(tmp_path: Path, packed: bool) -> None:
    for kind in distribution.KINDS:
        home = tmp_path / f"{kind}.deployer-4.2.18"
        (home / "lib").mkdir(parents=True)
        (home / "lib" / "a.jar").touch()
        if packed:
            with tarfile.open(tmp_path / f"{kind}.deployer-4.2.18.tar.gz", "w:gz") as archive:
                archive.add(home / "lib", "lib")
    found = distribution.find(str(tmp_path), print)
    assert found
    assert found.name == "otter 4.2.18"
    unpacked = distribution.unpack(found.manager, tmp_path / "home")
    assert (unpacked / "lib" / "a.jar").exists()
    pair = distribution.find(f"{found.manager},{found.node}", print)
    assert pair
    assert (pair.manager, pair.node) == (found.manager, found.node)


def test_the_stand_in_is_called_so_wherever_it_comes_from(standin: Distribution) -> None:
    found = distribution.find(f"{standin.manager},{standin.node}", print)
    assert found
    assert found.standin
    assert "stand-in" in found.name


@pytest.mark.parametrize("given", ["nowhere", "a.tar.gz,b.tar.gz", "."])
def test_a_path_without_otter_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LabError, match="--dist"):
        distribution.find(given, print)


def test_a_release_page_that_cannot_be_reached_leaves_the_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setenv("ENTRYPOINT_TEST_CACHE", str(tmp_path))
    monkeypatch.setattr(distribution, "RELEASE", "http://127.0.0.1:1/otter")
    monkeypatch.setattr(distribution, "REPOSITORY", tmp_path)
    assert distribution.find("", told.append) is None
    assert "cannot be downloaded" in told[-1]
