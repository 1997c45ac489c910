"""One cluster for all tests of this folder, gone before those of the next; a namespace for each test.

A cluster that cannot be had skips its tests with the reason; one that does not come up fails them.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest

from cluster.dev_overlay import Otter
from lab.cache import Missing
from lab.kubernetes import build, target
from lab.kubernetes.cluster import Cluster
from lab.kubernetes.kubectl import Kubectl
from lab.kubernetes.target import Target
from lab.needs import need


@pytest.fixture(scope="package")
def cluster(request: pytest.FixtureRequest) -> Iterator[Target]:
    """A real Kubernetes: the one $ENTRYPOINT_TEST_KUBECONFIG names, else our own."""
    match target.given():
        case None:
            yield from _own(request)
        case Missing() as missing:
            pytest.skip(str(missing))
        case found:
            yield found


@pytest.fixture(scope="package")
def own_cluster(cluster: Target) -> Cluster:
    """The same where it is our own: it can be looked at from below."""
    if not isinstance(cluster, Cluster):
        pytest.skip("looks at our own cluster from below, and this one is given")
    return cluster


@pytest.fixture
def namespace(request: pytest.FixtureRequest, cluster: Target) -> Iterator[Kubectl]:
    """kubectl of a new namespace that enforces Pod Security "restricted"."""
    name = f"test-{os.urandom(4).hex()}"
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.kubectl.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": level}}
    )
    yield cluster.kubectl.within(name)
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="package")
def deployed(cluster: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Otter]:
    """The dev overlay with the stand-in's images, brought up once for all tests."""
    need("mariadb-image")
    need("javac")
    otter = Otter(cluster, tmp_path_factory.mktemp("manifests"))
    try:
        otter.bring_up()
        yield otter
    finally:
        if not isinstance(cluster, Cluster):
            otter.take_down()


@pytest.fixture
def otter(deployed: Otter) -> Otter:
    """The same as a test wants to find it: one node, everything ready."""
    deployed.settle(1)
    return deployed


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failure what the cluster shows at that moment: it has moved on a second later."""
    report = yield
    found = getattr(item, "funcargs", {}).get("deployed")
    if report.failed and isinstance(found, Otter):
        shown = f"{found.kubectl.situation()}\n{found.evidence()}"
        report.sections.append(("otter in the cluster", shown))
    return report


def _own(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if os.geteuid() != 0:
        pytest.skip("needs root: namespaces, control groups, containerd")
    programs = build.find()
    if isinstance(programs, Missing):
        pytest.skip(str(programs))
    with Cluster(programs) as own:
        yield own
        if request.session.testsfailed:
            print(f"logs of the cluster: {own.keep_logs()}")
