"""A fresh world for every test: its own database, its own programs; one quick ZooKeeper for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.services import MariaDB, ZooKeeper
from standin.build import Distribution
from standin.world import World

# Sessions last 2 to 20 ticks: otter asks for 60 s and gets 8 s here,
# enough for a JVM to start again on a busy machine before the session of the killed one ends.
TICK = 400


@pytest.fixture(scope="session")
def quick_zookeeper(zookeeper_home: Path, java: Path) -> Iterator[ZooKeeper]:
    with ZooKeeper(zookeeper_home, java, tick_time=TICK) as server:
        yield server


@pytest.fixture
def world(
    tmp_path: Path,
    mariadb: MariaDB,
    quick_zookeeper: ZooKeeper,
    standin: Distribution,
    java: Path,
) -> Iterator[World]:
    made = World(tmp_path, mariadb, quick_zookeeper.address, standin, java)
    yield made
    made.close()


@pytest.fixture
def away(zookeeper_home: Path, java: Path) -> Iterator[ZooKeeper]:
    """A ZooKeeper that is not there yet."""
    server = ZooKeeper(zookeeper_home, java, tick_time=TICK)
    yield server
    server.close()
