"""Reached from outside: every node by three ports of its own, under the address that it is registered with.

The last of otter's tests by name: going back takes a roll-out that nobody has to wait for.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping

import pytest

from cluster.dev_overlay import NAMESPACE, Otter
from entrypoint.errors import EXIT_CONFIG
from lab import net
from lab.kubernetes.kubectl import Object

pytestmark = pytest.mark.timeout(900)
BASE, MANAGER, DUBBO = 30100, 30080, 30099
PORTS = "otter-node-ports"
BALANCER = f"balancer.{NAMESPACE}.svc"
ADDRESS: Object = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "otter-external-address"},
    "data": {"address": BALANCER},
}
# Exit 0 when every ADDRESS:PORT that is named accepts.
CONNECT = """
import socket, sys
for word in sys.argv[1:]:
    address, _, port = word.rpartition(":")
    socket.create_connection((address, int(port)), 10).close()
"""


@pytest.fixture(scope="module", autouse=True)
def _as_it_was(deployed: Otter) -> Iterator[None]:
    """Leave the overlay as it came."""
    yield
    deployed.expose()


def balancer(machine: str) -> tuple[Object, Object]:
    """Return a name that leads to the machine, whose own ports are what is balanced over."""
    headless = {"clusterIP": "None", "ports": [{"port": BASE}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "balancer"}}
    labels = {"kubernetes.io/service-name": "balancer"}
    return {**service, "spec": headless}, {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "balancer", "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [machine]}],
        "ports": [{"port": BASE}],
    }


def numbered(nodes: int) -> str:
    """Return the patch that says how many nodes have node ports."""
    return json.dumps({"data": {"nodes": str(nodes)}})


def ports(ordinal: int) -> list[int]:
    return [BASE + 3 * ordinal + offset for offset in range(3)]


def wait_for(machine: str, port: int, accepted: bool = True) -> None:
    """Return when the machine's port accepts, or does not any more."""
    what = f"{machine}:{port} {'accepts' if accepted else 'is refused'}"
    net.wait_until(lambda: net.accepts(port, machine) is accepted, 30, what)


def registered(otter: Otter) -> Mapping[str, tuple[str, str, list[int]]]:
    """Return address, external address and ports of every node in the manager's table, by name."""
    found = {}
    for name, address, port, text in otter.sql("SELECT NAME, IP, PORT, PARAMETERS FROM NODE"):
        more: Object = json.loads(text)
        numbers = [int(port), int(more["downloadPort"]), int(more["mbeanPort"])]
        external = str(more["externalIp"]) if more["useExternalIp"] else ""
        found[name] = (address, external, numbers)
    return found


def test_manager_and_nodes_are_reached_by_ports_of_their_own(deployed: Otter) -> None:
    otter, machine = deployed, deployed.cluster.node_address
    otter.settle(1)
    nids = otter.rows()
    otter.expose("nodeport")
    otter.scale(2)
    otter.settle(2)
    host = str(otter.kubectl.get("pod", "otter-node-0")["status"]["hostIP"])
    found = registered(otter)
    for ordinal in range(2):
        name = f"otter-node-{ordinal}"
        assert found[name] == (host, host, ports(ordinal))
        for port in ports(ordinal):
            wait_for(machine, port)
    # Not by chance the same pod behind both.
    slices = otter.kubectl.list("endpointslices", "kubernetes.io/service-name=otter-node-1")
    targets = {end["targetRef"]["name"] for one in slices for end in one["endpoints"]}
    assert targets == {"otter-node-1"}

    with urllib.request.urlopen(f"http://{machine}:{MANAGER}/login.htm", timeout=30) as answer:
        assert answer.status == 200
    assert net.accepts(DUBBO, machine)
    # Who dials what is registered finds them: the manager, and the nodes each other and themselves.
    dialled = [f"{host}:{port}" for ordinal in range(2) for port in ports(ordinal)]
    for pod in (otter.pod_of("otter-manager"), "otter-node-0", "otter-node-1"):
        otter.kubectl.execute(pod, "python3", "-c", CONNECT, *dialled)
    # A number belongs to the name, whatever its address is.
    now = otter.rows()
    assert {name: now[name] for name in nids} == nids
    assert otter.live() == {now["otter-node-0"], now["otter-node-1"]}


def test_a_node_beyond_the_node_ports_is_refused_until_there_are_more(deployed: Otter) -> None:
    otter, name = deployed, "otter-node-1"
    before = otter.rows()
    otter.kubectl("patch", "configmap", PORTS, "--type=merge", "-p", numbered(1))
    # Its predecessor was started when there were two.
    otter.kubectl("delete", "pod", name)

    def refused() -> bool:
        found = [pod for pod in otter.kubectl.list("pods") if pod["metadata"]["name"] == name]
        statuses = [one for pod in found for one in pod["status"].get("containerStatuses", ())]
        return any(one["lastState"].get("terminated") for one in statuses)

    otter.kubectl.wait(refused, f"{name} is refused", 120)
    end = otter.last_end(name)
    assert end["exitCode"] == EXIT_CONFIG
    assert "`entrypoint manifests nodeport --nodes N` makes more" in " ".join(
        end["message"].split()
    )
    assert otter.kubectl.ready("otter-node-0")
    # It starts by itself when there are more.
    otter.kubectl("patch", "configmap", PORTS, "--type=merge", "-p", numbered(2))
    otter.settle(2)
    assert otter.rows() == before


def test_behind_a_balancer_nodes_are_registered_with_its_address(deployed: Otter) -> None:
    otter, machine = deployed, deployed.cluster.node_address
    nids = otter.rows()
    otter.kubectl.apply(*balancer(machine))
    otter.expose("external-lb", ADDRESS)
    otter.settle(1)
    assert registered(otter)["otter-node-0"] == (BALANCER, BALANCER, ports(0))
    service = otter.kubectl.get("service", "otter-node-0")["spec"]
    assert service["externalTrafficPolicy"] == "Cluster"
    for port in ports(0):
        wait_for(machine, port)
    dialled = [f"{BALANCER}:{port}" for port in ports(0)]
    for pod in (otter.pod_of("otter-manager"), "otter-node-0"):
        otter.kubectl.execute(pod, "python3", "-c", CONNECT, *dialled)
    # The ports of a node that is away lead to no other one.
    for port in ports(1):
        wait_for(machine, port, accepted=False)
    assert otter.rows() == nids
