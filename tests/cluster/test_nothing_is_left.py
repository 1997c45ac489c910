"""Whatever happens to a test run, nothing of its cluster is left on the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cache import LabError, Missing
from lab.command import environment, run
from lab.kubernetes import build, control_groups
from lab.kubernetes.cluster import Cluster, Wire, clear_leftovers
from lab.kubernetes.inside import wire_name
from lab.kubernetes.layout import MACHINE_SYSCTLS, Layout
from lab.net import wait_until

pytestmark = pytest.mark.timeout(600)
TESTS = Path(__file__).parents[1]
# What a test run is to a cluster: a process that starts it and may be killed.
OWNER = """
import sys, time
from lab.kubernetes import build
from lab.kubernetes.cluster import Cluster
with Cluster(build.find()) as cluster:
    print(cluster.folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def programs() -> build.Programs:
    if os.geteuid() != 0:
        pytest.skip("needs root: namespaces, control groups, containerd")
    found = build.find()
    if isinstance(found, Missing):
        pytest.skip(str(found))
    return found


def machine() -> dict[str, str]:
    """Return what a cluster might change on the machine, without what others do meanwhile."""
    sysctls = {name: Path("/proc/sys", name).read_text() for name in MACHINE_SYSCTLS}
    folders = {
        place: str(Path(place).exists()) for place in ("/var/lib/kubelet", "/opt/containerd")
    }
    return sysctls | folders


def lives(folder: Path) -> bool:
    """Tell whether any process has to do with the folder."""
    for entry in filter(str.isdecimal, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{entry}/cmdline").read_text(errors="replace")
            groups = Path(f"/proc/{entry}/cgroup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(folder) in command or folder.name in groups:
            return True
    return False


def traces(layout: Layout) -> list[str]:
    """Return everything on the machine that has the cluster's name."""
    folder = Path(layout.folder)
    found = [str(root / layout.cgroup) for root in control_groups.hierarchies()]
    found = [path for path in [*found, str(folder)] if Path(path).exists()]
    found += [line for line in run(["ip", "link"]).splitlines() if wire_name(layout) in line]
    return found + [line for line in run(["mount"]).splitlines() if layout.folder in line]


def test_a_cluster_changes_nothing_of_the_machine_and_goes_whole(programs: build.Programs) -> None:
    before = machine()
    with Cluster(programs) as cluster:
        assert lives(cluster.folder)
        assert traces(cluster.layout)
        assert machine() == before
    assert not lives(cluster.folder)
    assert traces(cluster.layout) == []


def test_all_of_it_dies_with_a_killed_test_run_and_the_next_one_sweeps(
    programs: build.Programs,
) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-B", "-c", OWNER],
        env=environment({"PYTHONPATH": str(TESTS)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert owner.stdout is not None
    folder = Path(owner.stdout.readline().strip())
    layout = Layout.load(folder)
    # It is somebody's who lives: not ours to sweep.
    clear_leftovers()
    assert folder.exists()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    wait_until(lambda: not lives(folder), 60, "every process of the cluster is gone")
    wait_until(lambda: wire_name(layout) not in run(["ip", "link"]), 60, "its network is gone")
    assert folder.exists()
    clear_leftovers()
    assert traces(layout) == []


def test_a_cluster_with_a_part_missing_ends_and_says_which(programs: build.Programs) -> None:
    cluster = Cluster(programs)
    try:
        cluster.prepare()
        cluster.layout.path("Corefile").write_text("nonsense {")
        cluster._prepared = True
        with pytest.raises(LabError, match="dns ended with 1"):
            cluster.start()
    finally:
        cluster.close()
    assert traces(cluster.layout) == []


def test_two_clusters_that_start_at_the_same_moment_get_wires_of_their_own() -> None:
    first, second = Wire(), Wire()
    try:
        assert first.there != second.there
    finally:
        first.close()
        second.close()
