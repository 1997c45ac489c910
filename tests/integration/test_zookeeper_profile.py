"""A real ZooKeeper under the built-in profile: ready, real work, every way to end."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from integration.running import Application, Applications, blocks_signals
from lab.net import LOOPBACK, free_port
from lab.services import ZooKeeperClient, four_letter

Start = Callable[..., Application]
QUICK = "checks: {srvr: {interval: 300ms}}\n"


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """What a ZooKeeper of this test needs to know; two servers with them share data and port."""
    return {"ZOO_CLIENT_PORT": str(free_port()), "ZOO_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def start(
    applications: Applications, java: Path, zookeeper_home: Path, variables: dict[str, str]
) -> Start:
    """Starts ZooKeeper under its built-in profile."""

    def starter(changed: Mapping[str, str] | None = None, *, as_pid1: bool = False) -> Application:
        given = variables | dict(changed or {})
        return applications.start(
            "zookeeper", java, zookeeper_home, given, overlay=QUICK, as_pid1=as_pid1
        )

    return starter


@pytest.mark.parametrize("as_pid1", [True, False], ids=["pid1", "subreaper"])
def test_it_becomes_ready_works_stops_and_keeps_its_data(
    start: Start, variables: dict[str, str], as_pid1: bool
) -> None:
    port = int(variables["ZOO_CLIENT_PORT"])
    server = start(as_pid1=as_pid1)
    server.becomes_ready()
    with ZooKeeperClient(LOOPBACK, port, session=10) as client:
        client.create("/entrypoint", b"written")
        assert client.get("/entrypoint") == b"written"
    assert server.alive()
    assert server.run.stop() == 0
    server.run.gone()

    again = start(as_pid1=as_pid1)
    again.becomes_ready()
    with ZooKeeperClient(LOOPBACK, port, session=10) as client:
        assert client.get("/entrypoint") == b"written"
    assert again.run.stop() == 0


def test_its_settings_reach_it(start: Start, variables: dict[str, str]) -> None:
    server = start({"ZOO_TICK_TIME": "1500ms", "ZOO_4LW_COMMANDS_WHITELIST": "srvr,conf"})
    server.becomes_ready()
    conf = four_letter(LOOPBACK, int(variables["ZOO_CLIENT_PORT"]), "conf")
    assert "tickTime=1500" in conf
    assert f"dataDir={variables['ZOO_DATA_DIR']}/version-2" in conf


def test_its_log_is_its_own(start: Start) -> None:
    """logback keeps its own start to itself, and the lines are ours."""
    server = start()
    server.becomes_ready()
    assert "|-INFO" not in server.run.stdout
    assert "binding to port" in server.run.stdout


def test_a_killed_java_is_told(start: Start) -> None:
    server = start()
    server.becomes_ready()
    server.run.send(signal.SIGKILL, server.java())
    assert server.run.wait() == 137
    assert "SIGKILL" in server.run.termination_message
    assert "[exit 137]" in server.run.termination_message
    server.run.gone()


def test_a_frozen_server_is_not_ready(start: Start) -> None:
    server = start()
    server.becomes_ready()
    java = server.java()
    server.run.send(signal.SIGSTOP, java)
    server.becomes_unready("srvr failed: ")
    server.run.send(signal.SIGCONT, java)
    server.becomes_ready()


@pytest.mark.parametrize("moment", range(20))
def test_term_at_any_moment_of_the_start(start: Start, moment: int) -> None:
    """From the first moment that signals are ours to well after it is ready: 0, and nothing is left."""
    server = start(as_pid1=moment % 2 == 0)
    blocks_signals(server.run)
    time.sleep(moment * 0.07)
    assert server.run.stop() == 0, server.output
    server.run.gone()


def test_a_folder_that_cannot_be_written(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    server = start({"ZOO_DATA_DIR": str(tmp_path / "file" / "data")})
    assert server.run.wait() == 73
    assert str(tmp_path / "file") in server.run.termination_message
    assert "Spawned" not in server.output
