"""Our own rules for the manifests, over the objects as they are sent."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from rendering import MANIFESTS, Rendered, environment, strings

from entrypoint import replay, sources
from entrypoint.errors import ProblemsError
from entrypoint.jvm.command import EXTERNAL_VARIABLES
from entrypoint.plan import build
from entrypoint.plan.model import Plan
from entrypoint.profile.load import load
from entrypoint.serve.routes import ENDPOINTS
from entrypoint.values import parse_duration

OURS = {"otter-manager": "manager", "otter-node": "node"}
DEVELOPMENT = {"mysql", "zookeeper"}
JDK_8 = (
    'openjdk version "1.8.0_504"\nOpenJDK Runtime Environment (build 1.8.0_504-8u504-ga-1-b01)\n'
)
PLAIN = {"POD_NAME", "POD_NAMESPACE"}
"""Variables that only other variables use."""


def plan(rendered: Rendered, name: str, ordinal: int = 0) -> Plan:
    """Return what `entrypoint plan` would say in the pod."""
    workload = rendered.workload(name)
    (container,) = workload.pod["containers"]
    host = f"{name}-{ordinal}"
    mounts = {one["mountPath"]: one for one in container["volumeMounts"] if "subPath" in one}
    volumes = {one["name"]: one for one in workload.pod["volumes"]}
    files = [
        {
            "path": path,
            "mounted": True,
            "content": _mounted(rendered, volumes[one["name"]], one["subPath"]),
        }
        for path, one in mounts.items()
    ]
    given = environment(container, rendered, host)
    if name == "otter-node":
        given |= {"OTTER_NID": "1", "OTTER_NODE_HOME": "/data/node"}
    recording = {
        "profile": [{"name": f"{name}.yaml", "text": sources.builtin_profiles()[name]}],
        "environment": given,
        "files": files,
        "facts": {
            "hostname": host,
            "uid": workload.pod["securityContext"]["runAsUser"],
            "memory_limit": size(container["resources"]["limits"]["memory"]),
            "cpus": 2.0,
            "held_in_memory": sum(
                size(one["emptyDir"]["sizeLimit"])
                for one in workload.pod["volumes"]
                if one.get("emptyDir", {}).get("medium") == "Memory"
            ),
            "read_only_root": True,
            "java": "/usr/lib/jvm/java-8/bin/java",
            "java_home": "/usr/lib/jvm/java-8",
            "release_text": "",
            "version_text": JDK_8,
        },
    }
    text = yaml.safe_dump(recording)
    return build.build(replay.load(text, sources.builtin_profiles(), sources.template_text))


def size(text: str) -> int:
    """Return the bytes of a quantity as our manifests write it: 64Mi, 2Gi, 1g."""
    number, unit = re.fullmatch(r"(\d+)([MG])i?", text, re.I).groups()  # type: ignore[union-attr]
    return int(number) << {"M": 20, "G": 30}[unit.upper()]


def _mounted(rendered: Rendered, volume: dict, key: str) -> str:
    return rendered.get("ConfigMap", volume["configMap"]["name"])["data"][key]


@pytest.fixture(params=sorted(OURS))
def ours(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_memory_plan_fits_into_the_limit(rendered: Rendered, ours: str) -> None:
    found = plan(rendered, ours)
    assert found.memory is not None
    assert found.notes == ()


def test_our_zookeeper_image_fits_into_the_development_one(
    compositions: dict[str, Rendered],
) -> None:
    found = plan(compositions["dev"], "zookeeper")
    assert found.memory is not None
    assert found.notes == ()
    assert found.suggestions == ()


def test_the_pod_gets_longer_than_the_stop_ladder_and_entrypoint_knows(
    rendered: Rendered, ours: str
) -> None:
    grace = rendered.workload(ours).pod["terminationGracePeriodSeconds"]
    launch = plan(rendered, ours).launch
    assert launch.grace_period == grace
    assert sum(step.wait for step in launch.stop) + 5 <= grace


def test_no_variable_is_unknown_to_the_profile(rendered: Rendered, ours: str) -> None:
    profile = load([("p.yaml", sources.builtin_profiles()[ours])], sources.builtin_profiles())
    known = {spec.env for spec in profile.settings} | set(EXTERNAL_VARIABLES) | PLAIN
    (container,) = rendered.workload(ours).pod["containers"]
    names = [entry["name"] for entry in container["env"]]
    assert set(names) <= known
    assert len(names) == len(set(names))
    assert all(("value" in entry) != ("valueFrom" in entry) for entry in container["env"])
    found = plan(rendered, ours)
    assert found.suggestions == ()
    assert found.ignored == ()


def test_ports_are_those_that_are_bound(rendered: Rendered, ours: str) -> None:
    launch = plan(rendered, ours).launch
    (container,) = rendered.workload(ours).pod["containers"]
    declared = {one["name"]: one["containerPort"] for one in container["ports"]}
    bound = dict(launch.ports)
    assert declared["probes"] == int(launch.listen.rpartition(":")[2])
    if ours == "otter-manager":
        assert declared["http"] == bound["http"]
        assert declared["dubbo"] == bound["communication"]
    elif "OTTER_NODE_PORT" in environment(container, rendered, "otter-node-0"):
        assert declared["node"] == bound["node"]


def test_probes_ask_pages_that_there_are(rendered: Rendered, ours: str) -> None:
    (container,) = rendered.workload(ours).pod["containers"]
    pages = {path for path, *_ in ENDPOINTS}
    asked = {
        kind: container[kind]["httpGet"]
        for kind in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert {one["path"] for one in asked.values()} == {"/startupz", "/readyz", "/livez"} <= pages
    assert {one["port"] for one in asked.values()} == {"probes"}
    assert {container[kind]["timeoutSeconds"] for kind in asked} == {5}


def test_the_startup_budget_is_longer_than_the_gates_and_a_slow_start(
    rendered: Rendered, ours: str
) -> None:
    (container,) = rendered.workload(ours).pod["containers"]
    probe = container["startupProbe"]
    budget = probe["periodSeconds"] * probe["failureThreshold"]
    gate = max(one.at_most for one in plan(rendered, ours).launch.gates)
    # A node waits for the manager, to be registered, and for its predecessor's session, one after the other.
    waits = {"otter-manager": gate, "otter-node": 3 * gate}[ours]
    assert budget >= waits + 2 * 29


def test_pod_security_is_restricted(rendered: Rendered) -> None:
    (namespace,) = rendered.of("Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for workload in rendered.workloads:
        context = workload.pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] == (
            10001 if workload.name not in DEVELOPMENT else context["runAsUser"]
        )
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert workload.pod["automountServiceAccountToken"] is False
        assert workload.pod["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & workload.pod.keys()
        for container in workload.containers:
            inner = container["securityContext"]
            assert inner["allowPrivilegeEscalation"] is False
            assert inner["capabilities"] == {"drop": ["ALL"]}
            assert inner["readOnlyRootFilesystem"] is (workload.name != "zookeeper")


def test_memory_is_promised_whole_and_the_processor_is_not_limited(rendered: Rendered) -> None:
    for workload in rendered.workloads:
        for container in workload.containers:
            resources = container["resources"]
            assert resources["requests"]["memory"] == resources["limits"]["memory"]
            assert "cpu" in resources["requests"]
            assert "cpu" not in resources["limits"]


def test_every_image_has_a_tag_that_does_not_move(rendered: Rendered) -> None:
    for workload in rendered.workloads:
        for container in workload.containers:
            tag = container["image"].rpartition("/")[2].partition(":")[2]
            assert tag
            assert tag != "latest"


def test_every_volume_has_a_bound_and_none_is_shared(rendered: Rendered) -> None:
    for workload in rendered.workloads:
        assert len(workload.pod["containers"]) == 1, "two containers would share /tmp"
        for volume in workload.pod["volumes"]:
            assert "emptyDir" not in volume or volume["emptyDir"]["sizeLimit"], volume
    for name in OURS:
        volumes = {one["name"]: one for one in rendered.workload(name).pod["volumes"]}
        assert volumes["run"]["emptyDir"]["medium"] == "Memory"
        assert volumes["tmp"]["emptyDir"]["medium"] == "Memory"


def test_evidence_fits_into_its_volume(rendered: Rendered, ours: str) -> None:
    workload = rendered.workload(ours)
    data = [one for one in workload.pod["volumes"] if one["name"] == "data"]
    claims = workload.body["spec"].get("volumeClaimTemplates", ())
    sizes = [one["emptyDir"]["sizeLimit"] for one in data]
    sizes += [one["spec"]["resources"]["requests"]["storage"] for one in claims]
    (volume,) = sizes
    (container,) = workload.pod["containers"]
    kept = size(environment(container, rendered, "otter-node-0")["ENTRYPOINT_DIAGNOSIS_MAX_SIZE"])
    memory = size(container["resources"]["limits"]["memory"])
    # What is kept from before, one heap dump more, and otter's own files.
    assert kept + memory + 2**27 <= size(volume)
    assert "/data" in {one["mountPath"] for one in container["volumeMounts"]}


def test_no_password_is_anywhere_but_in_secrets(rendered: Rendered) -> None:
    secrets = [value for one in rendered.of("Secret") for value in one.get("data", {}).values()]
    if rendered.name.startswith("prod"):
        assert not secrets, "prod refers to Secrets that are made by hand"
    for one in rendered.of("ConfigMap"):
        for key, text in one["data"].items():
            if key.endswith(".properties"):
                assert not re.search(r"^[^#]*password", text, re.I | re.M), one["metadata"]["name"]
    for workload in rendered.workloads:
        for container in workload.containers:
            for entry in container.get("env", ()):
                if "PASSWORD" in entry["name"] and entry.get("value") != "yes":
                    assert "secretKeyRef" in entry["valueFrom"]


def test_secrets_and_config_maps_that_are_named_are_there(rendered: Rendered) -> None:
    known = {
        kind: {one["metadata"]["name"] for one in rendered.of(kind)}
        for kind in ("ConfigMap", "Secret")
    }
    if rendered.name.startswith("prod"):
        known["Secret"] = {"otter-database", "otter-manager-login"}
    for workload in rendered.workloads:
        text = yaml.safe_dump(workload.pod)
        for volume in workload.pod["volumes"]:
            if "configMap" in volume:
                assert volume["configMap"]["name"] in known["ConfigMap"]
        for container in workload.containers:
            for entry in container.get("env", ()):
                source = entry.get("valueFrom", {})
                if "secretKeyRef" in source:
                    assert source["secretKeyRef"]["name"] in known["Secret"], text


def test_a_changed_file_changes_a_name_in_the_pod(rendered: Rendered, ours: str) -> None:
    volumes = rendered.workload(ours).pod["volumes"]
    names = {one["name"]: one["configMap"]["name"] for one in volumes if "configMap" in one}
    assert re.fullmatch(rf"{ours}-config-[a-z0-9]{{10}}", names["config"])


def test_selectors_select_the_pods_and_labels_are_the_usual(rendered: Rendered) -> None:
    for workload in rendered.workloads:
        assert {"app.kubernetes.io/name", "app.kubernetes.io/part-of"} <= workload.labels.keys()
        selector = workload.body["spec"].get("selector", {"matchLabels": {}})["matchLabels"]
        assert selector.items() <= workload.labels.items()
        assert "app.kubernetes.io/version" not in selector
    for one in [*rendered.of("PodDisruptionBudget"), *rendered.of("Service")]:
        selector = one["spec"]["selector"]
        selector = selector.get("matchLabels", selector)
        if "statefulset.kubernetes.io/pod-name" not in selector:
            assert any(
                selector.items() <= workload.labels.items() for workload in rendered.workloads
            ), one
    budgets = {
        one["metadata"]["name"]: one["spec"]["maxUnavailable"]
        for one in rendered.of("PodDisruptionBudget")
    }
    assert budgets == {"otter-manager": 1, "otter-node": 1}


def test_machines_are_drained_of_nodes_that_are_not_ready(rendered: Rendered) -> None:
    budget = rendered.get("PodDisruptionBudget", "otter-node")["spec"]
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_nodes_are_spread_over_machines_and_zones(rendered: Rendered) -> None:
    node = rendered.workload("otter-node")
    spread = node.pod["topologySpreadConstraints"]
    keys = {one["topologyKey"] for one in spread}
    assert keys == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    for one in spread:
        assert one["whenUnsatisfiable"] == "ScheduleAnyway"
        assert one["labelSelector"] == node.body["spec"]["selector"]


def test_the_manager_asks_itself_in_its_own_pod(rendered: Rendered) -> None:
    """By otter.domainName, otter's default, its question would leave the pod, and no policy lets it."""
    text = rendered.get("ConfigMap", "otter-manager-config")["data"]["otter.properties"]
    found = dict(re.findall(r"(?m)^([\w.]+) = (.*)$", text))
    address = found.get("otter.manager.address", f"{found['otter.domainName']}:1099")
    assert address == f"127.0.0.1:{found['otter.communication.manager.port']}"


def test_an_apply_can_keep_each_object_in_its_annotation(rendered: Rendered) -> None:
    """`kubectl apply` remembers what it sent in an annotation; all of them together have 256 KiB."""
    for one in rendered.objects:
        assert len(json.dumps(one)) < 250_000, one["metadata"]["name"]


def test_every_object_is_in_the_namespace(rendered: Rendered) -> None:
    (namespace,) = rendered.of("Namespace")
    for one in rendered.objects:
        if one["kind"] != "Namespace":
            assert one["metadata"]["namespace"] == namespace["metadata"]["name"], one["metadata"][
                "name"
            ]


def test_a_scaled_stateful_set_stays_as_it_is(rendered: Rendered) -> None:
    spec = rendered.workload("otter-node").body["spec"]
    assert "replicas" not in spec
    assert spec["podManagementPolicy"] == "Parallel"
    headless = rendered.get("Service", spec["serviceName"])["spec"]
    assert headless["clusterIP"] == "None"
    assert headless["publishNotReadyAddresses"] is True


def test_the_manager_is_one(rendered: Rendered) -> None:
    spec = rendered.workload("otter-manager").body["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    probe = rendered.workload("otter-manager").pod["containers"][0]["startupProbe"]
    assert spec["progressDeadlineSeconds"] > probe["periodSeconds"] * probe["failureThreshold"]


def test_services_name_ports_of_the_pods(rendered: Rendered) -> None:
    for service in rendered.of("Service"):
        selector = service["spec"]["selector"]
        for workload in rendered.workloads:
            if selector.items() <= workload.labels.items():
                names = {
                    port["name"] for one in workload.containers for port in one.get("ports", ())
                }
                assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


def test_the_schema_is_loaded_into_the_managers_database(rendered: Rendered) -> None:
    manager = rendered.workload("otter-manager")
    (loads,), (runs,) = manager.pod["initContainers"], manager.pod["containers"]
    assert loads["image"] == runs["image"]
    for what, key in (("env", "name"), ("volumeMounts", "mountPath")):
        shared = [one for one in loads[what] if one[key] in {each[key] for each in runs[what]}]
        assert shared and all(one in runs[what] for one in shared)
    words = loads["args"]
    assert words[:2] == ["database", "load"]
    given = {one["name"] for one in loads["env"]}
    assert words[words.index("--variable") + 1].partition("=")[2] in given


def test_every_object_can_be_applied_again(rendered: Rendered) -> None:
    """A Job's pod cannot be changed: an apply with another image or hash in a name would fail."""
    assert not rendered.of("Job", "Pod")


def test_no_text_is_cut_short_or_unfinished(rendered: Rendered) -> None:
    assert not [
        text for text in strings(list(rendered.objects)) if re.search(r"\bTODO\b|CHANGEME", text)
    ]


def test_what_is_registered_is_reached(rendered: Rendered) -> None:
    """The address of a node and its ports, as the composition means them."""
    for ordinal in range(2):
        host = f"otter-node-{ordinal}"
        (container,) = rendered.workload("otter-node").pod["containers"]
        given = environment(container, rendered, host)
        bound = dict(plan(rendered, "otter-node", ordinal).launch.ports)["node"]
        if "OTTER_NODE_PORT_BASE" in given:
            service = rendered.get("Service", host)["spec"]
            assert bound == 30100 + 3 * ordinal
            assert [port["nodePort"] for port in service["ports"]] == [bound, bound + 1, bound + 2]
            local = "external-lb" not in rendered.name and "whole" not in rendered.name
            assert service["externalTrafficPolicy"] == ("Local" if local else "Cluster")
            wanted = "192.0.2.77" if local else "192.0.2.1"
            assert given["OTTER_NODE_ADDRESS"] == given["OTTER_NODE_EXTERNAL_ADDRESS"] == wanted
        else:
            namespace = rendered.of("Namespace")[0]["metadata"]["name"]
            assert given["OTTER_NODE_ADDRESS"] == f"{host}.otter-node.{namespace}.svc"
            assert bound == 2088


def test_a_node_without_node_ports_is_refused(rendered: Rendered) -> None:
    exposed = [
        one for one in rendered.of("Service") if re.search(r"-\d+$", one["metadata"]["name"])
    ]
    if not exposed:
        assert plan(rendered, "otter-node", 50)
        return
    assert plan(rendered, "otter-node", len(exposed) - 1)
    with pytest.raises(ProblemsError) as error:
        plan(rendered, "otter-node", len(exposed))
    assert [problem.id for problem in error.value.problems] == ["setting-beyond"]


def test_node_ports_are_unique_and_in_range(rendered: Rendered) -> None:
    numbers = [
        port["nodePort"]
        for service in rendered.of("Service")
        if service["spec"].get("type") == "NodePort"
        for port in service["spec"]["ports"]
    ]
    assert len(numbers) == len(set(numbers))
    assert all(30000 <= number <= 32767 for number in numbers)


def test_both_environments_run_the_same_images() -> None:
    tags = {}
    for name in OURS.values():
        text = next((MANIFESTS / "base" / name).glob("*s*t.yaml"), None)
        assert text is not None
    for folder in ("dev", "prod"):
        overlay = yaml.safe_load(
            (MANIFESTS / "overlays" / folder / "kustomization.yaml").read_text()
        )
        tags[folder] = [one for one in overlay.get("images", ()) if "otter" in one["name"]]
    assert tags == {"dev": [], "prod": []}, "an image of otter that only one environment has"


def test_durations_are_what_kubernetes_counts(rendered: Rendered, ours: str) -> None:
    (container,) = rendered.workload(ours).pod["containers"]
    given = environment(container, rendered, "otter-node-0")
    assert parse_duration(given["ENTRYPOINT_GRACE_PERIOD"]) > 30
