"""The manager's failures, each as it was measured: what is told, and that it is never called ready."""

from __future__ import annotations

import signal

import pytest

from integration.otter import Manager, Otter
from lab.net import ListeningSocket
from lab.services import MariaDB, ZooKeeper
from process.harness import until

NO_GATES = "gates: {mysql: null, zookeeper: null}\n"
BRIEF = {"ENTRYPOINT_GATE_TIMEOUT": "1s"}


@pytest.fixture
def frail(otter: Otter, own_zookeeper: ZooKeeper) -> Otter:
    """An otter whose ZooKeeper a test may take away; it runs."""
    own_zookeeper.start()
    return otter.beside("frail", zookeeper=own_zookeeper.address)


def is_healthy_by_otters_own_page(manager: Manager) -> bool:
    """Tell whether the static page says that all is well."""
    status, text = manager.page("monitor/ok.htm")
    return status == 200 and "server is ok" in text


def test_the_database_goes_and_comes(otter: Otter, own_mariadb: MariaDB) -> None:
    manager = otter.beside("frail", mariadb=own_mariadb).manager()
    manager.becomes_ready()
    own_mariadb.stop()
    manager.becomes_unready("channel-list failed: 500")
    assert is_healthy_by_otters_own_page(manager)
    assert manager.alive()
    own_mariadb.start()
    manager.becomes_ready()


def test_zookeeper_goes_and_comes(frail: Otter, own_zookeeper: ZooKeeper) -> None:
    """The page hangs; a static page and liveness do not notice."""
    manager = frail.manager({"STANDIN_DELAY_MANAGER_ZOOKEEPER_LOST": "3000"})
    manager.becomes_ready()
    own_zookeeper.stop()
    manager.becomes_unready("channel-list failed: no answer")
    assert is_healthy_by_otters_own_page(manager)
    assert manager.alive()
    own_zookeeper.start()
    manager.becomes_ready()


def test_a_start_waits_for_zookeeper(frail: Otter, own_zookeeper: ZooKeeper) -> None:
    own_zookeeper.stop()
    manager = frail.manager()
    manager.reaches("waiting")
    manager.says(f"Waiting for={own_zookeeper.address}")
    assert manager.get("/readyz")[0] == 503
    assert manager.alive()
    own_zookeeper.start()
    manager.becomes_ready()


def test_without_the_gate_it_is_up_and_has_no_port(frail: Otter, own_zookeeper: ZooKeeper) -> None:
    own_zookeeper.stop()
    manager = frail.manager(overlay=NO_GATES)
    manager.becomes_unready("channel-list failed: refused")
    assert manager.phase() == "starting"
    own_zookeeper.start()
    manager.becomes_ready()


def test_a_stop_while_waiting_ends_at_once(frail: Otter, own_zookeeper: ZooKeeper) -> None:
    own_zookeeper.stop()
    manager = frail.manager()
    manager.reaches("waiting")
    assert manager.run.stop() == 0
    assert "Spawned" not in manager.output


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("OTTER_DATABASE_PASSWORD", "not-the-password", "access denied"),
        ("OTTER_DATABASE_URL", "mysql", "no table CHANNEL"),
        ("OTTER_DATABASE_URL", "nowhere", "unknown database"),
    ],
    ids=["password", "schema", "database"],
)
def test_a_database_that_cannot_be_used(otter: Otter, variable: str, value: str, says: str) -> None:
    """otter itself would start, and look healthy on its own page."""
    if variable == "OTTER_DATABASE_URL":
        value = otter.world.database_url(value)
    manager = otter.manager({variable: value, **BRIEF})
    assert manager.run.wait() == 69
    assert says in manager.run.termination_message
    assert "[exit 69]" in manager.run.termination_message
    assert "not-the-password" not in manager.output
    assert "Spawned" not in manager.output

    ungated = otter.manager({variable: value}, overlay=NO_GATES)
    ungated.becomes_unready("channel-list failed: 500")
    assert is_healthy_by_otters_own_page(ungated)


@pytest.mark.parametrize("name", ["OTTER_PORT", "OTTER_COMMUNICATION_PORT"])
def test_a_taken_port_is_found_before_the_start(otter: Otter, name: str) -> None:
    with ListeningSocket(host="0.0.0.0") as taken:
        manager = otter.manager({name: str(taken.port)})
        assert manager.run.wait() == 78
        assert f"port {taken.port} is taken" in manager.run.termination_message
        assert "Spawned" not in manager.output


def test_a_port_taken_after_our_look_makes_otter_exit_with_0_which_is_a_failure(
    otter: Otter,
) -> None:
    changed = {"STANDIN_DELAY_MANAGER_HTTP_TAKEN": "300"}
    with ListeningSocket(host="0.0.0.0") as taken:
        changed["OTTER_PORT"] = str(taken.port)
        manager = otter.manager(changed, overlay="ports: {http: null}\n")
        assert manager.run.wait() == 70
    assert "BindException" in manager.output
    assert "exits 0" in manager.run.termination_message


def test_1099_taken_after_our_look_leaves_a_manager_that_answers_503(otter: Otter) -> None:
    with ListeningSocket(host="0.0.0.0") as taken:
        changed = {"OTTER_COMMUNICATION_PORT": str(taken.port)}
        manager = otter.manager(changed, overlay="ports: {communication: null}\n")
        manager.becomes_unready("channel-list failed: 503")
        assert manager.phase() == "starting"


@pytest.mark.parametrize(
    ("switch", "item"),
    [
        ("STANDIN_MANAGER_HTTP_NEVER", "channel-list failed: refused"),
        ("STANDIN_MANAGER_WEBX_FAIL", "channel-list failed: 503"),
    ],
)
def test_a_manager_that_never_serves_its_pages(otter: Otter, switch: str, item: str) -> None:
    manager = otter.manager({switch: "true", "ENTRYPOINT_STOP_TIMEOUT": "1s"})
    manager.becomes_unready(item)
    assert manager.phase() == "starting"


def test_any_failure_of_the_start_is_an_exit_0_that_we_call_70(otter: Otter) -> None:
    manager = otter.manager({"STANDIN_MANAGER_START_FAIL": "true"})
    assert manager.run.wait() == 70
    assert "[exit 70]" in manager.run.termination_message


@pytest.mark.parametrize("as_pid1", [True, False], ids=["pid1", "subreaper"])
def test_a_manager_that_hangs_when_stopped_shows_its_threads_and_is_killed(
    otter: Otter, as_pid1: bool
) -> None:
    changed = {"STANDIN_MANAGER_STOP_HANG": "true", "ENTRYPOINT_STOP_TIMEOUT": "1s"}
    manager = otter.manager(changed, as_pid1=as_pid1)
    manager.becomes_ready()
    assert manager.run.stop() == 137
    assert "Full thread dump" in manager.run.stdout
    assert "did not stop in time" in manager.run.termination_message
    manager.run.gone()


def test_a_killed_java_is_told(otter: Otter) -> None:
    manager = otter.manager()
    manager.becomes_ready()
    manager.run.send(signal.SIGKILL, manager.java())
    assert manager.run.wait() == 137
    assert "SIGKILL" in manager.run.termination_message


def test_a_frozen_java_is_not_ready(otter: Otter) -> None:
    """Frozen long enough it is not alive either; that takes the shipped minute and is no matter here."""
    manager = otter.manager()
    manager.becomes_ready()
    java = manager.java()
    manager.run.send(signal.SIGSTOP, java)
    manager.becomes_unready("channel-list failed: no answer")
    manager.run.send(signal.SIGCONT, java)
    manager.becomes_ready()
    until(manager.alive, "alive")
