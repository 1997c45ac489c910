"""The cluster that the tests are run against: our own, or any that a kubeconfig names.

$ENTRYPOINT_TEST_KUBECONFIG names another cluster. $ENTRYPOINT_TEST_LOAD_IMAGE is then the command
that gives it an image archive, with {} for the archive (`kind load image-archive {}`), and
$ENTRYPOINT_TEST_NODE_ADDRESS the address NodePorts are reached at (default: the first node's
InternalIP).
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab import containers
from lab.cache import LabError, Missing
from lab.command import run, say
from lab.kubernetes import build
from lab.kubernetes.kubectl import Kubectl

KUBECONFIG = "ENTRYPOINT_TEST_KUBECONFIG"
LOAD_IMAGE = "ENTRYPOINT_TEST_LOAD_IMAGE"
NODE_ADDRESS = "ENTRYPOINT_TEST_NODE_ADDRESS"


class Target(Protocol):
    """What the tests use of a cluster."""

    @property
    def kubectl(self) -> Kubectl:
        """kubectl without a namespace."""

    @property
    def node_address(self) -> str:
        """The address at which this machine reaches NodePorts."""

    def load(self, archive: Path) -> None:
        """Give the node the images of a docker or OCI archive."""


@dataclass(frozen=True)
class Given:
    """A cluster that is not ours: we use a few namespaces of it and nothing else."""

    kubectl: Kubectl
    node_address: str
    loading: str

    def load(self, archive: Path) -> None:
        """Run the command that $ENTRYPOINT_TEST_LOAD_IMAGE names."""
        if not self.loading:
            raise LabError(f"${LOAD_IMAGE} is not set: no image can be given to this cluster")
        run([word.replace("{}", str(archive)) for word in shlex.split(self.loading)], timeout=600)


def given(environment: Mapping[str, str] = os.environ) -> Given | Missing | None:
    """Return the cluster that the environment names, why it cannot be used, or None for no name."""
    kubeconfig = environment.get(KUBECONFIG)
    if not kubeconfig:
        return None
    if not Path(kubeconfig).is_file():
        return Missing("cluster", f"${KUBECONFIG} names no file: {kubeconfig}")
    program = _kubectl()
    if isinstance(program, Missing):
        return program
    kubectl = Kubectl(program, Path(kubeconfig).absolute())
    try:
        address = environment.get(NODE_ADDRESS) or _first_address(kubectl)
    except LabError as error:
        return Missing("cluster", f"${KUBECONFIG}: {error}")
    return Given(kubectl, address, environment.get(LOAD_IMAGE, ""))


def load_images(target: Target, *names: str) -> None:
    """Give the node images out of the lab's storage; layers that they share travel once."""
    say(f"giving the cluster {' '.join(names)}")
    with tempfile.TemporaryDirectory(prefix="lab-images-") as folder:
        archive = Path(folder) / "images.tar"
        containers.podman("save", "--quiet", "--multi-image-archive", "-o", archive, *names)
        target.load(archive)


def _kubectl() -> Path | Missing:
    found = shutil.which("kubectl")
    if found:
        return Path(found)
    programs = build.find()
    if isinstance(programs, Missing):
        return Missing("kubectl", "not in PATH, and ours is not built")
    return programs.path("kubectl")


def _first_address(kubectl: Kubectl) -> str:
    for node in kubectl.list("nodes"):
        for address in node["status"]["addresses"]:
            if address["type"] == "InternalIP":
                return str(address["address"])
    raise LabError("no node has an InternalIP")
