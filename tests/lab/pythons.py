"""Pythons: find those on the machine, set up those it has not from sid's packages, and give each the
libraries of the tests' lock file in a virtual environment of its own.

Not every Python can be had everywhere: sid has the newest ones only, and a machine what somebody put there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import venv
from collections.abc import Iterator
from functools import cache as cached
from pathlib import Path

from lab import cache, trees
from lab.cache import LabError, Missing
from lab.command import run, say

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
"""What pyproject.toml says that the product runs on."""
LOCK = Path(__file__).resolve().parents[2] / "scripts" / "requirements-test.txt"
RUNNING = "{}.{}".format(*sys.version_info)
# One that cannot load C extensions, or that has another ABI than that of usual wheels, is of no use.
SAY = (
    "import sys, sysconfig, ctypes, ssl, zlib; assert not sysconfig.get_config_var('Py_GIL_DISABLED');"
    "print('%d.%d' % sys.version_info[:2])"
)


@cached
def find(version: str) -> Path | Missing:
    """Return the program of that Python with the libraries of the tests: ours, or an environment's."""
    if version == RUNNING:
        return Path(sys.executable)
    environment = _environment(version)
    program = environment / "bin" / "python"
    if (environment / "made-for").exists() and _is(program, version):
        return program
    return cache.missing(f"python{version}")


def install(version: str) -> None:
    """Make `find(version)` succeed, or raise LabError with the reason why not."""
    find.cache_clear()
    if isinstance(find(version), Path):
        return
    interpreter = next(_interpreters(version), None) or _unpack(version)
    environment = _environment(version)
    say(f"Python {version}: environment of {interpreter}")
    # In its place at once: a virtual environment cannot be moved. A whole one says what it is for.
    for old in environment.parent.glob("*"):
        shutil.rmtree(old)
    run([interpreter, "-m", "venv", "--without-pip", environment])
    options = ("--require-hashes", "--only-binary=:all:", "--no-deps", "-q", "-r", LOCK)
    run(
        [*_pip(), "--python", environment / "bin" / "python", "install", *options],
        timeout=600,
        attempts=2,
    )
    (environment / "made-for").write_text(f"{interpreter}\n")
    find.cache_clear()
    if isinstance(find(version), Missing):
        raise LabError(f"{interpreter} does not run in {environment}")


def _pip() -> list[str | Path]:
    """Return a pip that installs for other Pythons: Debian's have none of their own."""
    folder = cache.root() / "python" / f"pip-of-{RUNNING}"
    if not (folder / "bin" / "pip").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True, symlinks=True)
    return [folder / "bin" / "python", "-m", "pip"]


def _environment(version: str) -> Path:
    """Return where the environment is: another lock file is another one."""
    key = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    return cache.root() / "python" / f"environments-{version}" / key


def _tree(version: str) -> Path:
    return cache.root() / "python" / version


def _is(program: Path, version: str) -> bool:
    """Tell whether the program is a whole CPython of that version."""
    try:
        return run([program, "-I", "-c", SAY], timeout=60).strip() == version
    except LabError:
        return False


def _interpreters(version: str) -> Iterator[Path]:
    """Yield the Pythons of that version that are on this machine and run."""
    name = f"python{version}"
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)]
    folders += [Path("/usr/local/bin"), Path("/usr/bin")]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders += sorted((pyenv / "versions").glob(f"{version}.*/bin"), reverse=True)
    folders.append(_tree(version) / "usr" / "bin")
    yield from (path for folder in folders if _is(path := folder / name, version))


def _unpack(version: str) -> Path:
    """Return the Python of sid, unpacked into the cache; LabError where sid has none of that version."""
    tree = _tree(version)
    say(f"Python {version}: download and unpack")
    trees.unpack([f"python{version}-minimal", f"libpython{version}-stdlib"], tree)
    program = tree / "usr" / "bin" / f"python{version}"
    if not _is(program, version):
        shutil.rmtree(tree)
        raise LabError(f"python{version} was unpacked but does not run")
    return program
