"""Builds the stand-in and packs it as otter is packed: two tarballs in the official layout.

Run it (`python tests/standin/build.py`, prints the two paths) or call `build()`. Needs `javac` and
`mvn`; Maven brings the libraries. The result is kept outside the checkout, under a hash of the sources,
so that the second call does nothing.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "4.2.18"
KINDS = ("manager", "node")
HERE = Path(__file__).resolve().parent


class Distribution(NamedTuple):
    """The two tarballs, named as on otter's release page."""

    manager: Path
    node: Path


class BuildError(Exception):
    """The stand-in cannot be built; the message says what to install or what javac said."""


def default_cache() -> Path:
    """Returns `$ENTRYPOINT_TEST_CACHE`, or `~/.cache/entrypoint-tests`."""
    return Path(os.environ.get("ENTRYPOINT_TEST_CACHE") or Path.home() / ".cache/entrypoint-tests")


def build(cache: Path | None = None) -> Distribution:
    """Returns the tarballs, built if these sources were never built before."""
    home = (cache or default_cache()) / "standin" / _fingerprint(_sources())
    found = Distribution(*(home / f"{kind}.deployer-{VERSION}.tar.gz" for kind in KINDS))
    if not home.is_dir():
        _publish(home, lambda scratch: _pack_all(scratch, _libraries(home.parent)))
    return found


def unpack(tarball: Path, home: Path) -> Path:
    """Unpacks a tarball into a new folder and returns that folder."""
    home.mkdir(parents=True)
    # the program, since tarfile has its filters from 3.11.4 on only, and warns without them later
    _run([_tool("tar"), "-xzf", str(tarball), "-C", str(home)])
    return home


def _sources() -> list[Path]:
    files = (path for path in (HERE / "src").rglob("*") if path.is_file())
    return sorted([HERE / "pom.xml", HERE / "build.py", *files])


def _fingerprint(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(HERE)}\0{path.stat().st_mode & 0o111}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _libraries(cache: Path) -> Path:
    """Returns a folder with the jars that pom.xml names, fetched once."""
    home = cache / f"lib-{_fingerprint([HERE / 'pom.xml'])}"
    if not home.is_dir():
        command = [_tool("mvn"), "-q", "-B", "-f", str(HERE / "pom.xml")]
        command += ["dependency:copy-dependencies", "-DincludeScope=runtime"]
        _publish(home, lambda scratch: _run([*command, f"-DoutputDirectory={scratch}"]))
    return home


def _pack_all(scratch: Path, libraries: Path) -> None:
    with tempfile.TemporaryDirectory() as classes:
        sources = [str(path) for path in (HERE / "src/main/java").rglob("*.java")]
        options = ["--release", "8", "-encoding", "UTF-8", "-nowarn", "-Xlint:-options"]
        _run([_tool("javac"), *options, "-cp", f"{libraries}/*", "-d", classes, *sources])
        for kind in KINDS:
            _pack(scratch / f"{kind}.deployer-{VERSION}.tar.gz", kind, Path(classes), libraries)


def _pack(tarball: Path, kind: str, classes: Path, libraries: Path) -> None:
    jar = Path(shutil.make_archive(str(tarball.parent / kind), "zip", classes))
    with tarfile.open(tarball, "w:gz") as archive:
        for path in sorted((HERE / "src/dist" / kind).iterdir()):
            archive.add(path, arcname=path.name)
        for path in sorted(libraries.iterdir()):
            archive.add(path, arcname=f"lib/{path.name}")
        archive.add(jar, arcname=f"lib/{kind}.deployer-{VERSION}.jar")
        logs = tarfile.TarInfo("logs")
        logs.type, logs.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(logs, io.BytesIO())
    jar.unlink()


def _publish(home: Path, make: Callable[[Path], None]) -> None:
    """Fills a folder beside its place, then moves it there: whoever builds at the same time is fine."""
    home.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{home.name}-", dir=home.parent))
    try:
        make(scratch)
        scratch.chmod(0o755)
        scratch.rename(home)
    except OSError:
        if not home.is_dir():
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BuildError(f"building the stand-in needs {name}: install a JDK, Maven and tar")
    return found


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        said = done.stdout.decode(errors="replace")[-4000:]
        raise BuildError(f"{os.path.basename(command[0])} failed ({done.returncode}):\n{said}")


if __name__ == "__main__":
    try:
        for made in build():
            print(made)
    except BuildError as error:
        sys.exit(str(error))
