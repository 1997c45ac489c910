"""kustomize and kube-score, compiled from the Go module proxy: what the manifests are checked with, offline.

Light beside the cluster's own kubectl: 40 s and 50 MB. A kustomize of the PATH is used as it is.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lab import cache
from lab.cache import LabError, Missing
from lab.command import run, say

PART = "kustomize"
MODULES = {
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1",
    "kube-score": "github.com/zegl/kube-score/cmd/kube-score@v1.20.0",
}
GO = ("go", "/usr/local/go/bin/go")
OLDEST_GO = (1, 21)
"""From here on Go fetches the newer toolchain that a module asks for."""
BUILD_SECONDS = 1200


def find(name: str) -> Path | Missing:
    """Return the program `kustomize` or `kube-score`, or why it is not here."""
    built = _target(name) / name
    if built.exists():
        return built
    found = shutil.which(name)
    return Path(found) if found else cache.missing(PART)


def install() -> None:
    """Compile what is not there yet."""
    for name, module in MODULES.items():
        target = _target(name)
        if target.is_dir():
            continue
        go = _go()
        say(f"compiling {module}")
        with cache.staged(target) as staging:
            run(
                ["nice", "-n", "10", go, "install", module],
                env={
                    "GOBIN": str(staging),
                    "CGO_ENABLED": "0",
                    "GOFLAGS": "-trimpath",
                    "GOWORK": "off",
                },
                timeout=BUILD_SECONDS,
            )


def _target(name: str) -> Path:
    return cache.root() / PART / f"{name}-{MODULES[name].rpartition('@')[2]}"


def _go() -> str:
    found = next((path for path in map(shutil.which, GO) if path), None)
    if found is None:
        raise LabError("no Go compiler: install Go 1.21 or newer, or kustomize and kube-score")
    text = run([found, "env", "GOVERSION"]).strip()
    if tuple(int(part) for part in text.removeprefix("go").split(".")[:2]) < OLDEST_GO:
        raise LabError(f"{found} is {text}: too old to compile kustomize")
    return found
