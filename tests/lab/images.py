"""The project's own images, built for the tests: on the lab's base images, of the stand-in for otter.

A tag stands for the content that an image is made of, so a second call with the same sources builds
nothing. `python3 tests/lab/images.py [NAME …]` builds them and prints their names.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

if __package__ in (None, ""):
    # Run as a script: the packages are found from their parent folders.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from lab import cache, containers, jars
from lab.cache import LabError, Missing
from lab.command import run, say

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("images", "entrypoint", "scripts", "pyproject.toml", "README.md", "LICENSE")
NOT_BUILT_IN = ("images/compose.yaml", "images/hadolint.yaml", "images/sizes.py")
PREFIX = "localhost/entrypoint"
KEPT = 6
"""Tags whose images are kept, two for each state of the sources: this checkout's, and others' beside it."""
MOST = 300
"""Images and cached steps, beyond which the steps go that nothing is made of."""
NAMES = ("jvm-base", "otter-manager", "otter-node", "zookeeper", "kafka")
BASES = {"zookeeper": containers.JRE17, "kafka": containers.JRE17}
"""Who runs on another Java than 8, which otter needs."""
TAG = re.compile(r"lab-[0-9a-f]{12}")

_claimed: dict[str, int] = {}


def build(names: Sequence[str] = NAMES) -> dict[str, str]:
    """Return the references of the images by name; the missing ones are built. LabError if they cannot.

    They stay while this process lives, whatever other sessions build.
    """
    tarballs = distributions(names)
    bases = {name: BASES.get(name, containers.JRE8) for name in names}
    for base in dict.fromkeys(bases.values()):
        if not containers.exists(base.image):
            containers.ensure(base)
    with containers.changing():
        tags = {
            base: f"lab-{_fingerprint(base, tarballs)}" for base in dict.fromkeys(bases.values())
        }
        found = {name: f"{PREFIX}/{name}:{tags[base]}" for name, base in bases.items()}
        for base, tag in tags.items():
            _claim(tag)
            absent = [
                name for name in names if bases[name] == base and not containers.exists(found[name])
            ]
            if absent:
                say(f"images: build {', '.join(absent)}")
                say(_build(absent, tag, "podman", tarballs))
                _forget_old()
    return found


@contextmanager
def variant(
    reference: str, suffix: str, *words: str, tool: str = "podman", also: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the image built once more, with these words of images/build added, and remove it at the end.

    With it are built the images that it is made of, and those in `also`; the tag of all gets the suffix.
    """
    repository, _, tag = reference.rpartition(":")
    names = [repository.rpartition("/")[2], *also]
    tag += suffix
    tarballs = distributions(names)
    try:
        with containers.changing():
            _build(names, tag, tool, tarballs, *words)
        yield f"{repository}:{tag}"
    finally:
        with containers.changing():
            _remove([name for name in _tagged() if name.endswith(f":{tag}")])


def commands(names: Sequence[str], tool: str) -> list[str]:
    """Return the commands that images/build would run; their contexts are there."""
    with containers.changing():
        return _build(names, "dev", tool, distributions(names), "--print").splitlines()


def _build(
    names: Sequence[str], tag: str, tool: str, tarballs: dict[str, Path], *words: str
) -> str:
    """Run images/build, and return what it says."""
    command: list[str | Path] = [sys.executable, ROOT / "images" / "build"]
    command += ["--tool", tool, "--tag", tag, "--work", cache.root() / "images"]
    command += ["--base", BASES.get(names[0], containers.JRE8).image, "--only", *names]
    for name in names:
        if name in tarballs:
            command += ["--dist", f"{name}={tarballs[name]}"]
    path = f"{containers.bin()}:{os.environ.get('PATH', os.defpath)}"
    return run([*command, *words], env={"PATH": path}, timeout=900).strip()


def _claim(tag: str) -> None:
    """Tell other sessions that the images of a tag are in use for as long as this process lives."""
    notes = cache.root() / "images" / "in-use"
    notes.mkdir(parents=True, exist_ok=True)
    if tag not in _claimed:
        _claimed[tag] = os.open(notes / tag, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(_claimed[tag], fcntl.LOCK_SH)
    os.utime(notes / tag)


def _forget_old() -> None:
    """Remove the images of all but the last few tags; layers that others use stay."""
    notes = cache.root() / "images" / "in-use"
    by_age = sorted(notes.iterdir(), key=lambda path: path.stat().st_mtime)
    for path in by_age[:-KEPT]:
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            path.unlink()
    kept = {path.name for path in notes.iterdir()}
    tagged = {name: TAG.match(name.rpartition(":")[2]) for name in _tagged()}
    # Of a test that was killed too: what it built has the tag with something added.
    _remove([name for name, tag in tagged.items() if tag and tag[0] not in kept])
    # The cache of layers: each change of our code leaves some, and a build looks through all of them.
    if len(containers.podman("image", "ls", "--all", "--quiet").split()) > MOST:
        containers.podman("image", "prune", "--force")


def _tagged() -> list[str]:
    """Return the names of all images of ours."""
    names = containers.podman("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    return [name for name in names if name.startswith(f"{PREFIX}/")]


def _remove(names: Sequence[str]) -> None:
    if names:
        containers.podman("rmi", "--force", *names)


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


def _fingerprint(base: containers.Base, tarballs: dict[str, Path]) -> str:
    """Return what stands for all that the images on a base are made of: sources, tarballs, base.

    It does not depend on which of them are asked for: tests that want others of them share a tag.
    """
    identity = containers.podman("image", "inspect", "--format", "{{.Id}}", base.image)
    digest = hashlib.sha256(identity.encode())
    for name in SOURCES:
        for path in [ROOT / name] if (ROOT / name).is_file() else sorted((ROOT / name).rglob("*")):
            known = str(path.relative_to(ROOT))
            if known in NOT_BUILT_IN or not path.is_file() or "__pycache__" in path.parts:
                continue
            digest.update(f"{known}\0{path.stat().st_mode & 0o111}\0".encode())
            digest.update(path.read_bytes())
    # The stand-in's lie in folders that are named by what they are made of; jars.py has the others' versions.
    otter = [tarball for name, tarball in tarballs.items() if name not in BASES]
    digest.update("".join(f"{path.parent.name}/{path.name}\0" for path in otter).encode())
    digest.update(Path(jars.__file__).read_bytes())
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
