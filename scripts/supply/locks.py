"""The lock files: what each is for, how it is read, what must hold of it, and how it is renewed.

A lock file names every distribution with its one version and the SHA-256 of each of its files, and nothing of
where they are fetched from: that is the machine's choice.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from scripts.supply.tools import ROOT, SupplyError, Tools

COOL_DOWN = "7 days"
"""How old a release has to be that pyproject.toml does not name: most stolen ones are noticed within days."""
OLDEST_PYTHON = "3.11"
ENTRY = re.compile(
    r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+?))?"
    r"(?P<hashes>(?: --hash=sha256:[0-9a-f]{64})+)"
)
REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?(?P<range>[^;]*)(?:;.*)?")


@dataclass(frozen=True)
class Lock:
    """One lock file: the parts of pyproject.toml that it holds, and for what it is."""

    file: str
    groups: tuple[str, ...]
    project: bool
    use: str

    @property
    def path(self) -> Path:
        """Where it is."""
        return ROOT / self.file


RUNTIME = Lock("images/requirements.txt", (), True, "what the product imports")
BUILD = Lock("images/requirements-build.txt", ("build",), False, "what builds and installs it")
TEST = Lock("scripts/requirements-test.txt", ("test",), True, "the tests on another Python")
DEV = Lock("scripts/requirements-dev.txt", ("dev", "build"), True, "tests and checks, and both")
UPKEEP = Lock("scripts/requirements-upkeep.txt", ("upkeep",), False, "what renews and audits")
LOCKS = (RUNTIME, BUILD, TEST, DEV, UPKEEP)


@dataclass(frozen=True)
class Entry:
    """One distribution of a lock file."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def entries(text: str) -> tuple[list[Entry], list[str]]:
    """Return the entries of a lock file, and what is in it that is none: every such line is a mistake."""
    found, wrong = [], []
    for line in text.replace(" \\\n", " ").splitlines():
        matched = ENTRY.fullmatch(re.sub(r" +", " ", line.strip()))
        if matched is None:
            wrong.append(line.strip()[:100])
            continue
        hashes = tuple(word.rpartition(":")[2] for word in matched["hashes"].split())
        found.append(Entry(matched["name"], matched["version"], matched["marker"] or "", hashes))
    return found, wrong


def read(lock: Lock) -> list[Entry]:
    """Return the entries of a lock file; SupplyError where it has a line that is none."""
    found, wrong = entries(lock.path.read_text(encoding="utf-8"))
    if wrong:
        raise SupplyError(f"{lock.file}: not pinned with ==, or without a SHA-256: {wrong}")
    return found


def required(lock: Lock) -> dict[str, str]:
    """Return the range of versions that pyproject.toml asks for, by the name as the lock file has it."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(document["project"]["dependencies"]) if lock.project else []
    groups = list(lock.groups)
    for group in groups:
        for one in document["dependency-groups"][group]:
            (groups if isinstance(one, dict) else wanted).append(
                one["include-group"] if isinstance(one, dict) else one
            )
    found = {}
    for requirement in wanted:
        matched = REQUIREMENT.fullmatch(requirement)
        assert matched is not None, requirement
        found[re.sub(r"[-_.]+", "-", matched["name"]).lower()] = matched["range"].strip()
    return found


def renew(uv: Tools, root: Path, *, upgrade: bool, newest: bool) -> None:
    """Write all lock files anew below `root`; without `upgrade` what pyproject.toml still allows is kept."""
    for lock in LOCKS:
        parts = ["pyproject.toml"] if lock.project else []
        parts += [word for group in lock.groups for word in ("--group", group)]
        # One version of what two have, and what ships decides.
        above = {TEST: (RUNTIME,), DEV: (RUNTIME, BUILD, TEST)}.get(lock, ())
        parts += [word for other in above for word in ("-c", str(root / other.file))]
        choice = ["--upgrade"] if upgrade else []
        if upgrade and not newest:
            choice += ["--exclude-newer", COOL_DOWN]
            named = [name for name, wanted in required(lock).items() if wanted.startswith("==")]
            choice += [
                word for name in named for word in ("--exclude-newer-package", f"{name}=false")
            ]
        uv.run(
            *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", OLDEST_PYTHON),
            *("--generate-hashes", "--no-annotate", "--no-header", *choice, *parts),
            # uv keeps the versions that it finds there.
            *("--output-file", root / lock.file),
        )


def drifted(uv: Tools) -> list[Lock]:
    """Return the lock files that pyproject.toml no longer resolves to."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for lock in LOCKS:
            (root / lock.file).parent.mkdir(exist_ok=True)
            shutil.copy(lock.path, root / lock.file)
        renew(uv, root, upgrade=False, newest=False)
        return [lock for lock in LOCKS if (root / lock.file).read_bytes() != lock.path.read_bytes()]
