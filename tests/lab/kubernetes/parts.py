"""The command line of every part of a cluster."""

from __future__ import annotations

from lab.kubernetes.layout import API_PORT, DOMAIN, NODE_NAME, POD_NETWORK, SERVICE_NETWORK, Layout

# Its default is below /usr, and who does not find it makes it.
FLEX_VOLUMES = "/var/lib/kubelet/volumeplugins"


def commands(layout: Layout) -> dict[str, list[str]]:
    """Return the command line of every part by its name."""
    kubeconfig = f"--kubeconfig={layout.kubeconfig}"
    key = layout.path("pki/accounts.key")
    return {
        "containerd": ["containerd", f"--config={layout.path('containerd.toml')}"],
        "etcd": [
            layout.program("etcd"), "--data-dir=/var/lib/etcd", "--unsafe-no-fsync",
            "--log-level=warn",
        ],
        "kube-apiserver": [
            layout.program("kube-apiserver"), "--etcd-servers=http://127.0.0.1:2379",
            f"--advertise-address={layout.node_address}", f"--secure-port={API_PORT}",
            f"--cert-dir={layout.path('pki')}", f"--service-cluster-ip-range={SERVICE_NETWORK}",
            f"--service-account-issuer=https://kubernetes.default.svc.{DOMAIN}",
            f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
            f"--token-auth-file={layout.path('tokens.csv')}", "--authorization-mode=RBAC",
            "--kubelet-preferred-address-types=Hostname", "--allow-privileged=true",
        ],
        "kube-controller-manager": [
            layout.program("kube-controller-manager"), kubeconfig, "--leader-elect=false",
            "--bind-address=127.0.0.1", f"--cert-dir={layout.path('pki/controllers')}",
            f"--service-account-private-key-file={key}",
            f"--root-ca-file={layout.path('pki/apiserver.crt')}",
            f"--flex-volume-plugin-dir={FLEX_VOLUMES}",
            "--controllers=*,-node-ipam-controller,-node-route-controller,-cloud-node-lifecycle-controller",
        ],
        "kube-scheduler": [
            layout.program("kube-scheduler"), kubeconfig, "--leader-elect=false",
            "--bind-address=127.0.0.1", f"--cert-dir={layout.path('pki/scheduler')}",
        ],
        "kube-proxy": [
            layout.program("kube-proxy"), kubeconfig, f"--hostname-override={NODE_NAME}",
            f"--cluster-cidr={POD_NETWORK}", "--proxy-mode=iptables", "--bind-address=127.0.0.1",
            # Limits of connection tracking belong to the whole machine.
            "--conntrack-max-per-core=0", "--conntrack-min=0",
            "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0",
            "--oom-score-adj=0",
        ],
        "kubelet": [
            layout.program("kubelet"), kubeconfig, f"--config={layout.path('kubelet.json')}",
            f"--hostname-override={NODE_NAME}", f"--node-ip={layout.node_address}",
        ],
        "dns": [layout.program("dns"), str(layout.path("Corefile"))],
    }  # fmt: skip
