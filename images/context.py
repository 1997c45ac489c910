"""What a build needs, brought together in one folder per Containerfile: wheels, tarballs, scripts.

An image is built without a package index and without downloads of its own: what comes from
outside comes here, on the host, with its checksum.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from images.recipes import Image

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "images"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""Pythons that a base image may have: Debian 12 and 13, Ubuntu 24.04 and 26.04."""
MANYLINUX = ("manylinux_2_17", "manylinux2014", "manylinux_2_28")
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
SOURCES = ("entrypoint", "scripts", "pyproject.toml", "README.md", "LICENSE")


VERSION = re.compile(r"-(\d[\w.+-]*?)(?:-bin)?\.(?:tar\.gz|tgz)")
"""The version in a tarball's name: kafka_2.13-3.9.2.tgz, apache-zookeeper-3.9.5-bin.tar.gz."""


class BuildError(Exception):
    """An image cannot be built; the message says what to do."""


@dataclass(frozen=True)
class Distribution:
    """Where an application's tarball is: a path, or an address with its checksum."""

    place: str
    sha256: str = ""

    @classmethod
    def parse(cls, text: str) -> Distribution:
        """Return what FILE or URL#sha256=HEX names; BuildError for an address without a checksum."""
        place, _, checksum = text.partition("#sha256=")
        if "://" in place and not checksum:
            raise BuildError(f"{place} needs its checksum: {place}#sha256=…")
        return cls(place, checksum.lower())


@dataclass(frozen=True)
class Context:
    """A folder to build in, and what the tarball in it is called."""

    folder: Path
    tarball: str = ""
    sha256: str = ""
    inputs: str = ""
    """Stands for the content of the files that the Containerfile reads without copying them."""


def prepare(image: Image, work: Path, distribution: Distribution | None) -> Context:
    """Return the image's context, made or brought up to date."""
    context = work / "context" / image.name
    context.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / image.name / "Containerfile", context)
    if image.parts:
        (context / "parts").mkdir(exist_ok=True)
    for name in image.parts:
        shutil.copy(HERE / "parts" / name, context / "parts")
    if image.name == "jvm-runtime":
        shutil.copy(HERE / "requirements.txt", context)
        _mirror([*dependencies(work).iterdir()], context / "wheels")
    parts = [HERE / "parts" / name for name in image.parts]
    if image.name == "entrypoint":
        wheel = program(work)
        _mirror([*wheel.iterdir()], context / "program")
        return Context(context, inputs=_digest(parts, wheel.name))
    if distribution is None:
        return Context(context)
    tarball = fetch(distribution, work / "dist")
    for old in context.glob("*.t*gz"):
        if old.name != tarball.name:
            old.unlink()
    _link(tarball, context / tarball.name)
    return Context(context, tarball.name, _sha256(tarball), _digest(parts))


def find(image: Image, folder: Path) -> Distribution | None:
    """Return the image's tarball in a folder, the one of the highest version."""
    names = os.listdir(folder) if folder.is_dir() else []
    found = [name for name in names if fnmatch(name, image.distribution)]
    newest = max(
        found, key=lambda name: [int(part) for part in re.findall(r"\d+", name)], default=""
    )
    return Distribution(str(folder / newest)) if newest else None


def version(tarball: str) -> str:
    """Return the version that a tarball's name tells."""
    found = VERSION.search(tarball)
    return found[1] if found else "unknown"


def fetch(distribution: Distribution, folder: Path) -> Path:
    """Return the tarball as a file that has its checksum, downloaded once."""
    path = Path(distribution.place)
    if "://" in distribution.place:
        path = folder / distribution.place.rpartition("/")[2]
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _download(distribution.place, path)
    if not path.is_file():
        raise BuildError(f"{path}: no such file")
    if distribution.sha256 and (found := _sha256(path)) != distribution.sha256:
        raise BuildError(f"{path} has sha256 {found}; expected: {distribution.sha256}")
    return path


def _download(url: str, path: Path) -> None:
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    try:
        with urllib.request.urlopen(url, timeout=60) as answer, part.open("wb") as file:
            shutil.copyfileobj(answer, file)
        part.rename(path)
    except (OSError, urllib.error.URLError) as error:
        raise BuildError(f"{url}: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def dependencies(work: Path) -> Path:
    """Return a folder with the wheels of the lock files, for every Python that a base may have."""
    locks = [HERE / "requirements.txt", HERE / "requirements-build.txt"]
    architecture = ARCHITECTURES.get(platform.machine(), platform.machine())
    key = _digest([*locks], architecture)
    folder = work / "wheels" / key
    if folder.is_dir():
        return folder
    scratch = folder.with_name(f"{key}.new-{os.getpid()}")
    scratch.mkdir(parents=True)
    systems = [word for system in MANYLINUX for word in ("--platform", f"{system}_{architecture}")]
    download = ("download", "--require-hashes", "--no-deps", "--only-binary=:all:", "-d", scratch)
    try:
        for version in PYTHONS:
            _pip(*download, "--python-version", version, *systems, "-r", locks[0])
        # pip installs in the image, and leaves nothing there; the rest of this lock builds our wheel, here.
        _pip(*download, "-r", _only(locks[1], "pip", scratch))
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _only(lock: Path, name: str, folder: Path) -> Path:
    """Return a lock file with one of the distributions of another."""
    entries = lock.read_text().replace("\\\n", "").splitlines()
    part = folder.with_name(f"{name}.txt")
    part.write_text("\n".join(entry for entry in entries if entry.startswith(f"{name}==")) + "\n")
    return part


def program(work: Path) -> Path:
    """Return a folder with our own wheel, built once for the sources as they are."""
    files = [path for name in SOURCES for path in _files(ROOT / name)]
    folder = work / "program" / _digest(files)
    if not folder.is_dir():
        tools = work / "tools" / _digest([HERE / "requirements-build.txt"])
        if not tools.is_dir():
            lock = HERE / "requirements-build.txt"
            scratch = tools.with_name(f"{tools.name}.new-{os.getpid()}")
            options = ("--require-hashes", "--no-deps", "--only-binary=:all:")
            _pip("install", *options, "-r", lock, "--target", scratch)
            scratch.rename(tools)
        scratch = folder.with_name(f"{folder.name}.new-{os.getpid()}")
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(scratch)]
        _run(command, {"PYTHONPATH": str(tools), "PYTHONDONTWRITEBYTECODE": "1"})
        scratch.rename(folder)
    return folder


def _pip(*words: str | Path) -> None:
    environment = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    _run([sys.executable, "-m", "pip", "-q", *map(str, words)], environment)


def _run(command: list[str], extra: dict[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | extra,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(
            f"{' '.join(command)[:200]}: exit {done.returncode}\n{done.stdout[-2000:]}"
        )


def _files(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    return sorted(
        found for found in path.rglob("*") if found.is_file() and "__pycache__" not in found.parts
    )


def _digest(files: Iterable[Path], *more: str) -> str:
    digest = hashlib.sha256("".join(more).encode())
    for path in files:
        digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_mode & 0o111}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _mirror(files: list[Path], target: Path) -> None:
    """Make the folder `target` hold these files and nothing else."""
    target.mkdir(exist_ok=True)
    for old in {path.name for path in target.iterdir()} - {path.name for path in files}:
        (target / old).unlink()
    for path in files:
        _link(path, target / path.name)


def _link(source: Path, target: Path) -> None:
    """Copy a file, by a link where the file system allows it."""
    if target.exists() and target.samefile(source):
        return
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)
