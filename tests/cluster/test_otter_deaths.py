"""kill -9 at every level: Kubernetes is told the truth, and the node comes back as who it was."""

from __future__ import annotations

import pytest

from cluster.dev_overlay import PATIENCE, Otter
from lab.kubernetes.cluster import Cluster

pytestmark = pytest.mark.timeout(900)
NODE = "otter-node-0"


def test_java_is_killed(otter: Otter) -> None:
    nid, before = otter.nid(NODE), otter.kubectl.restarts(NODE)
    otter.signal(NODE, otter.java(NODE)[0], "KILL")
    otter.kubectl.wait(lambda: otter.kubectl.restarts(NODE) == before + 1, "it is restarted")
    end = otter.last_end(NODE)
    assert end["exitCode"] == 137
    assert "SIGKILL" in end["message"]
    otter.settle(1)
    assert otter.nid(NODE) == nid
    assert otter.live() == {nid}
    assert otter.kubectl.restarts(NODE) == before + 1


def test_pid_1_is_killed_from_outside(otter: Otter, own_cluster: Cluster) -> None:
    nid, before = otter.nid(NODE), otter.kubectl.restarts(NODE)
    own_cluster.kill_container(otter.container_identity(NODE))
    otter.kubectl.wait(lambda: otter.kubectl.restarts(NODE) == before + 1, "it is restarted")
    assert otter.last_end(NODE)["exitCode"] == 137
    # The old session lives on for a while; the node waits for its end and is no zombie.
    otter.settle(1)
    assert otter.nid(NODE) == nid
    assert otter.live() == {nid}
    assert otter.kubectl.restarts(NODE) == before + 1


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_pod_is_deleted(otter: Otter, seconds: int) -> None:
    nid, rows = otter.nid(NODE), otter.rows()
    old = otter.kubectl.get("pod", NODE)["metadata"]["uid"]
    force = ["--force"] if seconds == 0 else []
    otter.kubectl("delete", "pod", NODE, f"--grace-period={seconds}", *force, timeout=120)
    otter.kubectl.wait(
        lambda: otter.kubectl.get("pod", NODE)["metadata"]["uid"] != old, "another pod is there"
    )
    otter.settle(1)
    assert otter.nid(NODE) == nid
    assert otter.live() == {nid}
    assert otter.rows() == rows


def test_the_managers_java_is_killed(otter: Otter) -> None:
    manager = otter.pod_of("otter-manager")
    before = otter.kubectl.restarts(manager)
    otter.signal(manager, otter.java(manager)[0], "KILL")
    otter.kubectl.wait(
        lambda: otter.kubectl.restarts(manager) == before + 1, "it is restarted", PATIENCE
    )
    assert otter.last_end(manager)["exitCode"] == 137
    otter.settle(1)
    assert otter.pod_of("otter-manager") == manager
