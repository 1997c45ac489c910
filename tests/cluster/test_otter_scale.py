"""Scaling is one command: nodes register by themselves, and come back as who they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cluster.dev_overlay import Otter

pytestmark = pytest.mark.timeout(1500)


def test_nodes_keep_their_nids_from_1_to_5_to_2_to_5(otter: Otter) -> None:
    first, restarts = otter.rows()["otter-node-0"], otter.restarts()["otter-node-0"]
    otter.scale(5)
    otter.settle(5)
    rows = otter.rows()
    assert sorted(rows) == [f"otter-node-{ordinal}" for ordinal in range(5)]
    assert rows["otter-node-0"] == first
    assert otter.live() == set(rows.values())
    assert {name: otter.nid(name) for name in rows} == rows

    otter.scale(2)
    otter.settle(2)
    # Gone in an orderly way: no session is left to expire, and no row is taken away.
    assert otter.live() == {rows["otter-node-0"], rows["otter-node-1"]}
    assert otter.rows() == rows

    otter.scale(5)
    otter.settle(5)
    assert otter.rows() == rows
    assert {name: otter.nid(name) for name in rows} == rows
    wanted = dict.fromkeys(rows, 0) | {"otter-node-0": restarts}
    assert {name: otter.restarts()[name] for name in rows} == wanted
