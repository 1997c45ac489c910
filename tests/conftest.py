"""Fixtures every test may use, and a summary that names each skip with its reason.

A fixture that starts a service starts it once per run. A test that stops or breaks a service
starts one of its own from `lab.services`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab import jdks as lab_jdks
from lab.needs import need
from lab.services import MariaDB, ZooKeeper

if TYPE_CHECKING:
    from standin.build import Distribution


@pytest.fixture(scope="session")
def jdks() -> dict[int, Path]:
    """JAVA_HOME by major version, of every JDK on this machine that runs."""
    return lab_jdks.jdks()


@pytest.fixture(scope="session")
def java() -> Path:
    """The JAVA_HOME of the default JDK: 17 where it is here."""
    return need("java")


@pytest.fixture(scope="session")
def java17() -> Path:
    """The JAVA_HOME of JDK 17."""
    return need("jdk17")


@pytest.fixture(scope="session")
def zookeeper_home() -> Path:
    """ZooKeeper's distribution: lib/ and conf/."""
    return need("zookeeper")


@pytest.fixture(scope="session")
def kafka_home() -> Path:
    """Kafka's distribution: libs/ and config/."""
    return need("kafka")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """One running MariaDB for the whole run; use a database of your own in it."""
    need("mariadb")
    with MariaDB() as server:
        yield server


@pytest.fixture(scope="session")
def zookeeper(zookeeper_home: Path, java: Path) -> Iterator[ZooKeeper]:
    """One running ZooKeeper for the whole run; use a path of your own in it."""
    with ZooKeeper(zookeeper_home, java) as server:
        yield server


@pytest.fixture(scope="session")
def standin() -> Distribution:
    """The two tarballs of the stand-in for otter, built if they are not."""
    need("javac")
    from standin.build import build

    return build()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List every skip with its reason: a skipped test proves nothing and must be seen."""
    reports = terminalreporter.stats.get("skipped", [])
    if not reports:
        return
    tests = Counter[tuple[str, str]]()
    for report in reports:
        reason = report.longrepr
        text = reason[2] if isinstance(reason, tuple) else str(reason)
        tests[report.nodeid, text.removeprefix("Skipped: ")] += 1
    terminalreporter.section("skipped loudly", sep="=", yellow=True)
    for (nodeid, text), count in sorted(tests.items()):
        times = f" (x{count})" if count > 1 else ""
        terminalreporter.write_line(f"{nodeid}{times}: {text}")
    terminalreporter.write_line(f"{len(reports)} skipped: what they check was NOT checked")
