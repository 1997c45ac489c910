"""A cluster from outside: started, given images, and gone without a trace.

All of it lives in namespaces whose PID 1 is our child and dies with us, so the kernel itself ends
every process and takes mounts, network and iptables away, even when we are killed. What the kernel
leaves are a folder and empty control groups: `clear_leftovers` removes them, after a crash at the
next start.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import select
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from lab import cache, net
from lab.cache import LabError
from lab.command import run
from lab.kubernetes import archive, control_groups, objects
from lab.kubernetes.build import Programs
from lab.kubernetes.inside import api_is_ready
from lab.kubernetes.kubectl import Kubectl, condition
from lab.kubernetes.layout import API_PORT, COVERED, NODE_NAME, PAUSE_IMAGE, PROBE_IMAGE, Layout
from lab.service import Service

PREFIX = "lab-cluster-"
TESTS = Path(__file__).resolve().parents[2]
# RFC 2544 keeps 198.18.0.0/15 for benchmarks: no network and no pod range of anybody is there.
WIRES = 64


class Cluster(Service):
    """One node and its control plane. `host` is the node's address, `port` the API server's."""

    name = "cluster"
    start_timeout = 180.0

    def __init__(self, programs: Programs) -> None:
        clear_leftovers()
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        super().__init__(folder, API_PORT)
        for covered in COVERED.values():
            if folder.is_relative_to(covered):
                raise LabError(f"{folder} is below {covered}: set TMPDIR to another folder")
        self._alive = _hold(folder)
        self._programs = programs
        self._wire = Wire()
        self.host = self._wire.there
        self.layout = Layout(
            folder=str(folder),
            programs=str(programs.folder),
            cgroup=folder.name,
            host_address=self._wire.here,
            node_address=self.host,
            host_pid=os.getpid(),
            token=secrets.token_hex(16),
        )
        self.kubectl = Kubectl(programs.path("kubectl"), self.layout.kubeconfig)

    @property
    def node_address(self) -> str:
        """The address at which this machine reaches NodePorts."""
        return self.host

    def prepare(self) -> None:
        """Write every file, make the control groups."""
        layout = self.layout
        for name in (*COVERED, "logs", "pki"):
            layout.path(name).mkdir()
        layout.save()
        for name, text in layout.files().items():
            path = layout.path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(0o600)
            path.write_text(text)
        run(["openssl", "genrsa", "-out", layout.path("pki/accounts.key"), "2048"])
        probe = self._programs.path("probe")
        archive.write(layout.path("pause.tar"), PAUSE_IMAGE, probe, ["pause"])
        archive.write(layout.path("probe.tar"), PROBE_IMAGE, probe, ["serve", ":8080"])
        control_groups.make(layout.cgroup)

    def command(self) -> Sequence[str | Path]:
        """Return the command that makes the namespaces; its child is their PID 1."""
        return [
            "unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child",
            "env", f"PYTHONPATH={TESTS}",
            sys.executable, "-B", "-m", "lab.kubernetes.inside", self.layout.folder,
        ]  # fmt: skip

    def answers(self) -> bool:
        """Tell whether the API server is ready and the node takes pods."""
        if not api_is_ready(self.host):
            return False
        try:
            return condition(self.kubectl.get("node", NODE_NAME), "Ready")
        except LabError:
            return False

    def start(self) -> None:
        """Start; return when a pod can be made: node ready, accounts, volumes, images there."""
        super().start()
        self.load(self.layout.path("probe.tar"))
        self.kubectl.apply(*objects.storage(), *objects.monitoring_definitions())
        net.wait_until(
            lambda: self.kubectl.exists("serviceaccount", "default"), 60, "default service account"
        )

    def stop(self) -> None:
        """End every process at once: nothing of a cluster is worth an orderly end."""
        if self._process is None:
            return
        with _first_child(self._process.pid) as inside:
            self.kill()
            if inside is not None:
                # PID 1 of a namespace ends after every other process in it.
                poll = select.poll()
                poll.register(inside, select.POLLIN)
                poll.poll(60_000)

    def close(self) -> None:
        """Stop, and remove the folder and the control groups."""
        self.stop()
        _remove(self.folder)
        self._wire.close()
        os.close(self._alive)

    def load(self, image: Path) -> None:
        """Give the node the images of a docker or OCI archive."""
        run(
            ["ctr", "--address", self.layout.containerd_socket, "--namespace", "k8s.io",
             "images", "import", image],
            timeout=600,
        )  # fmt: skip

    def keep_logs(self) -> Path:
        """Copy the logs of all parts and pods into the cache, instead of the last ones kept."""
        kept = cache.root() / "kubernetes" / "logs"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        shutil.copy(self.log, kept / "cluster.log")
        shutil.copytree(self.layout.logs, kept / "parts")
        pods = self.layout.path("var-log/pods")
        if pods.is_dir():
            # Kubernetes' own names have ":" and "_"; links point into the cluster's world.
            shutil.copytree(pods, kept / "pods", symlinks=True)
        return kept

    def kill_container(self, identity: str) -> None:
        """SIGKILL the PID 1 of a container, as nobody inside of it can."""
        for process in control_groups.processes(identity):
            with suppress(FileNotFoundError, ProcessLookupError):
                if _is_first(process):
                    os.kill(process, 9)
                    return
        raise LabError(f"no process is PID 1 of container {identity}")


def clear_leftovers() -> None:
    """Remove what clusters of killed test runs left: their folders and control groups."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if not (folder / "layout.json").exists():
            continue  # One that is being made: its maker has no lock on it yet.
        try:
            alive = _hold(folder)
        except (BlockingIOError, FileNotFoundError):
            continue  # Somebody else's cluster that runs, or that is being removed.
        _remove(folder)
        os.close(alive)


def _hold(folder: Path) -> int:
    """Return a lock on the folder that ends with us; BlockingIOError when another has it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove(folder: Path) -> None:
    # The folder goes last: it is what tells that there are groups.
    control_groups.remove(folder.name)
    deadline = time.monotonic() + 10
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)


class Wire:
    """Two addresses that are nobody's on this machine, ours until `close` or our end."""

    def __init__(self) -> None:
        taken = run(["ip", "-4", "-o", "address"])
        for number in range(WIRES):
            # The name of a socket that no file stands for: the kernel frees it, whatever happens.
            # It keeps a cluster away that is starting at this moment and has no wire yet.
            self._claim = socket.socket(socket.AF_UNIX)
            with suppress(OSError):
                self._claim.bind(f"\0{PREFIX}{number}")
                if f" 198.18.{number}." not in taken:
                    self.here, self.there = f"198.18.{number}.1", f"198.18.{number}.2"
                    return
            self._claim.close()
        raise LabError(f"198.18.0.0 to 198.18.{WIRES - 1}.0 are all in use")

    def close(self) -> None:
        """Let others have them."""
        self._claim.close()


@contextmanager
def _first_child(pid: int) -> Iterator[int | None]:
    """Yield a descriptor of the process's only child, None when it has none."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    descriptor = None
    with suppress(FileNotFoundError, ProcessLookupError):
        for child in children.read_text().split():
            descriptor = os.pidfd_open(int(child))
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _is_first(process: int) -> bool:
    """Tell whether the process is PID 1 of the innermost namespace it is in."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("NSpid:"):
            return line.split()[-1] == "1"
    return False
