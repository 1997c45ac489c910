"""components/network-policy: what has to pass passes, and nothing else does.

The test cluster accepts policies and enforces none, so they are read here as the API says they work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from rendering import Rendered, Workload  # noqa: TC002 - in a fixture

PROMETHEUS: Mapping[str, str] = {}
"""A pod of another namespace."""


def matches(selector: Mapping, labels: Mapping[str, str]) -> bool:
    return selector.get("matchLabels", {}).items() <= labels.items()


def number(port: object, target: Workload | None) -> object:
    """Return a port's number; a name means the port of that name of the pod that is asked."""
    if isinstance(port, int) or target is None:
        return port
    ports = {
        one["name"]: one["containerPort"]
        for each in target.containers
        for one in each.get("ports", ())
    }
    return ports.get(port)


def has_port(rule: Mapping, port: int, target: Workload | None) -> bool:
    if "ports" not in rule:
        return True
    for one in rule["ports"]:
        first = number(one["port"], target)
        if isinstance(first, int) and first <= port <= one.get("endPort", first):
            return True
    return False


def has_peer(
    peers: list[Mapping] | None, labels: Mapping[str, str] | None, *, inside: bool
) -> bool:
    """Tell whether a peer is meant; `labels` is None for an address outside of the cluster."""
    if peers is None:
        return True
    for one in peers:
        if "namespaceSelector" in one and labels is not None:
            return True
        if (
            "podSelector" in one
            and inside
            and labels is not None
            and matches(one["podSelector"], labels)
        ):
            return True
    return False


def allows(
    rendered: Rendered, source: str | None, target: str | None, port: int, *, inside: bool = True
) -> bool:
    """Tell whether a connection is let out of `source` and into `target`; None is somebody outside."""
    leaves = rendered.workload(source) if source else None
    enters = rendered.workload(target) if target else None
    from_labels = leaves.labels if leaves else (PROMETHEUS if not inside else None)
    to_labels = enters.labels if enters else None
    out = leaves is None or any(
        has_port(rule, port, enters) and has_peer(rule.get("to"), to_labels, inside=True)
        for rule in rules(rendered, leaves, "Egress")
    )
    into = enters is None or any(
        has_port(rule, port, enters) and has_peer(rule.get("from"), from_labels, inside=inside)
        for rule in rules(rendered, enters, "Ingress")
    )
    return out and into


def rules(rendered: Rendered, pod: Workload, direction: str) -> Iterator[Mapping]:
    chosen = [
        one["spec"]
        for one in rendered.of("NetworkPolicy")
        if matches(one["spec"]["podSelector"], pod.labels)
        and direction in one["spec"]["policyTypes"]
    ]
    assert chosen, f"{pod.name}: nothing denies {direction}"
    for one in chosen:
        yield from one.get(direction.lower(), ())


@pytest.fixture
def dev(compositions: dict[str, Rendered]) -> Rendered:
    return compositions["dev"]


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [
        ("otter-node", "otter-manager", 1099),
        ("otter-node", "otter-manager", 8080),
        ("otter-manager", "otter-node", 2088),
        ("otter-manager", "otter-node", 2090),
        ("otter-node", "otter-node", 2089),
        ("otter-manager", "mysql", 3306),
        ("otter-node", "mysql", 3306),
        ("otter-manager", "zookeeper", 2181),
        ("otter-node", "zookeeper", 2181),
        ("otter-node", None, 3306),
        ("otter-manager", None, 3306),
        *(
            (name, None, port)
            for name in ("otter-node", "otter-manager", "mysql")
            for port in (53, 5353)
        ),
        (None, "otter-manager", 8080),
    ],
)
def test_what_otter_needs_passes(dev: Rendered, source: str, target: str, port: int) -> None:
    assert allows(dev, source, target, port)


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [
        ("mysql", "otter-manager", 8080),
        (None, "mysql", 3306),
        (None, "zookeeper", 2181),
        (None, "otter-node", 2088),
        (None, "otter-manager", 9404),
        ("otter-node", None, 22),
        ("otter-manager", None, 443),
        ("otter-node", "otter-manager", 9404),
    ],
)
def test_what_nobody_needs_does_not(dev: Rendered, source: str, target: str, port: int) -> None:
    assert not allows(dev, source, target, port)


@pytest.mark.parametrize("name", ["otter-manager", "otter-node"])
def test_a_prometheus_elsewhere_reads_the_numbers(dev: Rendered, name: str) -> None:
    assert allows(dev, None, name, 9404, inside=False)


def test_with_node_ports_the_outside_reaches_the_nodes(compositions: dict[str, Rendered]) -> None:
    ports = compositions["dev-nodeport"]
    assert allows(ports, None, "otter-node", 30100)
    assert allows(ports, None, "otter-manager", 30080)
    assert allows(ports, "otter-manager", "otter-node", 30104)
    assert allows(ports, "otter-node", "otter-manager", 30080)
