"""kill -9 at every level: what Kubernetes shows of it is true, and the node comes back as who it was."""

from __future__ import annotations

import pytest

from cluster.dev_overlay import PATIENCE, Otter
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.kubectl import Object

pytestmark = pytest.mark.timeout(900)
NODE = "otter-node-0"


def wait_for_restart(otter: Otter, pod: str, before: int) -> Object:
    """Return how the pod's container ended, as soon as it was started again, once."""
    otter.kubectl.wait(
        lambda: otter.kubectl.restarts(pod) == before + 1, f"{pod} is restarted", PATIENCE
    )
    return otter.last_end(pod)


def is_who_it_was(otter: Otter, nid: int, restarts: int) -> None:
    """Hold the node, once all is ready, to its number, its session, and no other restart."""
    otter.settle(1)
    assert otter.nid(NODE) == nid
    assert otter.live() == {nid}
    assert otter.kubectl.restarts(NODE) == restarts


def test_java_is_killed(otter: Otter) -> None:
    nid, before = otter.nid(NODE), otter.kubectl.restarts(NODE)
    identity = otter.identity(NODE)
    started = otter.events(identity)["Started"]
    otter.signal(NODE, otter.java(NODE)[0], "KILL")
    end = wait_for_restart(otter, NODE, before)
    assert (end["exitCode"], end["reason"]) == (137, "Error")
    assert "java was ended by SIGKILL (137)" in end["message"]
    assert "SIGKILL (137), not by entrypoint" in end["message"]
    is_who_it_was(otter, nid, before + 1)
    # It was started once more, and nothing of it was the kubelet's doing.
    otter.kubectl.wait(lambda: otter.events(identity)["Started"] == started + 1, "it is told")
    assert "Killing" not in otter.events(identity)


def test_a_node_that_is_told_to_stop_ends_well(otter: Otter) -> None:
    nid, before = otter.nid(NODE), otter.kubectl.restarts(NODE)
    otter.signal(NODE, 1, "TERM")
    end = wait_for_restart(otter, NODE, before)
    assert (end["exitCode"], end["reason"]) == (0, "Completed")
    assert "after SIGTERM" in end["message"]
    is_who_it_was(otter, nid, before + 1)


def test_pid_1_is_killed_from_outside(otter: Otter, own_cluster: Cluster) -> None:
    nid, before = otter.nid(NODE), otter.kubectl.restarts(NODE)
    own_cluster.kill_container(otter.container_identity(NODE))
    end = wait_for_restart(otter, NODE, before)
    # Nobody was left to write why.
    assert (end["exitCode"], end.get("message")) == (137, None)
    # The old session lives on for a while; the node waits for its end and is no zombie.
    is_who_it_was(otter, nid, before + 1)


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_pod_is_deleted(otter: Otter, seconds: int) -> None:
    nid, rows = otter.nid(NODE), otter.rows()
    old = otter.identity(NODE)
    force = ["--force"] if seconds == 0 else []
    otter.kubectl("delete", "pod", NODE, f"--grace-period={seconds}", *force, timeout=120)
    otter.kubectl.wait(lambda: otter.identity(NODE) != old, "another pod is there")
    is_who_it_was(otter, nid, 0)
    assert otter.rows() == rows
    if seconds:
        assert otter.events(old)["Killing"] == 1


def test_the_managers_java_is_killed(otter: Otter) -> None:
    manager = otter.pod_of("otter-manager")
    before = otter.kubectl.restarts(manager)
    otter.signal(manager, otter.java(manager)[0], "KILL")
    end = wait_for_restart(otter, manager, before)
    assert (end["exitCode"], end["reason"]) == (137, "Error")
    assert "java was ended by SIGKILL (137)" in end["message"]
    otter.settle(1)
    assert otter.pod_of("otter-manager") == manager
    assert otter.kubectl.restarts(manager) == before + 1
