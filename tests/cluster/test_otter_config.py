"""A ConfigMap that changes below a running pod, mounted as a whole folder: told, or followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cluster.dev_overlay import Otter
    from lab.kubernetes.kubectl import Kubectl, Object

pytestmark = pytest.mark.timeout(600)
# A file of this folder is the value of the setting that it is named after.
FOLDER = "/run/config"
SETTING = "tick.time"
PODS = ("tells", "stops")
SCRAPE = """
import urllib.request
text = urllib.request.urlopen("http://127.0.0.1:9404/metrics", timeout=10).read().decode()
print(*[line for line in text.splitlines() if line.startswith("entrypoint_config_changed ")])
"""


def config(value: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "config"},
        "data": {SETTING: value},
    }


def server(name: str, image: str, on_change: str) -> Object:
    """Return a pod of the image that ends on a change, or only tells it."""
    places = {"config": FOLDER, "run": "/run/entrypoint", "data": "/data", "tmp": "/tmp"}
    memory = {"emptyDir": {"medium": "Memory"}}
    volumes = dict.fromkeys(places, memory) | {"config": {"configMap": {"name": "config"}}}
    container = {
        "name": "zookeeper",
        "image": image,
        "imagePullPolicy": "Never",
        "env": [{"name": "ENTRYPOINT_ON_CHANGE", "value": on_change}],
        "resources": {"limits": {"memory": "384Mi"}},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 9404}, "periodSeconds": 1},
        "volumeMounts": [{"name": key, "mountPath": path} for key, path in places.items()],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    user = {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "containers": [container],
            "volumes": [{"name": key, **volume} for key, volume in volumes.items()],
            "securityContext": {**user, "seccompProfile": {"type": "RuntimeDefault"}},
        },
    }


def tick_time(kubectl: Kubectl, pod: str) -> str:
    """Return the value that java was started with."""
    text = kubectl.execute(pod, "cat", "/run/entrypoint/conf/zoo.cfg")
    (line,) = (line for line in text.splitlines() if line.startswith("tickTime="))
    return line.partition("=")[2]


def changed(kubectl: Kubectl, pod: str) -> bool | None:
    """Tell whether the pod's metric says so; None before the first comparison."""
    answer = kubectl.execute(pod, "python3", "-c", SCRAPE).split()
    return float(answer[1]) == 1 if answer else None


def test_a_change_is_told_and_followed_where_that_is_asked_for_and_it_can_be_used(
    deployed: Otter, namespace: Kubectl
) -> None:
    image = deployed.images["zookeeper"]
    namespace.apply(config("2000"), server("tells", image, "tell"), server("stops", image, "stop"))
    namespace.wait(lambda: all(map(namespace.ready, PODS)), "both are ready")
    namespace.wait(
        lambda: all(changed(namespace, pod) is False for pod in PODS), "both have compared"
    )

    # No value of the setting: it is told by both, and stops neither.
    namespace.apply(config("nonsense"))
    namespace.wait(lambda: all(changed(namespace, pod) for pod in PODS), "both tell it")
    namespace.wait(
        lambda: "New configuration not taken" in namespace("logs", "stops"), "it is refused"
    )
    assert "tick.time" in namespace("logs", "stops")
    assert [namespace.restarts(pod) for pod in PODS] == [0, 0]

    namespace.apply(config("3000"))
    namespace.wait(lambda: namespace.restarts("stops") == 1, "the container is started again")
    (status,) = namespace.get("pod", "stops")["status"]["containerStatuses"]
    end = status["lastState"]["terminated"]
    assert (end["exitCode"], end["reason"]) == (0, "Completed")
    assert f"(configuration changed: {FOLDER}/{SETTING})" in end["message"]
    namespace.wait(lambda: namespace.ready("stops"), "it is ready again")
    assert tick_time(namespace, "stops") == "3000"
    namespace.wait(lambda: changed(namespace, "stops") is False, "it runs with the new one")

    assert namespace.restarts("tells") == 0
    assert tick_time(namespace, "tells") == "2000"
    assert changed(namespace, "tells")
    said = namespace.execute("tells", "entrypoint", "status")
    assert f"config changed: {FOLDER}/{SETTING}" in " ".join(said.split())
