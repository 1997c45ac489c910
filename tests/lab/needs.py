"""What a test needs from the lab: it gets the thing, or a skip that names the reason.

Imports pytest, so unlike its neighbours this module is for inside a test run only.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import cache, containers, jars, jdks, kustomize, mariadb, pythons
from lab.cache import Missing

INITS = ("tini", "dumb-init", "catatonit")
SUPERVISORS = ("s6-svscan", "s6-supervise", "execlineb", "runsv", "runsvdir", "supervisord")


def need(name: str) -> Path:
    """Return where the named part is; skip the test with the reason when it is not here.

    Names: jdk8 jdk11 jdk17 jdk21 jdk25 (JAVA_HOME), java (the default JAVA_HOME), zookeeper and kafka
    (their home), jmx-exporter (its agent's jar), python3.11 to python3.14, containers and mariadb-image
    (podman), mariadb, kustomize, kube-score, hadolint, podman-compose, the INITS and SUPERVISORS, javac,
    mvn, chromium, prometheus, promtool and any other program of the PATH (the program).
    """
    found = _finders().get(name, lambda: _program(name))()
    if isinstance(found, Missing):
        pytest.skip(str(found))
    return found


def default_java() -> Path | Missing:
    """Return the JAVA_HOME most tests run on: 17, else the newest one here."""
    homes = jdks.jdks()
    for major in (17, 21, 25, 11, 8):
        if major in homes:
            return homes[major]
    return cache.missing("jdk17")


def _finders() -> dict[str, Callable[[], Path | Missing]]:
    def jdk(major: int) -> Callable[[], Path | Missing]:
        return lambda: jdks.find(major)

    return {
        **{f"jdk{major}": jdk(major) for major in jdks.MAJORS},
        **{f"python{v}": functools.partial(pythons.find, v) for v in pythons.VERSIONS},
        "java": default_java,
        "zookeeper": jars.zookeeper_home,
        "kafka": jars.kafka_home,
        "jmx-exporter": jars.jmx_exporter,
        "mariadb": mariadb.program,
        "containers": containers.program,
        "mariadb-image": containers.mariadb,
        "hadolint": lambda: containers.tool("hadolint"),
        "podman-compose": lambda: containers.tool("podman-compose"),
        **{name: functools.partial(kustomize.find, name) for name in kustomize.MODULES},
    }


def _program(name: str) -> Path | Missing:
    found = shutil.which(name)
    if found:
        return Path(found)
    parts = {
        **dict.fromkeys(("mvn", "javac"), "maven"),
        "chromium": "chromium",
        "cc": "compiler",
        **dict.fromkeys(("prometheus", "promtool"), "prometheus"),
        **dict.fromkeys((*INITS, *SUPERVISORS), "inits"),
    }
    return Missing(name, cache.missing(parts[name]).reason if name in parts else "not in PATH")
