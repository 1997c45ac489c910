"""One apply brings otter up, and what Kubernetes shows of it is the truth."""

from __future__ import annotations

import pytest

from cluster.dev_overlay import NAMESPACE, Otter

pytestmark = pytest.mark.timeout(900)


def test_one_apply_is_enough(otter: Otter) -> None:
    nid = otter.rows()["otter-node-0"]
    assert otter.nid("otter-node-0") == nid
    assert otter.live() == {nid}


def test_nothing_was_restarted_on_the_way(deployed: Otter) -> None:
    # The parts came up in any order and waited for each other.
    assert set(deployed.first_restarts.values()) == {0}


def test_a_node_is_registered_under_a_name_that_stays(otter: Otter) -> None:
    ((address,),) = otter.sql("SELECT IP FROM NODE WHERE NAME = 'otter-node-0'")
    assert address == f"otter-node-0.otter-node.{NAMESPACE}.svc"


def servers(otter: Otter) -> set[str]:
    """Return the identities of all pods."""
    return {str(pod["metadata"]["uid"]) for pod in otter.kubectl.list("pods")}


def test_the_same_apply_again_changes_nothing(otter: Otter) -> None:
    before, rows = servers(otter), otter.rows()
    otter.apply()
    otter.settle(1)
    assert otter.rows() == rows
    assert servers(otter) == before


def test_passwords_are_in_no_config_map_and_no_command_line(otter: Otter) -> None:
    texts = [str(found["data"]) for found in otter.kubectl.list("configmaps")]
    texts.append(" ".join(otter.java("otter-node-0")[1]))
    for password in ("example-database-password", "example-admin-password"):
        assert not [text for text in texts if password in text]
