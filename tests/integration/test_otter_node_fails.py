"""The node's failures, each as it was measured: above all the zombie, which has every port open."""

from __future__ import annotations

import re
import signal

import pytest

from integration.otter import Otter
from integration.running import Application
from lab.net import free_port
from lab.services import ZooKeeper
from process.harness import until
from standin.world import listening

BRIEF = {"ENTRYPOINT_GATE_TIMEOUT": "1s"}
NO_GATE = "gates: {manager: null}\n"
NO_OLD_SESSION_GATE = "gates: {old-session: null}\n"
QUICK_EXIT = {"STANDIN_DELAY_NODE_NOT_FOUND": "100"}


def test_a_nid_that_the_manager_does_not_know(otter: Otter) -> None:
    manager = otter.manager()
    manager.becomes_ready()
    node = otter.node(999_999, manager, QUICK_EXIT)
    assert node.run.wait() == 1
    assert "does not know this nid" in node.run.termination_message
    assert "is not found!" in node.output


def test_a_start_waits_for_the_manager(otter: Otter) -> None:
    node = otter.node(1, free_port(), BRIEF)
    assert node.run.wait() == 69
    assert '"manager" did not come' in node.run.termination_message
    assert "Spawned" not in node.output


def test_without_the_gate_it_ends_with_1(otter: Otter) -> None:
    node = otter.node(1, free_port(), QUICK_EXIT, overlay=NO_GATE)
    assert node.run.wait() == 1
    assert "cannot be reached" in node.run.termination_message


def test_a_nid_that_is_no_number_is_refused(otter: Otter) -> None:
    node = otter.node(1, free_port(), {"OTTER_NID": "otter-node-1"})
    assert node.run.wait() == 78
    assert "nid" in node.run.termination_message


def crashed(otter: Otter, node: Application) -> None:
    """End a node as a lost machine would: nothing says goodbye to ZooKeeper."""
    node.run.send(signal.SIGKILL, node.java())
    assert node.run.wait() == 137


@pytest.mark.parametrize("knows_zookeeper", [True, False])
def test_a_zombie_is_never_ready(otter: Otter, knows_zookeeper: bool) -> None:
    """Started while the session of its predecessor lives, with the gate that prevents it taken away."""
    manager = otter.manager()
    manager.becomes_ready()
    nid = otter.world.add_row()
    port = str(otter.world.ports(nid)[0])
    changed = {"OTTER_NODE_PORT": port}
    if not knows_zookeeper:
        changed["OTTER_ZOOKEEPER_SERVERS"] = ""
    before = otter.node(nid, manager, changed)
    before.becomes_ready()
    crashed(otter, before)

    overlay = NO_OLD_SESSION_GATE if knows_zookeeper else ""
    zombie = otter.node(nid, manager, changed, overlay=overlay)
    zombie.says("NodeExistsException")
    until(lambda: listening(otter.world.ports(nid)) == [True] * 3, "all ports listen")
    until(lambda: not manager.shows_started(nid), "the old session is over")
    assert listening(otter.world.ports(nid)) == [True] * 3
    zombie.becomes_unready("started failed: no")
    if knows_zookeeper:
        zombie.becomes_unready("session failed: ")
    assert zombie.phase() == "starting"
    assert zombie.run.stop() == 0


def test_a_node_waits_out_the_session_of_its_predecessor(otter: Otter) -> None:
    manager = otter.manager()
    manager.becomes_ready()
    nid = otter.world.add_row()
    before = otter.node(nid, manager)
    before.becomes_ready()
    crashed(otter, before)
    node = otter.node(nid, manager)
    node.reaches("waiting")
    node.says(f"Waiting for={otter.world.zookeeper}/otter/node/{nid}")
    node.becomes_ready()
    assert "NodeExistsException" not in node.output
    assert manager.shows_started(nid)
    assert node.run.stop() == 0


def test_a_lost_session_is_not_ready(otter: Otter, own_zookeeper: ZooKeeper) -> None:
    """The row names a ZooKeeper of its own here, so that it can be taken away."""
    own_zookeeper.start()
    manager = otter.manager()
    manager.becomes_ready()
    nid = otter.world.add_row()
    otter.world.sql(
        "UPDATE NODE SET PARAMETERS = REPLACE(PARAMETERS,"
        f" '{otter.world.zookeeper}', '{own_zookeeper.address}') WHERE ID = {nid}"
    )
    node = otter.node(nid, manager, {"OTTER_ZOOKEEPER_SERVERS": own_zookeeper.address})
    node.becomes_ready()
    own_zookeeper.stop()
    node.becomes_unready("session failed: ")
    assert node.alive()
    own_zookeeper.start()
    node.becomes_ready()


QUICKLY_LOST = {"OTTER_ZOOKEEPER_SESSION_LOST_AFTER": "1s"}


def test_a_node_whose_session_is_gone_for_good_is_not_live(
    otter: Otter, brief_zookeeper: ZooKeeper
) -> None:
    """A zombie of its run time: nothing but a restart brings its ephemeral back."""
    manager = otter.manager()
    manager.becomes_ready()
    nid = otter.world.add_row()
    node = otter.node(nid, manager, QUICKLY_LOST)
    node.becomes_ready()
    assert node.alive()
    with brief_zookeeper.client() as client:
        client.delete(f"/otter/node/{nid}")
    until(lambda: not node.alive(), "/livez is 503")
    assert f"[-]session no /otter/node/{nid} for " in node.get("/livez?verbose")[1]
    node.says("Lost check=session")
    assert node.get("/readyz")[0] == 503
    assert node.run.stop() == 0

    again = otter.node(nid, manager, QUICKLY_LOST)
    again.becomes_ready()
    assert again.alive()


def test_a_zookeeper_that_is_away_or_hangs_is_no_lost_session(
    otter: Otter, own_zookeeper: ZooKeeper
) -> None:
    own_zookeeper.start()
    mine = otter.beside("own", zookeeper=own_zookeeper.address)
    manager = mine.manager()
    manager.becomes_ready()
    quick = "checks: {session: {interval: 300ms, timeout: 300ms}}\n"
    node = mine.node(mine.world.add_row(), manager, QUICKLY_LOST, overlay=quick)
    node.becomes_ready()

    def stays_live(says: str) -> None:
        """Wait for five failures more, which last longer than it takes a session to be lost."""
        node.becomes_unready(f"session failed: {says}")
        first = failures(node)
        until(lambda: failures(node) >= first + 5, "it failed five times more")
        status, text = node.get("/livez?verbose")
        assert (status, "[+]session cannot tell: " in text) == (200, True), text

    own_zookeeper.pause()
    stays_live("no answer in 300ms")
    own_zookeeper.kill()
    stays_live("refused")
    assert "Lost check" not in node.output


def failures(node: Application) -> int:
    """Return how often the check of the session has failed."""
    text = node.get("/metrics")[1]
    found = re.search(
        r'^entrypoint_check_runs_total\{check="session",result="failed"\} (\d+)', text, re.MULTILINE
    )
    return int(found[1]) if found else 0


def test_a_node_that_hangs_when_stopped_shows_its_threads_and_is_killed(otter: Otter) -> None:
    manager = otter.manager()
    manager.becomes_ready()
    changed = {"STANDIN_NODE_STOP_HANG": "true", "ENTRYPOINT_STOP_TIMEOUT": "1s"}
    node = otter.node(otter.world.add_row(), manager, changed)
    node.becomes_ready()
    assert node.run.stop() == 137
    assert "Full thread dump" in node.run.stdout
    assert "did not stop in time" in node.run.termination_message
    node.run.gone()


def test_a_node_whose_manager_does_not_answer_is_still_stopped(otter: Otter) -> None:
    """Real otter was not out after 79 s when the manager's packets were dropped."""
    manager = otter.manager()
    manager.becomes_ready()
    node = otter.node(otter.world.add_row(), manager, {"ENTRYPOINT_STOP_TIMEOUT": "1s"})
    node.becomes_ready()
    java = manager.java()
    manager.run.send(signal.SIGSTOP, java)
    try:
        assert node.run.stop() == 137
    finally:
        manager.run.send(signal.SIGCONT, java)


def test_a_row_without_a_zookeeper_cluster(otter: Otter) -> None:
    manager = otter.manager()
    manager.becomes_ready()
    nid = otter.world.add_row(cluster=False)
    node = otter.node(nid, manager, {"STANDIN_DELAY_NODE_NO_CLUSTER": "100"})
    assert node.run.wait() == 1
    assert "NullPointerException" in node.output


@pytest.mark.parametrize("which", [0, 1, 2], ids=["port", "mbean", "download"])
def test_a_taken_port_ends_it_with_1(otter: Otter, which: int) -> None:
    """Its ports are in the manager's database: only the one that we are told can be looked at before."""
    from lab.net import ListeningSocket

    manager = otter.manager()
    manager.becomes_ready()
    nid = otter.world.add_row()
    with ListeningSocket(otter.world.ports(nid)[which], host="0.0.0.0"):
        node = otter.node(nid, manager)
        assert node.run.wait() == 1
    assert "a port is taken" in node.run.termination_message
