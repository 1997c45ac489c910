"""The cluster itself: what the other tests rely on is there, and it is the real thing."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from lab.kubernetes.cluster import Cluster
from lab.kubernetes.kubectl import Kubectl, Object
from lab.kubernetes.layout import PROBE_IMAGE
from lab.net import wait_until

PORT = 8080
PROBE = {"periodSeconds": 1, "failureThreshold": 2, "timeoutSeconds": 5}


@pytest.fixture(autouse=True)
def _own(own_cluster: Cluster) -> None:
    """Every test here is about our own cluster."""


def pod_spec(**changes: object) -> dict[str, object]:
    """Return the spec of a pod that Pod Security "restricted" lets in."""
    container = {
        "name": "probe",
        "image": PROBE_IMAGE,
        "imagePullPolicy": "Never",
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": PORT}, **PROBE},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "readOnlyRootFilesystem": True,
        },
        **changes,
    }
    return {
        "containers": [container],
        "terminationGracePeriodSeconds": 5,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
    }


def pod(name: str, **changes: object) -> Object:
    labels = {"app": name}
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec(**changes)}


def service(name: str, **spec: object) -> Object:
    ports = [{"port": PORT}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": ports, **spec},
    }


def stateful_set(name: str, replicas: int) -> Object:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "serviceName": name,
            "selector": {"matchLabels": labels},
            "podManagementPolicy": "Parallel",
            "template": {"metadata": {"labels": labels}, "spec": pod_spec()},
        },
    }


def running(kubectl: Kubectl, thing: Object) -> str:
    """Apply a pod, wait until it is ready, return its name."""
    kubectl.apply(thing)
    name = str(thing["metadata"]["name"])
    kubectl.wait(lambda: kubectl.ready(name), f"pod {name} is ready")
    return name


def test_a_pod_runs_and_logs_and_exec_work(namespace: Kubectl) -> None:
    name = running(namespace, pod("one"))
    assert namespace("logs", name) == "serving on :8080\n"
    assert namespace.execute(name, "/probe", "get", "http://127.0.0.1:8080/") == "one\n"


def test_names_of_a_headless_service_lead_to_single_pods(namespace: Kubectl) -> None:
    namespace.apply(service("web", clusterIP="None"), stateful_set("web", 2))
    namespace.wait(lambda: namespace.ready("web-0") and namespace.ready("web-1"), "both are ready")
    for name in ("web-0", "web-1"):
        answer = namespace.execute("web-0", "/probe", "get", f"http://{name}.web:8080/")
        assert answer == f"{name}\n"
    address = namespace.get("pod", "web-1")["status"]["podIP"]
    full = f"web-1.web.{namespace.namespace}.svc.cluster.local"
    assert namespace.execute("web-0", "/probe", "lookup", full) == f"{address}\n"


def test_a_name_outside_does_not_exist(namespace: Kubectl) -> None:
    name = running(namespace, pod("one"))
    said = namespace.refusal("exec", name, "--", "/probe", "lookup", "example.org")
    assert "no such host" in said


def test_a_pod_reaches_itself_and_others_through_a_service(namespace: Kubectl) -> None:
    namespace.apply(service("web"))
    name = running(namespace, pod("web"))
    other = running(namespace, pod("other"))
    for source in (name, other):
        assert namespace.execute(source, "/probe", "get", "http://web:8080/") == "web\n"


def test_a_node_port_is_reached_from_this_machine(namespace: Kubectl, own_cluster: Cluster) -> None:
    running(namespace, pod("web"))
    namespace.apply(service("web", type="NodePort"))
    port = namespace.get("service", "web")["spec"]["ports"][0]["nodePort"]
    url = f"http://{own_cluster.node_address}:{port}/"

    def answers() -> bool:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.read() == b"web\n")

    wait_until(answers, 30, url)


def test_readiness_takes_a_pod_out_of_its_service_and_liveness_restarts_it(
    namespace: Kubectl,
) -> None:
    live = {"httpGet": {"path": "/healthz", "port": PORT}, **PROBE, "failureThreshold": 4}
    name = running(namespace, pod("web", livenessProbe=live))
    namespace.execute(name, "/probe", "get", "http://127.0.0.1:8080/break")
    namespace.wait(lambda: not namespace.ready(name), "the pod is not ready")
    namespace.wait(lambda: namespace.restarts(name) == 1, "it is restarted")
    namespace.wait(lambda: namespace.ready(name), "it is ready again")
    assert "told to end" in namespace("logs", name, "--previous")


def test_pod_security_restricted_is_enforced(namespace: Kubectl) -> None:
    loose = pod("loose", securityContext={})
    with pytest.raises(Exception, match="violates PodSecurity") as refused:
        namespace.apply(loose)
    assert "allowPrivilegeEscalation" in str(refused.value)
    assert not namespace.exists("pod", "loose")


def test_a_misspelt_field_is_refused_by_a_server_side_dry_run(
    namespace: Kubectl, tmp_path: Path
) -> None:
    manifest = tmp_path / "pod.yaml"
    manifest.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containerz: [], containers: []}\n"
    )
    said = namespace.refusal("apply", "--dry-run=server", "--validate=strict", "-f", str(manifest))
    assert "containerz" in said


def test_a_disruption_budget_holds_an_eviction_back(namespace: Kubectl) -> None:
    running(namespace, pod("web"))
    namespace.apply(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "web"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
        }
    )
    namespace.wait(
        lambda: namespace.get("pdb", "web")["status"].get("currentHealthy") == 1, "it is counted"
    )
    path = f"/api/v1/namespaces/{namespace.namespace}/pods/web/eviction"
    eviction = (
        '{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": '
        f'{{"name": "web", "namespace": "{namespace.namespace}"}}}}'
    )
    said = namespace.refusal("create", "--raw", path, "-f", "-", text=eviction)
    assert "disruption budget" in said
    assert namespace.ready("web")


def with_volume(thing: Object, volume: Object) -> Object:
    """Return the pod with the volume mounted at /mounted."""
    return {**thing, "spec": {**thing["spec"], "volumes": [{"name": "it", **volume}]}}


MOUNT = [{"name": "it", "mountPath": "/mounted"}]


def test_a_claim_is_bound_and_outlives_a_pod_of_any_user(namespace: Kubectl) -> None:
    namespace.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        }
    )
    claim = {"persistentVolumeClaim": {"claimName": "data"}}
    thing = with_volume(pod("one", volumeMounts=MOUNT), claim)
    name = running(namespace, thing)
    namespace.execute(name, "/probe", "write", "/mounted/file", "kept")
    namespace("delete", "pod", name)
    running(namespace, thing)
    assert namespace.execute(name, "/probe", "cat", "/mounted/file") == "kept"


def test_a_changed_config_map_reaches_the_mounted_file(namespace: Kubectl) -> None:
    def config(value: str) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "config"},
            "data": {"file": value},
        }

    volume = {"configMap": {"name": "config"}}
    thing = with_volume(pod("one", volumeMounts=MOUNT), volume)
    namespace.apply(config("first"))
    name = running(namespace, thing)
    assert namespace.execute(name, "/probe", "cat", "/mounted/file") == "first"
    namespace.apply(config("second"))
    namespace.wait(
        lambda: namespace.execute(name, "/probe", "cat", "/mounted/file") == "second", "it changed"
    )


def test_the_memory_limit_is_the_kernels(namespace: Kubectl) -> None:
    limits = {"limits": {"memory": "48Mi"}, "requests": {"memory": "48Mi"}}
    name = running(namespace, pod("one", resources=limits))
    version2 = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    file = "memory.max" if version2 else "memory/memory.limit_in_bytes"
    assert int(namespace.execute(name, "/probe", "cat", f"/sys/fs/cgroup/{file}")) == 48 << 20


def test_killing_pid_1_from_outside_is_seen_as_137(
    namespace: Kubectl, own_cluster: Cluster
) -> None:
    name = running(namespace, pod("one"))
    status = namespace.get("pod", name)["status"]["containerStatuses"][0]
    own_cluster.kill_container(status["containerID"].removeprefix("containerd://"))
    namespace.wait(lambda: namespace.restarts(name) == 1, "it is restarted")
    last = namespace.get("pod", name)["status"]["containerStatuses"][0]["lastState"]
    assert last["terminated"]["exitCode"] == 137
    namespace.wait(lambda: namespace.ready(name), "it is ready again")


def test_kinds_of_a_prometheus_operator_take_any_content(namespace: Kubectl) -> None:
    namespace.apply(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PodMonitor",
            "metadata": {"name": "web"},
            "spec": {"podMetricsEndpoints": [{"port": "metrics"}]},
        }
    )
    found = namespace.get("podmonitor", "web")
    assert found["spec"] == {"podMetricsEndpoints": [{"port": "metrics"}]}
