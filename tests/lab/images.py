"""The project's own images, built for the tests: on the lab's base image, of the stand-in for otter.

A tag stands for the content that an image is made of, so a second call with the same sources builds
nothing. `python3 tests/lab/images.py [NAME …]` builds them and prints their names.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):
    # Run as a script: the packages are found from their parent folders.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from lab import cache, containers, jars
from lab.cache import LabError, Missing
from lab.command import run, say

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("images", "entrypoint", "scripts", "pyproject.toml", "README.md", "LICENSE")
PREFIX = "localhost/entrypoint"
KEPT = 3
"""Tags whose images are kept: of this checkout, and of others beside it."""
MOST = 300
"""Images and cached steps, beyond which the steps go that nothing is made of."""
NAMES = ("jvm-base", "otter-manager", "otter-node", "zookeeper", "kafka")


def build(names: Sequence[str] = NAMES) -> dict[str, str]:
    """Return the references of the images by name; the missing ones are built. LabError if they cannot."""
    tarballs = distributions(names)
    tag = f"lab-{_fingerprint([*tarballs.values()])}"
    found = {name: f"{PREFIX}/{name}:{tag}" for name in names}
    absent = [name for name in names if not containers.exists(found[name])]
    if absent:
        say(f"images: build {', '.join(absent)}")
        words = [
            *("--tool", "podman", "--tag", tag, "--base", containers.JRE8.image),
            *("--work", cache.root() / "images", "--only", *absent),
        ]
        for name, tarball in tarballs.items():
            words += ["--dist", f"{name}={tarball}"]
        path = f"{containers.bin()}:{os.environ.get('PATH', os.defpath)}"
        command = [sys.executable, ROOT / "images" / "build", *words]
        say(run([str(word) for word in command], env={"PATH": path}, timeout=900).strip())
    _forget_old(tag)
    return found


def _forget_old(tag: str) -> None:
    """Remove the images of all but the last few tags; layers that others use stay."""
    notes = cache.root() / "images" / "tags"
    notes.parent.mkdir(parents=True, exist_ok=True)
    known = notes.read_text().split() if notes.exists() else []
    recent = [*(name for name in known if name != tag), tag]
    for old in recent[:-KEPT]:
        names = containers.podman("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
        for name in names:
            if name.startswith(f"{PREFIX}/") and name.endswith(f":{old}"):
                containers.podman("rmi", "--force", name)
    notes.write_text("\n".join(recent[-KEPT:]) + "\n")
    # The cache of layers: each change of our code leaves some, and a build looks through all of them.
    if len(containers.podman("image", "ls", "--all", "--quiet").split()) > MOST:
        containers.podman("image", "prune", "--force")


def distributions(names: Sequence[str]) -> dict[str, Path]:
    """Return the tarball of every image that is made of one: the stand-in's, and Maven Central's jars."""
    found: dict[str, Path] = {}
    if {"otter-manager", "otter-node"} & set(names):
        from standin.build import BuildError
        from standin.build import build as build_standin

        try:
            otter = build_standin()
        except BuildError as error:
            raise LabError(str(error)) from error
        found |= {"otter-manager": otter.manager, "otter-node": otter.node}
    if "zookeeper" in names:
        name = f"apache-zookeeper-{jars.ZOOKEEPER_VERSION}-bin.tar.gz"
        found["zookeeper"] = _pack(jars.zookeeper_home(), name)
    if "kafka" in names:
        found["kafka"] = _pack(jars.kafka_home(), f"kafka_2.13-{jars.KAFKA_VERSION}.tgz")
    return {name: tarball for name, tarball in found.items() if name in names}


def _pack(home: Path | Missing, name: str) -> Path:
    """Return a home as a tarball, named and laid out as the official one: one folder at its top."""
    if isinstance(home, Missing):
        raise LabError(str(home))
    key = hashlib.sha256((home / "pom.xml").read_bytes()).hexdigest()[:16]
    tarball = cache.root() / "dist" / key / name
    if not tarball.exists():
        tarball.parent.mkdir(parents=True, exist_ok=True)
        part = tarball.with_name(f"{name}.new-{os.getpid()}")
        with tarfile.open(part, "w:gz", compresslevel=1) as archive:
            archive.add(home, arcname=name.partition(".t")[0])
        part.rename(tarball)
    return tarball


def _fingerprint(tarballs: Sequence[Path]) -> str:
    """Return what stands for all that the images are made of: sources, tarballs, base."""
    base = containers.podman("image", "inspect", "--format", "{{.Id}}", containers.JRE8.image)
    digest = hashlib.sha256(base.encode())
    for name in SOURCES:
        for path in [ROOT / name] if (ROOT / name).is_file() else sorted((ROOT / name).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_mode & 0o111}\0".encode())
                digest.update(path.read_bytes())
    for tarball in tarballs:
        # Each lies in a folder that is named by what it is made of.
        digest.update(f"{tarball.parent.name}/{tarball.name}\0".encode())
    return digest.hexdigest()[:12]


def main(names: list[str]) -> int:
    """Build the named images, or all, and print their references."""
    try:
        for reference in build(names or NAMES).values():
            print(reference)
    except LabError as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
