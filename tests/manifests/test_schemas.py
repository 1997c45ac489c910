"""The manifests against what others know: Kubernetes' own schemas, and kube-score's opinions."""

from __future__ import annotations

import re
import subprocess

import kubernetes_validate
import pytest
from rendering import Rendered  # noqa: TC002 - in a fixture

from lab.needs import need

VERSIONS = ("1.28.0", "1.32.0", "1.34.0", "1.37.0")
CUSTOM = {"PodMonitor", "PrometheusRule"}
"""Of the Prometheus Operator: no schema of Kubernetes has them."""

ALLOWED = {
    r": \(\w+\) CPU limit is not set": "its throttling makes collections and starts slow while cores idle",
    r": \(\w+\) Ephemeral Storage (request|limit) is not set": (
        "every volume has a sizeLimit and the root is read-only; kubelets without local storage isolation "
        "have none of it to give"
    ),
    r": \(\w+\) ImagePullPolicy is not set to Always": (
        "a tag of ours is never moved; a cluster whose registry is away still starts pods"
    ),
    r"^otter-node/.* does not have a host podAntiAffinity set": "topologySpreadConstraints say it",
    r"^otter-manager/.*: Deployment few replicas": "otter's manager is one process",
    r"^otter-manager/.*: Deployment update strategy": "Recreate: two managers are one too many",
    r"^(otter-manager-external|otter-node-\d)\b.*: The service is of type NodePort": "what it is for",
    r"^otter-node-\d+/.*: The services selector does not match any pods": (
        "it knows no statefulset.kubernetes.io/pod-name"
    ),
    r"^(mysql|zookeeper)/.*: Deployment (few replicas|update strategy)": "development only",
    r"^(mysql|zookeeper)/.*running with a low (user|group) ID": "the user of the official image",
    r"^zookeeper/.*writable root filesystem": "the official image writes its /conf",
}
"""What kube-score says and we do not follow, and why."""


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_field(rendered: Rendered, version: str) -> None:
    for one in rendered.objects:
        if one["kind"] not in CUSTOM:
            kubernetes_validate.validate(one, version, strict=True)


def test_a_misspelt_field_is_found(rendered: Rendered) -> None:
    service = rendered.get("Service", "otter-manager")
    wrong = {**service, "spec": {**service["spec"], "selectr": {}}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def remarks(rendered: Rendered) -> list[str]:
    """Return what kube-score criticises, without its marks."""
    program = need("kube-score")
    done = subprocess.run(
        [program, "score", "--kubernetes-version", "v1.34", "--output-format", "ci", "-"],
        input=rendered.text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "[OK]" in done.stdout, done.stderr
    lines = done.stdout.splitlines()
    return [re.sub(r"^\[\w+\] ", "", line) for line in lines if line[:4] not in {"[OK]", "[SKI"}]


def test_kube_score_says_nothing_that_has_no_answer(rendered: Rendered) -> None:
    said = remarks(rendered)
    assert not [line for line in said if not any(re.search(one, line) for one in ALLOWED)]


def test_every_answer_is_to_something_that_kube_score_says(
    compositions: dict[str, Rendered],
) -> None:
    said = [line for one in compositions.values() for line in remarks(one)]
    assert not [one for one in ALLOWED if not any(re.search(one, line) for line in said)]
