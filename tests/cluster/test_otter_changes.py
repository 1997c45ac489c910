"""Changes roll through: a restart, an edited file, and nobody loses a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from cluster.dev_overlay import NODES, Otter
from standin.rows import without_channel

pytestmark = pytest.mark.timeout(1200)


def identities(otter: Otter) -> Mapping[str, str]:
    pods = otter.kubectl.list("pods", NODES)
    return {str(pod["metadata"]["name"]): str(pod["metadata"]["uid"]) for pod in pods}


def test_a_rolling_update_keeps_all_nodes_but_one_ready(otter: Otter) -> None:
    otter.scale(2)
    otter.settle(2)
    rows, before = otter.rows(), identities(otter)
    unready: set[frozenset[str]] = set()
    otter.kubectl("rollout", "restart", "statefulset/otter-node")

    def rolled() -> bool:
        now = identities(otter)
        unready.add(frozenset(name for name in before if not otter.kubectl.ready(name)))
        return not set(now.values()) & set(before.values()) and len(now) == 2

    otter.kubectl.wait(rolled, "both pods are new", 400)
    otter.settle(2)
    assert max(map(len, unready)) == 1
    assert otter.live() == {rows["otter-node-0"], rows["otter-node-1"]}
    assert otter.rows() == rows
    assert {name: otter.nid(name) for name in before} == {name: rows[name] for name in before}


def test_an_edited_file_rolls_the_nodes_and_reaches_java(otter: Otter) -> None:
    before, nid = identities(otter), otter.nid("otter-node-0")
    manager = otter.pod_of("otter-manager")
    file = otter.overlay / "node.properties"
    old = file.read_text()
    file.write_text(old.replace("pool.size = 10", "pool.size = 11"))
    try:
        otter.apply()
        otter.kubectl.wait(lambda: identities(otter) != before, "the pod is another")
        otter.settle(1)
        rendered = "/run/entrypoint/conf/otter.properties"
        text = otter.kubectl.execute("otter-node-0", "cat", rendered)
        lines = [line.replace(" ", "") for line in text.splitlines()]
        assert "otter.communication.pool.size=11" in lines
        assert otter.nid("otter-node-0") == nid
        # The manager's file did not change, so the manager did not move.
        assert otter.pod_of("otter-manager") == manager
    finally:
        file.write_text(old)
        otter.apply()
        otter.settle(1)


def resumed(otter: Otter, channel: int) -> bool:
    said = f'errand=resume says="resumed channels: {channel}"'
    return said in otter.kubectl("logs", "otter-node-0")


@pytest.fixture
def channel(otter: Otter) -> Iterator[int]:
    """A channel that runs, on the one node that there is."""
    made = otter.add_channel(otter.nid("otter-node-0"))
    otter.start_channel(made)
    otter.kubectl.wait(lambda: otter.channel_state(made) == "START", "the channel runs")
    yield made
    otter.sql(without_channel(made))


def test_a_channel_goes_on_after_a_roll_out(otter: Otter, channel: int) -> None:
    """Also the second time: the manager's JVM remembers the address of the pod before for 30 s."""
    for _ in range(2):
        before = identities(otter)
        otter.kubectl("rollout", "restart", "statefulset/otter-node")
        otter.kubectl.wait(lambda: otter.channel_state(channel) == "PAUSE", "otter pauses it")
        otter.kubectl.wait(lambda: otter.channel_state(channel) == "START", "it runs again")
        assert not set(identities(otter).values()) & set(before.values())
        otter.kubectl.wait(lambda: resumed(otter, channel), "the node says that it was it")
