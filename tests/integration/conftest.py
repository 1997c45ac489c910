"""Fixtures of the integration tests: applications, and an otter world of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.otter import Otter
from integration.running import Applications
from lab import jdks
from lab.cache import Missing
from lab.needs import need
from lab.services import MariaDB, ZooKeeper
from standin.build import Distribution

# Sessions last 2 to 20 ticks: otter asks for 60 s and gets 4 s here.
TICK = 200


@pytest.fixture
def applications(tmp_path: Path) -> Iterator[Applications]:
    """Starts applications under entrypoint, and ends them after the test."""
    made = Applications(tmp_path)
    yield made
    made.clean_up()


@pytest.fixture(scope="session")
def brief_zookeeper(zookeeper_home: Path, java: Path) -> Iterator[ZooKeeper]:
    """A ZooKeeper with sessions of a few seconds, for all tests that do not stop it."""
    with ZooKeeper(zookeeper_home, java, tick_time=TICK) as server:
        yield server


@pytest.fixture
def own_zookeeper(zookeeper_home: Path, java: Path) -> Iterator[ZooKeeper]:
    """A ZooKeeper to start and stop, not started."""
    server = ZooKeeper(zookeeper_home, java, tick_time=TICK)
    yield server
    server.close()


@pytest.fixture
def own_mariadb() -> Iterator[MariaDB]:
    """A running MariaDB to stop and start."""
    need("mariadb")
    with MariaDB() as server:
        yield server


@pytest.fixture(scope="session")
def otter_java(java: Path) -> tuple[int, Path]:
    """The JDK that otter runs on: 8, or, for the stand-in alone, the newest one here."""
    home = jdks.find(8)
    if isinstance(home, Missing):
        return 17, java
    return 8, home


@pytest.fixture
def otter(
    tmp_path: Path,
    applications: Applications,
    mariadb: MariaDB,
    brief_zookeeper: ZooKeeper,
    standin: Distribution,
    otter_java: tuple[int, Path],
) -> Otter:
    """An otter to start: a database with its schema, ZooKeeper, both distributions, no process."""
    address = brief_zookeeper.address
    return Otter(tmp_path, applications, mariadb, address, standin, otter_java)
