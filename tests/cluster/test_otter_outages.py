"""What others depend on is away: readiness says so, nothing is restarted for it, all heals itself.

And what does not heal itself, a session that ZooKeeper says is gone, is restarted.
"""

from __future__ import annotations

import time

import pytest

from cluster.dev_overlay import PATIENCE, Otter
from lab.kubernetes.kubectl import condition

pytestmark = pytest.mark.timeout(1200)
NODE = "otter-node-0"
MANAGER_AWAY = 120


def ready(otter: Otter, name: str) -> bool:
    return condition(otter.kubectl.get("pod", name), "Ready")


def test_the_manager_is_away_for_two_minutes(otter: Otter) -> None:
    other = "otter-node-1"
    otter.scale(2)
    otter.settle(2)
    rows, restarts, java = otter.rows(), otter.restarts()[NODE], otter.java(NODE)[0]
    otter.kubectl("scale", "deployment", "otter-manager", "--replicas=0")

    def goes_on_until(end: float) -> None:
        # A running node needs no manager: it goes on, and says so.
        while time.monotonic() < end:
            assert ready(otter, NODE)
            time.sleep(5)

    try:
        end = time.monotonic() + MANAGER_AWAY
        goes_on_until(end - MANAGER_AWAY / 2)
        # One that starts meanwhile waits, and is not killed for it.
        otter.kubectl("delete", "pod", other)
        goes_on_until(end)
        status = otter.status(other)
        assert (status["phase"], status["started"]) == ("waiting", False)
        assert not ready(otter, other)
        assert otter.live() == {rows[NODE]}
        assert not otter.kubectl.list("pods", "app.kubernetes.io/name=otter-manager")
    finally:
        otter.kubectl("scale", "deployment", "otter-manager", "--replicas=1")
    otter.settle(2)
    assert otter.java(NODE)[0] == java
    now = otter.restarts()
    assert (now[NODE], now[other]) == (restarts, 0)
    assert otter.rows() == rows
    assert otter.nid(other) == rows[other]
    assert otter.live() == {rows[NODE], rows[other]}


def test_mysql_is_away(otter: Otter) -> None:
    manager, before = otter.pod_of("otter-manager"), otter.restarts()
    with otter.away("mysql"):
        otter.kubectl.wait(lambda: not ready(otter, manager), "the manager is not ready")
        (endpoints,) = otter.kubectl.list(
            "endpointslices", "kubernetes.io/service-name=otter-manager"
        )
        assert not [one for one in endpoints["endpoints"] if one["conditions"]["ready"]]
        # The node does not use it.
        assert ready(otter, NODE)
    otter.settle(1)
    after = otter.restarts()
    assert {name: after[name] for name in (manager, NODE)} == {
        name: before[name] for name in (manager, NODE)
    }


def test_zookeeper_is_away(otter: Otter) -> None:
    manager, before, nid = otter.pod_of("otter-manager"), otter.restarts(), otter.nid(NODE)
    with otter.away("zookeeper"):
        otter.kubectl.wait(lambda: not ready(otter, NODE), "the node is not ready")
        assert otter.status(NODE)["live"]
        # A node that comes back while its old session ends is otter's zombie; this is about the outage.
        pod = f"pod/{otter.pod_of('zookeeper')}"
        otter.kubectl.wait(lambda: not otter.live(pod), "the old session is over")
    otter.settle(1)
    after = otter.restarts()
    assert {name: after[name] for name in (manager, NODE)} == {
        name: before[name] for name in (manager, NODE)
    }
    assert otter.live() == {nid}


def test_a_session_that_is_lost_for_good_is_a_restart(otter: Otter) -> None:
    before, nid = otter.restarts()[NODE], otter.nid(NODE)
    with otter.zookeeper() as session:
        session.delete(f"/otter/node/{nid}")
    otter.kubectl.wait(
        lambda: otter.kubectl.restarts(NODE) == before + 1, "the node is restarted", PATIENCE
    )
    end = otter.last_end(NODE)
    # The kubelet's TERM, which is an orderly stop.
    assert (end["exitCode"], end["reason"]) == (0, "Completed")
    otter.settle(1)
    assert (otter.live(), otter.restarts()[NODE]) == ({nid}, before + 1)
