"""The manifests as the API server gets them: overlays built by kustomize, and what their objects say."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"
COMPOSED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "dev": ("dev", ()),
    "prod": ("prod", ()),
    "dev-nodeport": ("dev", ("nodeport",)),
    "prod-external-lb": ("prod", ("external-lb",)),
    "prod-whole": ("prod", ("data-claim", "external-lb", "monitoring")),
}
"""Name, overlay, and the components that somebody adds to it."""
PATHS = {
    "Deployment": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
}


@dataclass(frozen=True)
class Workload:
    """A Deployment or StatefulSet, and the pod that it makes."""

    body: dict
    pod: dict
    kind: str
    name: str

    @property
    def containers(self) -> list[dict]:
        return [*self.pod["containers"], *self.pod.get("initContainers", ())]

    @property
    def labels(self) -> dict[str, str]:
        return self.body["spec"]["template"]["metadata"]["labels"]


@dataclass(frozen=True)
class Rendered:
    """All objects of one composition."""

    name: str
    objects: tuple[dict, ...]
    text: str

    def of(self, *kinds: str) -> list[dict]:
        return [one for one in self.objects if one["kind"] in kinds]

    def get(self, kind: str, name: str) -> dict:
        return next(one for one in self.of(kind) if one["metadata"]["name"].startswith(name))

    @property
    def workloads(self) -> list[Workload]:
        return [
            Workload(one, _at(one, PATHS[one["kind"]]), one["kind"], one["metadata"]["name"])
            for one in self.of(*PATHS)
        ]

    def workload(self, name: str) -> Workload:
        return next(one for one in self.workloads if one.name == name)


def build(program: Path, folder: Path) -> str:
    """Return what kustomize makes of a folder; AssertionError with its words where it does not."""
    done = subprocess.run(
        [program, "build", folder], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def compose(program: Path, folder: Path, name: str) -> Rendered:
    """Build an overlay with more components, as somebody who uses it would."""
    overlay, components = COMPOSED[name]
    text = yaml.safe_dump(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": f"otter-{overlay}",
            "resources": [os.path.relpath(MANIFESTS / "overlays" / overlay, folder)],
            "components": [
                os.path.relpath(MANIFESTS / "components" / one, folder) for one in components
            ],
        }
    )
    (folder / "kustomization.yaml").write_text(text)
    built = build(program, folder)
    return Rendered(name, tuple(yaml.safe_load_all(built)), built)


def environment(
    container: Mapping[str, Sequence[Mapping]], objects: Rendered, pod: str
) -> dict[str, str]:
    """Return what the container's process gets: Kubernetes fills $(NAME) from what stands before."""
    values: dict[str, str] = {}
    for entry in container.get("env", ()):
        value = entry.get("value")
        if value is None:
            value = _value_from(entry["valueFrom"], objects, pod)
        for name, known in values.items():
            value = value.replace(f"$({name})", known)
        assert "$(" not in value, f"{entry['name']} refers to what stands behind it: {value}"
        values[entry["name"]] = value
    return values


def _value_from(source: Mapping, objects: Rendered, pod: str) -> str:
    match source:
        case {"fieldRef": {"fieldPath": path}}:
            namespace = objects.of("Namespace")[0]["metadata"]["name"]
            known = {
                "metadata.name": pod,
                "metadata.namespace": namespace,
                "status.hostIP": "192.0.2.77",
            }
            return known[path]
        case {"configMapKeyRef": {"name": name, "key": key}}:
            return objects.get("ConfigMap", name)["data"][key]
        case {"secretKeyRef": {"name": name, "key": key}}:
            return f"of-{name}-{key}"
    raise AssertionError(source)


def strings(value: object) -> Iterator[str]:
    """Give every text in a document, keys included."""
    match value:
        case str():
            yield value
        case dict():
            for key, inner in value.items():
                yield from strings(key)
                yield from strings(inner)
        case list():
            for inner in value:
                yield from strings(inner)


def _at(body: dict, path: Sequence[str]) -> dict:
    for name in path:
        body = body[name]
    return body
