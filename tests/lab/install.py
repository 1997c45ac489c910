"""Install what the tests need: python3 tests/lab/install.py [PART …|all] [--allow-missing PART …].

Idempotent; safe to interrupt and to run twice at once. Exit 0 when every part asked for is there
or allowed to be missing, 1 when not, 2 when the arguments are wrong or we are not root.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from collections.abc import Callable

if __package__ in (None, ""):
    # Run as a script: the package is found from its parent folder.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def parts() -> dict[str, Callable[[], None]]:
    """Return every part by name with the function that installs it."""
    from lab import apt, containers, jars, jdks, kustomize, pythons
    from lab.kubernetes import build as kubernetes

    def packages(*names: str) -> Callable[[], None]:
        return lambda: apt.install(*names)

    def jdk(major: int) -> Callable[[], None]:
        return lambda: jdks.install(major)

    def python(version: str) -> Callable[[], None]:
        return lambda: pythons.install(version)

    def venv() -> None:
        # Debian splits this off the Python it ships; other Pythons have it.
        if importlib.util.find_spec("ensurepip") is None:
            apt.install(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")

    return {
        "venv": venv,
        "tools": packages("util-linux", "procps", "iproute2", "patchelf", "openssl"),
        "compiler": packages("gcc", "libc6-dev"),  # for the actors and the fault layer, in C
        "inits": packages(
            *("tini", "dumb-init", "catatonit"),  # peers that are one process
            *("s6", "execline", "runit", "supervisor"),  # and those that supervise several
        ),
        "maven": jars.install_maven,
        "mariadb": packages("mariadb-server", "mariadb-client"),
        # A font with the letters, arrows and ticks of the status page: without one all are boxes.
        "chromium": packages("chromium", "fonts-dejavu-core"),
        "prometheus": packages("prometheus"),
        **{f"jdk{major}": jdk(major) for major in jdks.MAJORS},
        **{f"python{version}": python(version) for version in pythons.VERSIONS},
        "zookeeper": jars.install_zookeeper,
        "kafka": jars.install_kafka,
        "jmx-exporter": jars.install_jmx_exporter,
        "kustomize": kustomize.install,
        "kubernetes": kubernetes.install,
        "containers": containers.install,
        "mariadb-image": containers.install_mariadb,
        "image-tools": containers.install_tools,
    }


def install(name: str) -> bool:
    """Install one part and tell whether it is there; the reason of a failure is kept and shown."""
    from lab import cache
    from lab.command import say

    began = time.monotonic()
    try:
        parts()[name]()
    except cache.LabError as error:
        cache.note_missing(name, str(error))
        say(f"{name}: MISSING: {error}")
        return False
    cache.forget_missing(name)
    say(f"{name}: ready ({time.monotonic() - began:.1f} s)")
    return True


def main(argv: list[str]) -> int:
    """Run the command line and return its exit code."""
    from lab import cache

    known = list(parts())
    parser = argparse.ArgumentParser(prog="install.py", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"all, or: {' '.join(known)}")
    parser.add_argument("--allow-missing", nargs="+", default=[], metavar="PART")
    asked = parser.parse_args(argv)
    wanted = known if asked.part in ([], ["all"]) else asked.part
    unknown = sorted({*wanted, *asked.allow_missing} - set(known))
    if unknown:
        parser.error(f"no such part: {' '.join(unknown)}; there are: {' '.join(known)}")
    if os.geteuid() != 0:
        parser.error("installing packages needs root")
    with cache.locked():
        absent = [name for name in wanted if not install(name)]
    return 1 if set(absent) - set(asked.allow_missing) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
