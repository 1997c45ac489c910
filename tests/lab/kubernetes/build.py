"""The programs of the cluster: Kubernetes, etcd and CoreDNS compiled as one, and Debian's containerd.

No registry has binaries of Kubernetes, the Go module proxy has its sources. The result is kept
under a hash of our sources, the version and the compiler.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from lab import apt, cache
from lab.cache import LabError, Missing
from lab.command import run, say

PART = "kubernetes"
PACKAGES = (
    "containerd", "runc", "containernetworking-plugins", "iptables", "conntrack", "openssl",
    "iproute2", "util-linux",
)  # fmt: skip
SOURCE = Path(__file__).with_name("source")
# One program under many names: it looks at what it is called.
NAMES = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy",
    "kubectl", "dns",
)  # fmt: skip
# With GOTOOLCHAIN=auto, its default, this Go fetches a newer one where go.mod asks for it.
OLDEST_GO = (1, 21)
# Debian and upstream put what we need here; a user's PATH may lack them.
EXTRA_PATH = ("/usr/sbin", "/sbin", "/usr/local/go/bin")
BUILD_SECONDS = 3000


@dataclass(frozen=True)
class Programs:
    """Where the cluster's programs are: `folder` holds NAMES and `probe`."""

    folder: Path

    def path(self, name: str) -> Path:
        """Return the program of that name."""
        return self.folder / name


def search_path() -> str:
    """Return $PATH with the folders that may be missing in it."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *EXTRA_PATH])


def find() -> Programs | Missing:
    """Return the programs, or why there are none."""
    folder = _target()
    if not folder.is_dir():
        return cache.missing(PART)
    for program in ("containerd", "ctr", "runc", "iptables", "conntrack", "openssl"):
        if shutil.which(program, path=search_path()) is None:
            return Missing(PART, f"{program} is not installed; run install.py {PART} again")
    return Programs(folder)


def install() -> None:
    """Install the packages and compile the rest if that was never done for these sources."""
    apt.install(*PACKAGES)
    target = _target()
    if target.is_dir():
        return
    go = _go()
    say("compiling Kubernetes: 6 to 15 minutes the first time")
    with cache.staged(target) as staging:
        for package, name, flags in ((".", PART, _version_flags()), ("./probe", "probe", "-s -w")):
            run(
                ["nice", "-n", "10", go, "build", "-trimpath", "-buildvcs=false",
                 "-mod=readonly", "-ldflags", flags, "-o", staging / name, package],
                cwd=SOURCE,
                env={"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"},
                timeout=BUILD_SECONDS,
            )  # fmt: skip
        for name in NAMES:
            (staging / name).symlink_to(PART)
        _drop_older(target)


def version() -> str:
    """Return the version of Kubernetes that go.mod names, such as v1.34.4."""
    for line in (SOURCE / "go.mod").read_text().splitlines():
        match line.split():
            case ["k8s.io/kubernetes", found]:
                return found
    raise LabError("source/go.mod names no version of k8s.io/kubernetes")


def _version_flags() -> str:
    found = version()
    major, minor, _ = found.removeprefix("v").split(".")
    base = "k8s.io/component-base/version"
    values = {
        f"{base}.gitVersion": found,
        f"{base}.gitMajor": major,
        f"{base}.gitMinor": minor,
        "k8s.io/client-go/pkg/version.gitVersion": found,
    }
    return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in values.items())])


def _target() -> Path:
    digest = hashlib.sha256()
    files = [path for path in SOURCE.rglob("*") if path.is_file()]
    for path in sorted([*files, Path(__file__)]):
        digest.update(f"{path.name}\0".encode())
        digest.update(path.read_bytes())
    return cache.root() / PART / digest.hexdigest()[:16]


def _drop_older(target: Path) -> None:
    """Remove earlier builds: each is 200 MB, and a running cluster keeps its open files."""
    for other in target.parent.iterdir():
        if other.is_dir() and other.name != target.name and not other.name.startswith(target.name):
            shutil.rmtree(other)


def _go() -> Path:
    found = shutil.which("go", path=search_path())
    if found is None:
        oldest = ".".join(map(str, OLDEST_GO))
        raise LabError(f"no Go compiler: install Go {oldest} or newer to compile Kubernetes")
    text = run([found, "env", "GOVERSION"]).strip()
    numbers = tuple(int(part) for part in text.removeprefix("go").split(".")[:2])
    if numbers < OLDEST_GO:
        raise LabError(f"{found} is {text}: too old to compile Kubernetes")
    return Path(found)
