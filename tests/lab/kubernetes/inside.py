"""What runs as PID 1 of a cluster's namespaces: python3 -m lab.kubernetes.inside FOLDER.

It makes the place (mounts, network), starts the parts in order and waits. When it ends, for any
reason, the kernel ends every process of the cluster and takes its mounts and network away. So it
ends when a part ends: a cluster with a part missing would only puzzle the tests.
"""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from lab.cache import LabError
from lab.command import environment, run, say
from lab.kubernetes import parts
from lab.kubernetes.build import search_path
from lab.kubernetes.layout import (
    API_PORT,
    COVERED,
    DNS_ADDRESS,
    MACHINE_SYSCTLS,
    VOLUMES,
    Layout,
)

WIRE = "node0"
SECONDS = 120
# What containerd may fill: all of otter's images take half of it.
IMAGES = 4 << 30


def main(folder: Path) -> NoReturn:
    """Bring the cluster up and stay until a part of it ends."""
    layout = Layout.load(folder)
    os.environ["PATH"] = search_path()
    isolate(layout)
    cluster = Parts(layout)
    for name in ("containerd", "etcd", "kube-apiserver"):
        cluster.start(name)
    cluster.wait_for("containerd", containerd_answers)
    run(["ctr", "-n", "k8s.io", "images", "import", layout.path("pause.tar")])
    cluster.wait_for("kube-apiserver", lambda: api_is_ready(layout.node_address))
    for name in ("kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy", "dns"):
        cluster.start(name)
    say("every part is started")
    while True:
        cluster.check()
        time.sleep(0.2)


def isolate(layout: Layout) -> None:
    """Make this mount and network namespace the machine of one cluster."""
    # The wire's other end belongs into the network we came from; /proc still shows that machine.
    machine = os.open(f"/proc/{layout.host_pid}/ns/net", os.O_RDONLY)
    run(["mount", "-t", "proc", "proc", "/proc"])
    for name, place in COVERED.items():
        run(["mount", "--bind", layout.path(name), place])
    run(["mount", "--bind", layout.path("hosts"), Path("/etc/hosts").resolve()])
    for name in MACHINE_SYSCTLS:
        run(["mount", "--bind", layout.path(f"sysctl/{name}"), f"/proc/sys/{name}"])
    if _available_memory() > 4 * IMAGES:
        # Written once and thrown away: a disk would need longer to take and to forget them than all the rest.
        images = Path("/var/lib/containerd")
        images.mkdir()
        run(["mount", "-t", "tmpfs", "-o", f"size={IMAGES},mode=711", "images", images])
    # Volumes that a pod wants propagated need a shared root; shared with nobody outside.
    run(["mount", "--make-rshared", "/"])
    for number in range(VOLUMES):
        volume = Path(f"/var/lib/volumes/{number}")
        volume.mkdir(parents=True)
        # Any user of any pod: fsGroup does nothing for a folder of the host.
        volume.chmod(0o777)
    _lay_wire(layout, machine)


def _available_memory() -> int:
    """Return the bytes that the kernel could give away now."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _lay_wire(layout: Layout, machine: int) -> None:
    os.set_inheritable(machine, True)
    outside = ["nsenter", f"--net=/proc/{os.getpid()}/fd/{machine}", "--"]
    # The end outside has the folder's name: nobody else's, and 15 letters at most.
    name = wire_name(layout)
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "address", "add", f"{DNS_ADDRESS}/32", "dev", "lo"])
    for words in (
        ["link", "add", name, "type", "veth", "peer", "name", WIRE, "netns", str(os.getpid())],
        ["address", "add", f"{layout.host_address}/30", "dev", name],
        ["link", "set", name, "up"],
    ):
        run([*outside, "ip", *words])
    run(["ip", "address", "add", f"{layout.node_address}/30", "dev", WIRE])
    run(["ip", "link", "set", WIRE, "up"])
    run(["ip", "route", "add", "default", "via", layout.host_address])
    os.close(machine)


def wire_name(layout: Layout) -> str:
    """Return the name of the wire's end on this machine."""
    return "lab" + layout.cgroup.rpartition("-")[2][-8:]


def api_is_ready(address: str) -> bool:
    """Tell whether the API server at that address says it is; False while nobody listens."""
    context = ssl.create_default_context()
    # It signs its own certificate at every start.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(
            f"https://{address}:{API_PORT}/readyz", context=context, timeout=5
        ) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def containerd_answers() -> bool:
    """Tell whether containerd does."""
    try:
        run(["ctr", "version"], timeout=10)
    except LabError:
        return False
    return True


class Parts:
    """The parts that run, each with a log of its own."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._commands = parts.commands(layout)
        # A process that nobody refers to would be reaped by the subprocess module.
        self._running: dict[int, tuple[str, subprocess.Popen[bytes]]] = {}

    def start(self, name: str) -> None:
        """Start a part."""
        with (self._layout.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                self._commands[name],
                cwd=self._layout.folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._running[process.pid] = (name, process)

    def check(self) -> None:
        """Reap; end with the part's log when one of them has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._running:
                name, _ = self._running[pid]
                self._give_up(name, f"ended with {os.waitstatus_to_exitcode(status)}")

    def wait_for(self, name: str, ready: Callable[[], bool]) -> None:
        """Return when the part is ready."""
        deadline = time.monotonic() + SECONDS
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                self._give_up(name, f"is not ready after {SECONDS} s")
            time.sleep(0.1)

    def _give_up(self, name: str, what: str) -> NoReturn:
        log = (self._layout.logs / f"{name}.log").read_text(errors="replace")
        sys.exit(f"{name} {what}; its log ends:\n{log[-2000:]}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
