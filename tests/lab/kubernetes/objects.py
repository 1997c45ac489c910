"""What a new cluster is given: volumes to claim, and the kinds of a Prometheus operator."""

from __future__ import annotations

from lab.kubernetes.kubectl import Object
from lab.kubernetes.layout import VOLUMES

STORAGE_CLASS = "standard"
MONITORING_KINDS = ("PodMonitor", "PrometheusRule", "ServiceMonitor")


def storage() -> list[Object]:
    """Return a default storage class and the volumes that its claims are bound to.

    Nobody makes volumes here when they are claimed, so they are made before.
    """
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS, "annotations": default},
        "provisioner": "kubernetes.io/no-provisioner",
    }
    return [storage_class, *(_volume(number) for number in range(VOLUMES))]


def _volume(number: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"volume-{number}"},
        "spec": {
            "storageClassName": STORAGE_CLASS,
            "capacity": {"storage": "100Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": f"/var/lib/volumes/{number}", "type": "Directory"},
        },
    }


def monitoring_definitions() -> list[Object]:
    """Return definitions of the operator's kinds that take any content.

    The operator's own cannot be had here; these let manifests that use the kinds be applied.
    """
    return [_definition(kind) for kind in MONITORING_KINDS]


def _definition(kind: str) -> Object:
    singular = kind.lower()
    plural = f"{singular}s"
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.monitoring.coreos.com"},
        "spec": {
            "group": "monitoring.coreos.com",
            "scope": "Namespaced",
            "names": {"kind": kind, "singular": singular, "plural": plural},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {"type": "object", "properties": {"spec": anything}}
                    },
                }
            ],
        },
    }
