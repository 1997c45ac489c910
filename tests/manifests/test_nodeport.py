"""`entrypoint manifests nodeport`: the committed component is its output, and its numbers are right."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rendering import MANIFESTS, build

from entrypoint.errors import EXIT_USAGE, ProblemsError
from entrypoint.manifests import MOST_NODES, nodeport

COMPONENT = MANIFESTS / "components" / "nodeport"


def test_the_committed_component_is_made_by_the_verb() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "entrypoint", "manifests", "nodeport", "--nodes", "5"],
        cwd=MANIFESTS.parent,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == (COMPONENT / "nodes.yaml").read_text()


def test_as_many_nodes_as_there_are_ports(kustomize: Path, tmp_path: Path) -> None:
    """Through kustomize: what the largest output says is what Kubernetes gets."""
    (tmp_path / "nodes.yaml").write_text(nodeport(MOST_NODES, 30000, "otter-node"))
    (tmp_path / "kustomization.yaml").write_text("resources: [nodes.yaml]\n")
    objects = list(yaml.safe_load_all(build(kustomize, tmp_path)))
    services = {one["metadata"]["name"]: one["spec"] for one in objects if one["kind"] == "Service"}
    assert len(services) == MOST_NODES
    for ordinal in range(MOST_NODES):
        spec = services[f"otter-node-{ordinal}"]
        assert spec["selector"] == {"statefulset.kubernetes.io/pod-name": f"otter-node-{ordinal}"}
        for offset, port in enumerate(spec["ports"]):
            number = 30000 + 3 * ordinal + offset
            assert (port["port"], port["targetPort"], port["nodePort"]) == (number, number, number)
    assert [port["name"] for port in spec["ports"]] == ["node", "download", "mbean"]


def test_base_and_number_are_where_the_pods_read_it() -> None:
    config = next(yaml.safe_load_all(nodeport(7, 31000, "worker")))
    data = {"base": "31000", "nodes": "7"}
    assert (config["metadata"]["name"], config["data"]) == ("worker-ports", data)


@pytest.mark.parametrize(
    ("nodes", "base", "name", "wrong"),
    [
        (0, 30100, "a", "--nodes"),
        (-1, 30100, "a", "--nodes"),
        (MOST_NODES + 1, 30000, "a", "--nodes"),
        (5, 29999, "a", "--base"),
        (5, 32754, "a", "--base"),
        (MOST_NODES, 30003, "a", "--base"),
        (5, 30100, "", "--name"),
        (5, 30100, "Otter", "--name"),
        (5, 30100, "a_b", "--name"),
        (5, 30100, "-a", "--name"),
        (5, 30100, "a-", "--name"),
        (5, 30100, "a: b", "--name"),
        (5, 30100, "1a", "--name"),
        (5, 30100, "a" * 53, "--name"),
        (5, 30100, "é", "--name"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(nodes: int, base: int, name: str, wrong: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        nodeport(nodes, base, name)
    (problem,) = caught.value.problems
    assert problem.what == f"{wrong} does not fit"
    assert problem.exit_code == EXIT_USAGE


def test_the_last_port_of_the_range_can_be_used() -> None:
    assert "nodePort: 32767}" in nodeport(5, 32767 - 14, "a" * 52)
