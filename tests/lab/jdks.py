"""JDKs: find those on the machine, and set up those it has not from another suite's packages."""

from __future__ import annotations

import os
import re
import shutil
from functools import cache as cached
from pathlib import Path

from lab import cache, trees
from lab.cache import LabError, Missing
from lab.command import run, say

MAJORS = (8, 11, 17, 21, 25)
VERSION = re.compile(r'version "(?:1\.)?(\d+)')


def jdks() -> dict[int, Path]:
    """Return JAVA_HOME by major version: every JDK that is here and runs."""
    found = {major: find(major) for major in MAJORS}
    return {major: home for major, home in found.items() if isinstance(home, Path)}


@cached
def find(major: int) -> Path | Missing:
    """Return the JAVA_HOME of that major version, verified by running it."""
    for home in _candidates(major):
        if version(home) == major:
            return home
    return cache.missing(f"jdk{major}")


def version(home: Path) -> int | None:
    """Return the major version `java -version` reports, or None where it does not run."""
    try:
        # It writes to standard error; the option that does not, --version, came with 9.
        shown = run(["sh", "-c", '"$0" -version 2>&1', home / "bin" / "java"], timeout=60)
    except LabError:
        return None
    match = VERSION.search(shown)
    return int(match[1]) if match else None


def install(major: int) -> None:
    """Make `find(major)` succeed, or raise LabError with the reason why not."""
    find.cache_clear()
    if isinstance(find(major), Path):
        return
    tree = _tree(major)
    say(f"JDK {major}: download and unpack")
    trees.unpack([f"openjdk-{major}-jre-headless"], tree)
    find.cache_clear()
    home = _home_in(tree)
    if home is None or version(home) != major:
        shutil.rmtree(tree)
        raise LabError(f"openjdk-{major}-jre-headless was unpacked but its java does not run")
    _share_classes(home)


def _tree(major: int) -> Path:
    return cache.root() / "jdk" / str(major)


def _candidates(major: int) -> list[Path]:
    homes = [Path("/usr/lib/jvm") / name for name in sorted(_listed("/usr/lib/jvm"))]
    java = shutil.which("java")
    if "JAVA_HOME" in os.environ:
        homes.append(Path(os.environ["JAVA_HOME"]))
    if java:
        homes.append(Path(java).resolve().parent.parent)
    likely = [home for home in homes if _may_be(home, major)]
    own = _home_in(_tree(major))
    return list(dict.fromkeys(home.resolve() for home in [*likely, *([own] if own else [])]))


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _may_be(home: Path, major: int) -> bool:
    """Tell whether it is worth running; a release file that names another version says no."""
    if not (home / "bin" / "java").exists():
        return False
    try:
        release = (home / "release").read_text()
    except OSError:
        return True
    match = re.search(r'JAVA_VERSION="(?:1\.)?(\d+)', release)
    return match is None or int(match[1]) == major


def _home_in(tree: Path) -> Path | None:
    """Return the JAVA_HOME in an unpacked tree: the folder whose bin/java is a real file."""
    for java in sorted(tree.glob("usr/lib/jvm/*/bin/java")):
        if java.exists():
            return java.parent.parent
    for java in sorted(tree.glob("usr/lib/jvm/*/jre/bin/java")):
        return java.parent.parent
    return None


def _share_classes(home: Path) -> None:
    """Dump the default class-data archive, as the package's own script would: it halves starts."""
    try:
        run([home / "bin" / "java", "-Xshare:dump"], timeout=120)
    except LabError as error:
        say(f"no class-data archive for {home.name}: {error}")
