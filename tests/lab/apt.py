"""apt: packages of the system, and single packages of another suite without touching the system.

The second way uses a private apt state (own sources, lists and archives in the cache). Its mirror
is the one the system's own sources name.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import cache
from lab.cache import LabError
from lab.command import run, say

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = "#!/bin/sh\n# Written by tests/lab/apt.py: no service starts on install.\nexit 101\n"
NO_QUESTIONS = {"DEBIAN_FRONTEND": "noninteractive"}
# Repositories may be frozen snapshots, and an image may be older than its lists.
PATIENT = ("-o", "Acquire::Check-Valid-Until=false", "-o", "Acquire::Retries=3")
LOCK = ("-o", "DPkg::Lock::Timeout=300")


def installed(package: str) -> bool:
    """Tell whether dpkg has the package, fully configured."""
    try:
        status = run(["dpkg-query", "-W", "-f", "${db:Status-Status}", package])
    except LabError:
        return False
    return status == "installed"


def has_candidate(package: str) -> bool:
    """Tell whether the system's own sources offer the package."""
    policy = run(["apt-cache", "policy", package])
    return "Candidate:" in policy and "Candidate: (none)" not in policy


def update() -> None:
    """Fetch the system's package lists."""
    say("apt-get update")
    run(["apt-get", *PATIENT, "update"], env=NO_QUESTIONS, timeout=600, attempts=3)


def update_when_empty() -> None:
    """Fetch the system's package lists if an image was shipped without them."""
    if not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
        update()


def install(*packages: str) -> None:
    """Install the packages that are not there yet; no service is started by it."""
    wanted = [name for name in packages if not installed(name)]
    if not wanted:
        return
    update_when_empty()
    say(f"apt-get install {' '.join(wanted)}")
    argv = ["apt-get", *PATIENT, *LOCK, "-y", "--no-install-recommends", "install", *wanted]
    with _services_held_back():
        try:
            run(argv, env=NO_QUESTIONS, timeout=900)
        except LabError:
            # Lists that are older than the mirror name files that are gone.
            update()
            run(argv, env=NO_QUESTIONS, timeout=900, attempts=2)


@contextmanager
def _services_held_back() -> Iterator[None]:
    ours = not POLICY.exists() or POLICY.read_text() == POLICY_TEXT
    if ours:
        POLICY.write_text(POLICY_TEXT)
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink(missing_ok=True)


@dataclass(frozen=True)
class Repository:
    """One apt repository that is not (only) the system's: where it is and who signs it."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    keyring: Path | None

    @property
    def name(self) -> str:
        return self.suites[0]

    def sources(self) -> str:
        """Return the deb822 text apt reads."""
        lines = [
            "Types: deb",
            f"URIs: {self.uri}",
            f"Suites: {' '.join(self.suites)}",
            f"Components: {' '.join(self.components)}",
        ]
        if self.keyring is not None:
            lines.append(f"Signed-By: {self.keyring}")
        return "\n".join(lines) + "\n"


def jdk_repository() -> Repository:
    """Return the repository that has old and new JDKs: sid on Debian, the release itself on Ubuntu.

    Raises LabError where the system's sources name neither.
    """
    own = own_repository()
    if own.suites[1:]:
        return own
    return Repository(own.uri, ("sid",), own.components, own.keyring)


def own_repository() -> Repository:
    """Return the release that this system is: one suite of Debian, or Ubuntu's with its updates.

    Raises LabError where the system's sources name neither.
    """
    update_when_empty()
    form = "$(REPO_URI)|$(CODENAME)|$(RELEASE)|$(ORIGIN)|$(LABEL)"
    targets = run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"])
    for line in targets.splitlines():
        uri, codename, release, origin, label = line.split("|")
        if origin != label or codename != release:
            continue
        if origin == "Debian":
            return Repository(uri, (codename,), ("main",), _keyring("debian"))
        if origin == "Ubuntu":
            suites = (codename, f"{codename}-updates")
            return Repository(uri, suites, ("main", "universe"), _keyring("ubuntu"))
    raise LabError("the system's apt sources name no Debian or Ubuntu mirror to derive one from")


def _keyring(distribution: str) -> Path | None:
    for suffix in ("gpg", "pgp"):
        path = Path(f"/usr/share/keyrings/{distribution}-archive-keyring.{suffix}")
        if path.exists():
            return path
    return None


_fetched: set[Repository] = set()


class PrivateApt:
    """An apt state of our own: resolves against an empty system and only downloads."""

    def __init__(self, repository: Repository) -> None:
        self._folder = cache.root() / "apt" / repository.name
        self._repository = repository
        options = {
            "Dir::Etc::SourceList": self._folder / "lab.sources",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            "Dir::State": self._folder / "state",
            "Dir::State::status": self._folder / "status",
            "Dir::Cache": self._folder / "cache",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            # apt's own user cannot enter a cache folder below root's home.
            "APT::Sandbox::User": "root",
        }
        self._options = [
            word for key, value in options.items() for word in ("-o", f"{key}={value}")
        ]
        self._options += PATIENT

    def update(self) -> None:
        """Fetch the repository's lists into the private state, once per process."""
        if self._repository in _fetched:
            return
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        (self._folder / "lab.sources").write_text(self._repository.sources())
        say(f"apt-get update of {self._repository.name}, in a private state")
        run(["apt-get", *self._options, "update"], timeout=600, attempts=3)
        _fetched.add(self._repository)

    def closure(self, package: str) -> list[str]:
        """Return the package and every library it needs, as NAME=VERSION."""
        simulated = run(
            ["apt-get", *self._options, "-s", "--no-install-recommends", "install", package]
        )
        names: list[str] = []
        for line in simulated.splitlines():
            match line.split():
                case ["Inst", name, version, *_] if name == package or _is_library(name):
                    names.append(f"{name}={version.lstrip('(')}")
        return names

    def unpack(self, packages: Sequence[str], into: Path) -> None:
        """Download the packages and unpack them below `into`; no maintainer script runs."""
        archives = self._folder / "archives"
        shutil.rmtree(archives, ignore_errors=True)
        archives.mkdir(parents=True)
        run(
            ["apt-get", *self._options, "download", *packages],
            cwd=archives,
            timeout=600,
            attempts=3,
        )
        for archive in sorted(archives.glob("*.deb")):
            run(["dpkg", "-x", archive, into])
        shutil.rmtree(archives)


def _is_library(package: str) -> bool:
    return package.startswith(("lib", "zlib")) and not package.endswith(("-data", "-common"))
