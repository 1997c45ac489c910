"""otter in a cluster as the tests see it: the dev overlay with the stand-in's images, and its truths.

What is true is asked of those who know it: the manager's table, ZooKeeper, the API server.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab import containers, images, net
from lab.cache import LabError
from lab.kubernetes.kubectl import Kubectl, Object
from lab.kubernetes.target import Target, load_images
from lab.zookeeper_client import ZooKeeperClient
from standin.browser import Browser

MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"
NAMESPACE = "otter-dev"
OWN_IMAGES = ("otter-manager", "otter-node", "zookeeper")
# By these names in the manifests: a cluster without a registry gets ours instead.
OFFICIAL = ("mariadb", "zookeeper")
NODES = "app.kubernetes.io/name=otter-node"
# What components/nodeport makes for the nodes.
EXPOSING = "app.kubernetes.io/component=node-port"
PATIENCE = 300.0
# In the overlay for all to read.
ADMIN_PASSWORD = "example-admin-password"
# What ZooKeeper keeps of a killed node; otter's own 60 s would be waited out by every test that kills one.
SESSION = "12s"
# How long such a session is gone until the node is not live; a user's node has two minutes.
LOST_AFTER = "15s"
# Of a process in a container that has no ps: its pid and its command line.
LIST_JAVA = """
import json, os
found = []
for pid in filter(str.isdecimal, os.listdir("/proc")):
    try:
        argv = open(f"/proc/{pid}/cmdline").read().split("\\0")
    except OSError:
        continue
    if argv[0].endswith("/java"):
        found.append([int(pid), argv])
print(json.dumps(found))
"""


def replacement(reference: str) -> Object:
    """Return what has kustomize take an image of ours, which may stand for an official one."""
    name, _, tag = reference.rpartition(":")
    short = name.rpartition("/")[2]
    return {"name": short if short in OFFICIAL else name, "newName": name, "newTag": tag}


class Otter:
    """The dev overlay in a cluster; `folder` holds a copy of the manifests that tests may change."""

    def __init__(self, cluster: Target, folder: Path) -> None:
        self.cluster = cluster
        self.kubectl: Kubectl = cluster.kubectl.within(NAMESPACE)
        self.folder = folder
        self.overlay = folder / "overlays" / "dev"
        # As a user's own overlay does: ours, with other tags.
        self._applied = folder / "overlays" / "test"
        self.images: Mapping[str, str] = {}
        self.first_restarts: Mapping[str, int] = {}

    def bring_up(self) -> None:
        """Build the images, give them to the cluster, apply, return when everything is ready."""
        if self.cluster.kubectl.exists("namespace", NAMESPACE):
            raise LabError(
                f"namespace {NAMESPACE} is there already: it is not the tests' to change"
            )
        self.images = images.build(OWN_IMAGES)
        mariadb = containers.build_mariadb("dev")
        load_images(self.cluster, *self.images.values(), mariadb)
        shutil.copytree(MANIFESTS, self.folder, dirs_exist_ok=True)
        # The manager resumes paused channels itself after a while: here only the node does.
        file = self.overlay / "manager.properties"
        recovers = "otter.manager.monitor.recovery.paused = "
        file.write_text(file.read_text().replace(f"{recovers}true", f"{recovers}false"))
        changes = [replacement(reference) for reference in (*self.images.values(), mariadb)]
        self._applied.mkdir()
        (self._applied / "kustomization.yaml").write_text(
            json.dumps({"resources": ["../dev"], "images": changes, "patches": _impatient()})
        )
        self.apply()
        self.settle(1)
        self.first_restarts = self.restarts()

    def apply(self) -> None:
        """Apply the overlay as it is in `folder` now."""
        self.kubectl("apply", "-k", str(self._applied))

    def expose(self, component: str = "", *patches: Object) -> None:
        """Apply the overlay with a component that makes it reached from outside, or with none again.

        `patches` are what the overlay of a user changes of that component.
        """
        file = self.overlay / "kustomization.yaml"
        text = (MANIFESTS / "overlays" / "dev" / file.name).read_text()
        if component:
            text = text.replace(
                "components:\n", f"components:\n  - ../../components/{component}\n", 1
            )
        for patch in patches:
            entry = json.dumps({"patch": json.dumps(patch)})
            text = text.replace("patches:\n", f"patches:\n  - {entry}\n", 1)
        file.write_text(text)
        if not component:
            # An apply takes away nothing.
            self.kubectl("delete", "services,configmaps", "-l", EXPOSING)
            self.kubectl("delete", "service", "otter-manager-external", "--ignore-not-found")
        self.apply()

    def take_down(self) -> None:
        """Remove the namespace and all in it."""
        self.kubectl("delete", "namespace", NAMESPACE, "--grace-period=1", timeout=120)

    def settle(self, nodes: int | None = None) -> None:
        """Return when everything that is wanted is there and ready, and nothing else is."""

        def settled() -> bool:
            # One look for all: each is a process, and takes what the pods need to start.
            found = self.kubectl.list("deployments,statefulsets,pods")
            workloads = [one for one in found if one["kind"] != "Pod"]
            (wanted,) = (one for one in workloads if one["kind"] == "StatefulSet")
            if nodes is not None and wanted["spec"]["replicas"] != nodes:
                self.scale(nodes)
                return False
            pods = [one for one in found if _is_node(one)]
            return all(map(_complete, workloads)) and len(pods) == wanted["spec"]["replicas"]

        try:
            self.kubectl.wait(settled, "all of otter is ready", PATIENCE)
        except LabError as error:
            raise LabError(f"{error}\n{self.evidence()}") from None

    def scale(self, nodes: int) -> None:
        """Ask for that many nodes: the one command a user gives."""
        self.kubectl("scale", "statefulset", "otter-node", f"--replicas={nodes}")

    def pods(self) -> Sequence[str]:
        """Return the names of the node pods there are, also of those that are ending."""
        return [str(pod["metadata"]["name"]) for pod in self.kubectl.list("pods", NODES)]

    def pod_of(self, name: str) -> str:
        """Return the one pod of a Deployment that is not ending."""
        pods = self.kubectl.list("pods", f"app.kubernetes.io/name={name}")
        (found,) = (
            str(pod["metadata"]["name"])
            for pod in pods
            if "deletionTimestamp" not in pod["metadata"]
        )
        return found

    def sql(self, statement: str) -> list[list[str]]:
        """Return the rows of a query in the manager's database."""
        command = 'mariadb -uotter -p"$MARIADB_PASSWORD" otter -N -B -e "$0"'
        answer = self.kubectl.execute(self.pod_of("mysql"), "sh", "-c", command, statement)
        return [line.split("\t") for line in answer.splitlines()]

    def rows(self) -> Mapping[str, int]:
        """Return the manager's nodes: the nid by name; two rows of a name fail."""
        rows = self.sql("SELECT NAME, ID FROM NODE")
        found = {name: int(nid) for name, nid in rows}
        assert len(found) == len(rows), f"a name has two rows: {rows}"
        return found

    def live(self, target: str = "service/zookeeper") -> set[int]:
        """Return the nids that have a session; `target` is the pod while its Service leads nowhere."""
        with self.zookeeper(target) as session:
            return {int(nid) for nid in session.children("/otter/node")}

    def add_channel(self, nid: int) -> int:
        """Make a channel with one pipeline that runs on the node; return its number."""
        rows = self.sql(
            f"INSERT INTO CHANNEL (NAME) VALUES ('channel-{nid}'); SET @channel = LAST_INSERT_ID();"
            " INSERT INTO PIPELINE (NAME, CHANNEL_ID) VALUES ('pipeline', @channel);"
            " INSERT INTO PIPELINE_NODE_RELATION (NODE_ID, PIPELINE_ID, LOCATION)"
            f" VALUES ({nid}, LAST_INSERT_ID(), 'SELECT'); SELECT @channel"
        )
        return int(rows[0][0])

    def start_channel(self, channel: int) -> None:
        """Follow the link that starts a channel, as a person does on the manager's page."""
        page = "channelList.htm?action=channelAction&eventSubmitDoStatus=true&status=start"
        with self.forwarded("service/otter-manager", 8080) as port:
            browser = Browser(port)
            browser.log_in("admin", ADMIN_PASSWORD)
            browser.get(f"{page}&channelId={channel}")

    def channel_state(self, channel: int) -> str:
        """Return what ZooKeeper says of a channel: START, PAUSE or STOP."""
        with self.zookeeper() as session:
            return str(json.loads(session.get(f"/otter/channel/{channel}")))

    def nid(self, pod: str) -> int:
        """Return the nid that the pod's java runs with."""
        (found,) = re.findall(r"(?m)^-Dnid=(\d+)$", "\n".join(self.java(pod)[1]))
        return int(found)

    def java(self, pod: str) -> tuple[int, Sequence[str]]:
        """Return pid and command line of the pod's java."""
        processes = json.loads(self.kubectl.execute(pod, "python3", "-c", LIST_JAVA))
        ((pid, argv),) = processes
        return int(pid), argv

    def signal(self, pod: str, pid: int, name: str) -> None:
        """Send a signal to a process of the pod."""
        self.kubectl.execute(pod, "sh", "-c", f"kill -{name} {pid}")

    def status(self, pod: str) -> Object:
        """Return what entrypoint says of itself in the pod."""
        thing: Object = json.loads(
            self.kubectl.execute(pod, "entrypoint", "status", "--output", "json")
        )
        return thing

    def identity(self, pod: str) -> str:
        """Return the uid of the pod: another one of the same name has another."""
        return str(self.kubectl.get("pod", pod)["metadata"]["uid"])

    def container_identity(self, pod: str) -> str:
        """Return the identity of the pod's container at the container runtime."""
        (status,) = self.kubectl.get("pod", pod)["status"]["containerStatuses"]
        return str(status["containerID"].rpartition("/")[2])

    def last_end(self, pod: str) -> Object:
        """Return how the pod's container ended last: exitCode, reason, message."""
        (status,) = self.kubectl.get("pod", pod)["status"]["containerStatuses"]
        ended: Object = status["lastState"]["terminated"]
        return ended

    def events(self, identity: str) -> Mapping[str, int]:
        """Return how often each reason was told of the pod with that uid."""
        chosen = f"--field-selector=involvedObject.uid={identity}"
        told = json.loads(self.kubectl("get", "events", chosen, "-o", "json"))["items"]
        counts: Counter[str] = Counter()
        for event in told:
            counts[event["reason"]] += event.get("count") or 1
        return counts

    def restarts(self) -> Mapping[str, int]:
        """Return how often each pod's container was restarted."""
        names = [str(pod["metadata"]["name"]) for pod in self.kubectl.list("pods")]
        return {name: self.kubectl.restarts(name) for name in names}

    @contextmanager
    def zookeeper(self, target: str = "service/zookeeper") -> Iterator[ZooKeeperClient]:
        """Yield a session of the cluster's ZooKeeper."""
        with (
            self.forwarded(target, 2181) as port,
            ZooKeeperClient(net.LOOPBACK, port) as session,
        ):
            yield session

    @contextmanager
    def forwarded(self, target: str, port: int) -> Iterator[int]:
        """Yield a port of this machine's loopback that leads there."""
        here = net.free_port()
        words = ["--kubeconfig", str(self.kubectl.kubeconfig), "--namespace", NAMESPACE]
        forwarder = subprocess.Popen(
            [str(self.kubectl.program), *words, "port-forward", target, f"{here}:{port}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            net.wait_until(lambda: net.accepts(here), 30, f"kubectl port-forward {target}")
            yield here
        finally:
            forwarder.kill()
            forwarder.wait()

    @contextmanager
    def away(self, name: str) -> Iterator[None]:
        """Make the one pod of a Service unreachable for the others while the block runs.

        Its Service leads nowhere, and its server starts anew, so that no connection is left; what it
        keeps in the pod's volumes is there after.
        """
        self._select(name, {"test": "away"})
        try:
            self.kubectl.execute(self.pod_of(name), "sh", "-c", "kill -TERM 1")
            yield
        finally:
            self._select(name, {"test": None})

    def _select(self, name: str, change: Mapping[str, str | None]) -> None:
        patch = json.dumps({"spec": {"selector": dict(change)}})
        self.kubectl("patch", "service", name, "--type=merge", "-p", patch)

    def evidence(self) -> str:
        """Return what is needed to understand a failure: the ends of all logs."""
        parts = []
        for pod in self.kubectl.list("pods"):
            name = str(pod["metadata"]["name"])
            log = self.kubectl("logs", name, "--tail=40", "--all-containers")
            parts.append(f"---- {name}\n{log}")
        return "\n".join(parts)


def _impatient() -> list[Object]:
    """Return the patches that make the overlay quick; budgets of a start stay as long as they are."""
    otter = [
        {"op": "replace", "path": "/spec/minReadySeconds", "value": 5},
        {
            "op": "add",
            "path": "/spec/template/spec/containers/0/env/-",
            "value": {"name": "OTTER_ZOOKEEPER_SESSION_TIMEOUT", "value": SESSION},
        },
    ]
    lost = {"name": "OTTER_ZOOKEEPER_SESSION_LOST_AFTER", "value": LOST_AFTER}
    node = [{"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": lost}]
    workload = "Deployment|StatefulSet"
    return [
        {
            "target": {"kind": workload, "name": "otter-.*"},
            "patch": json.dumps([*_often(420), *otter]),
        },
        {"target": {"kind": "StatefulSet", "name": "otter-node"}, "patch": json.dumps(node)},
        {"target": {"kind": workload, "name": "mysql|zookeeper"}, "patch": json.dumps(_often(120))},
    ]


def _often(seconds: int) -> list[Object]:
    """Return the changes that let the kubelet ask every second, and give a start that many."""
    values = {
        "startupProbe/periodSeconds": 1,
        "startupProbe/failureThreshold": seconds,
        "readinessProbe/periodSeconds": 1,
    }
    container = "/spec/template/spec/containers/0"
    return [
        {"op": "replace", "path": f"{container}/{name}", "value": value}
        for name, value in values.items()
    ]


def _is_node(thing: Object) -> bool:
    """Tell whether it is a pod of NODES."""
    name, _, value = NODES.partition("=")
    return bool(thing["kind"] == "Pod" and thing["metadata"]["labels"].get(name) == value)


def _complete(workload: Object) -> bool:
    """Tell whether a Deployment or StatefulSet has come to its end: seen, updated, all ready."""
    status, wanted = workload["status"], workload["spec"]["replicas"]
    seen = status.get("observedGeneration", 0) >= workload["metadata"]["generation"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")]
    if workload["kind"] == "StatefulSet":
        seen = seen and status.get("currentRevision") == status.get("updateRevision")
    return seen and all(count == wanted for count in counts)
