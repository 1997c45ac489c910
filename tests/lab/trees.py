"""Trees of unpacked packages of another suite: programs in them run on this system.

A program of sid wants a newer libc than the system's. Its tree therefore brings sid's own libc, and
every ELF file in it is patched to use that one; nothing outside the tree changes.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from lab import apt, cache
from lab.cache import LabError
from lab.command import run


def unpack(packages: Sequence[str], tree: Path) -> None:
    """Unpack packages of the suite that has JDKs of all ages, and what they need, to run from `tree`.

    Raises LabError where that suite does not have them.
    """
    apt.install("patchelf")
    private = apt.PrivateApt(apt.jdk_repository())
    private.update()
    with cache.staged(tree) as staging:
        wanted = {one for package in packages for one in private.closure(package)}
        private.unpack(sorted(wanted), staging)
        make_links_relative(staging)
        use_own_libc(staging, final=tree)


def make_links_relative(tree: Path) -> None:
    """Point links to /etc/java-N-openjdk and the like at their targets inside the tree."""
    for folder, folders, files in os.walk(tree):
        for name in folders + files:
            link = Path(folder, name)
            if not link.is_symlink():
                continue
            target = os.readlink(link)
            inside = tree / target.lstrip("/")
            if target.startswith("/") and os.path.lexists(inside):
                link.unlink()
                link.symlink_to(os.path.relpath(inside, folder))


def use_own_libc(tree: Path, final: Path) -> None:
    """Patch interpreter and rpath of every ELF file; `final` is where the tree will live."""
    libraries = tree / "usr" / "lib" / f"{platform.machine()}-linux-gnu"
    loaders = sorted(libraries.glob("ld-linux-*.so.*"))
    if not loaders:
        raise LabError("the unpacked libc6 has no dynamic loader")
    loader = final / loaders[0].relative_to(tree)
    for path in _elf_files(tree):
        if path.parent == libraries and path.name.startswith(("ld-linux", "libc.so")):
            continue
        origin = f"$ORIGIN/{os.path.relpath(libraries, path.parent)}"
        old = run(["patchelf", "--print-rpath", path]).strip()
        rpath = f"{old}:{origin}" if old else origin
        # RPATH, not RUNPATH: it also serves what the file loads later with dlopen.
        run(["patchelf", "--force-rpath", "--set-rpath", rpath, path])
        if "/bin/" in str(path) or path.name == "jspawnhelper":
            run(["patchelf", "--set-interpreter", loader, path])


def _elf_files(tree: Path) -> list[Path]:
    found: list[Path] = []
    for folder, _, files in os.walk(tree):
        for name in files:
            path = Path(folder, name)
            if path.is_symlink() or not path.is_file():
                continue
            with path.open("rb") as file:
                header = file.read(18)
            # e_type 2 and 3: programs and shared objects; relocatable files have no rpath.
            if header.startswith(b"\x7fELF") and header[16] in (2, 3):
                found.append(path)
    return found
