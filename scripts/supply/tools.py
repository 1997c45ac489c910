"""Programs from a lock file in an environment of their own, kept until the lock file changes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class SupplyError(Exception):
    """It cannot be done; the message says why."""


@dataclass(frozen=True)
class Tools:
    """A virtual environment made of one lock file."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.folder / "bin" / "python"

    def ask(self, program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one of its programs in the project's folder and return how it ended."""
        environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_COLOR": "1"}
        return subprocess.run(
            [str(self.folder / "bin" / program), *map(str, words)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, program: str, *words: str | Path) -> str:
        """Return the standard output of one of its programs; SupplyError where it fails."""
        done = self.ask(program, *words)
        if done.returncode:
            said = (done.stdout + done.stderr).strip()
            raise SupplyError(f"{program} {words[0]}: exit {done.returncode}\n{said[-2000:]}")
        return done.stdout


def tools(lock: Path, work: Path) -> Tools:
    """Return the environment of a lock file, made if it is not there; every file is checked by its hash."""
    key = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    found = Tools(work / f"{lock.stem}-{key}")
    if (found.folder / "made").exists():
        return found
    shutil.rmtree(found.folder, ignore_errors=True)
    venv.create(found.folder, with_pip=True, symlinks=True)
    options = ("--require-hashes", "--only-binary=:all:", "--no-deps", "--quiet", "-r", lock)
    found.run("python", "-m", "pip", "install", *options)
    (found.folder / "made").touch()
    return found
