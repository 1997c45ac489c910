"""What others depend on is away: readiness says so, nothing is restarted for it, all heals itself."""

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
    nid, restarts = otter.nid(NODE), otter.restarts()[NODE]
    java = otter.java(NODE)[0]
    otter.kubectl("scale", "deployment", "otter-manager", "--replicas=0")
    try:
        end = time.monotonic() + MANAGER_AWAY
        while time.monotonic() < end:
            # A running node needs no manager: it goes on, and says so.
            assert ready(otter, NODE)
            time.sleep(5)
        assert otter.live() == {nid}
        assert not otter.kubectl.list("pods", "app.kubernetes.io/name=otter-manager")
    finally:
        otter.kubectl("scale", "deployment", "otter-manager", "--replicas=1")
    otter.settle(1)
    assert otter.java(NODE)[0] == java
    assert otter.restarts()[NODE] == restarts


def test_a_node_that_starts_while_the_manager_is_away_waits_and_is_not_killed(
    otter: Otter,
) -> None:
    nid, rows = otter.nid(NODE), otter.rows()
    otter.kubectl("scale", "deployment", "otter-manager", "--replicas=0")
    try:
        otter.kubectl("delete", "pod", NODE)
        otter.kubectl.wait(
            lambda: otter.status(NODE)["phase"] == "waiting", "the new pod waits", PATIENCE
        )
        assert not ready(otter, NODE)
        assert not otter.status(NODE)["started"]
    finally:
        otter.kubectl("scale", "deployment", "otter-manager", "--replicas=1")
    otter.settle(1)
    assert otter.restarts()[NODE] == 0
    assert otter.rows() == rows
    assert otter.nid(NODE) == nid


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
    otter.settle(1)
    after = otter.restarts()
    assert {name: after[name] for name in (manager, NODE)} == {
        name: before[name] for name in (manager, NODE)
    }
    assert otter.live() == {nid}
