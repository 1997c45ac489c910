"""Where a cluster keeps its things, and the text of every file its parts read.

Nothing here starts anything. Inside its namespaces a cluster sees `var-lib`, `var-log` and `run` of
its folder as /var/lib, /var/log and /run, so its parts keep their default paths; ports are their
defaults too, as the network is the cluster's own.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

NODE_NAME = "node"
API_PORT = 6443
POD_NETWORK = "10.244.0.0/16"
POD_RANGE = "10.244.0.0/24"
SERVICE_NETWORK = "10.96.0.0/16"
# On the node's loopback; pods reach it through their gateway, before any pod has made the bridge.
DNS_ADDRESS = "169.254.20.10"
DOMAIN = "cluster.local"
PAUSE_IMAGE = "localhost/lab/pause:1"
PROBE_IMAGE = "localhost/lab/probe:1"
VOLUMES = 30
# Debian's package puts them here, upstream's default is /opt/cni/bin.
CNI_PLUGINS = "/usr/lib/cni"
# The kubelet writes these, and they belong to the whole machine: it gets a file of its own instead.
MACHINE_SYSCTLS = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")
# Places that the cluster's own folders cover while it runs.
COVERED = {"var-lib": "/var/lib", "var-log": "/var/log", "run": "/run"}


@dataclass(frozen=True)
class Layout:
    """One cluster: its folder, its programs, its place in the control groups, its two addresses.

    `host_address` is this machine's end of the wire, `node_address` the cluster's, of one /30.
    """

    folder: str
    programs: str
    cgroup: str
    host_address: str
    node_address: str
    host_pid: int
    token: str

    @classmethod
    def load(cls, folder: Path) -> Layout:
        """Return what `save` wrote there."""
        return cls(**json.loads((folder / "layout.json").read_text()))

    def save(self) -> None:
        """Write it into its folder, for the process inside, readable by us only."""
        path = self.path("layout.json")
        path.touch(0o600)
        path.write_text(json.dumps(asdict(self)))

    def path(self, name: str) -> Path:
        """Return a path below the folder."""
        return Path(self.folder) / name

    def program(self, name: str) -> str:
        """Return one of the programs that `build` made."""
        return str(Path(self.programs) / name)

    @property
    def kubeconfig(self) -> Path:
        """The file for kubectl; it works inside and outside."""
        return self.path("kubeconfig")

    @property
    def containerd_socket(self) -> Path:
        """The socket of containerd as it is reached from outside."""
        return self.path("run/containerd/containerd.sock")

    @property
    def logs(self) -> Path:
        """The folder with one log for every part."""
        return self.path("logs")

    def files(self) -> dict[str, str]:
        """Return every file to write below the folder before the start, by name."""
        return {
            "kubeconfig": _kubeconfig(self),
            "tokens.csv": f"{self.token},admin,admin,system:masters\n",
            "hosts": f"127.0.0.1 localhost {NODE_NAME}\n",
            # A pod's own file gets the cluster's search list and nothing of this machine.
            "resolv.conf": "",
            "cni/10-bridge.conflist": json.dumps(_network()),
            "containerd.toml": CONTAINERD.substitute(
                folder=self.folder, pause=PAUSE_IMAGE, plugins=CNI_PLUGINS
            ),
            "kubelet.json": json.dumps(_kubelet(self)),
            "Corefile": COREFILE.substitute(folder=self.folder, domain=DOMAIN, dns=DNS_ADDRESS),
            **{f"sysctl/{name}": "0\n" for name in MACHINE_SYSCTLS},
        }


def _kubeconfig(layout: Layout) -> str:
    server = f"https://{layout.node_address}:{API_PORT}"
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "lab", "cluster": {"server": server, "insecure-skip-tls-verify": True}}
            ],
            "users": [{"name": "admin", "user": {"token": layout.token}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "admin"}}],
            "current-context": "lab",
        }
    )


def _network() -> dict[str, object]:
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": POD_RANGE}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, ports]}


def _kubelet(layout: Layout) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        # Loopback of the cluster's own network: the API server is the only one who can come.
        "address": "127.0.0.1",
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        # Without CAP_SYS_RESOURCE the kernel refuses every lower value.
        "oomScoreAdj": 0,
        "localStorageCapacityIsolation": False,
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": DOMAIN,
        "resolvConf": str(layout.path("resolv.conf")),
        # Its default is below /usr, and the kubelet makes it.
        "volumePluginDir": "/var/lib/kubelet/volumeplugins",
        # A full disk is not what the tests are about: no eviction for it, no image is collected.
        "evictionHard": {"memory.available": "100Mi"},
        "imageGCHighThresholdPercent": 100,
        # A changed ConfigMap is in the pod after seconds, not after a minute and a half.
        "syncFrequency": "5s",
        # Back-off between restarts ends at 10 s, not at 5 minutes.
        "featureGates": {"KubeletCrashLoopBackOffMax": True},
        "crashLoopBackOff": {"maxContainerRestartPeriod": "10s"},
    }


CONTAINERD = Template("""\
version = 2
oom_score = 0
# "opt" would make a folder below /opt; the others are snapshotters nobody uses.
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp",
]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$pause"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$plugins"
    conf_dir = "$folder/cni"
""")

# A name outside the cluster does not exist: glibc takes a refusal for a server to try again.
COREFILE = Template("""\
$domain in-addr.arpa {
  bind $dns
  errors
  kubernetes $domain in-addr.arpa {
    kubeconfig $folder/kubeconfig lab
  }
}
. {
  bind $dns
  errors
  template ANY ANY {
    rcode NXDOMAIN
  }
}
""")
