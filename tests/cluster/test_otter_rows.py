"""Rows go through a channel, and go on after a roll-out. The stand-in's replication is a pretended one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from cluster.dev_overlay import NODES, Otter
from standin.rows import pair, without_channel

pytestmark = pytest.mark.timeout(900)


class Rows:
    """A source and a target table in the cluster's database, and a channel that runs between them."""

    def __init__(self, otter: Otter) -> None:
        self.otter = otter
        self._numbers = itertools.count(1)
        # Without a key the target takes a row twice: then it would be there twice.
        otter.sql(
            "CREATE TABLE ROWS_SOURCE (ID BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, TEXT VARCHAR(50));"
            " CREATE TABLE ROWS_TARGET (ID BIGINT NOT NULL, TEXT VARCHAR(50))"
        )
        self.channel = otter.add_channel(otter.nid("otter-node-0"))
        mysql = otter.pod_of("mysql")
        password = otter.kubectl.execute(mysql, "sh", "-c", 'printf %s "$MARIADB_PASSWORD"')
        login = {"url": "jdbc:mysql://mysql:3306/otter", "username": "otter", "password": password}
        source, target = (
            {**login, "schema": "otter", "table": f"ROWS_{side}"} for side in ("SOURCE", "TARGET")
        )
        otter.sql(pair(self.channel, source, target))
        otter.start_channel(self.channel)

    def add(self) -> None:
        """Insert a row into the source."""
        self.otter.sql(f"INSERT INTO ROWS_SOURCE (TEXT) VALUES ('row {next(self._numbers)}')")

    def at(self, side: str) -> list[list[str]]:
        """Return the rows of SOURCE or TARGET."""
        return self.otter.sql(f"SELECT ID, TEXT FROM ROWS_{side} ORDER BY ID, TEXT")

    def arrive(self) -> None:
        """Return when the target has what the source has, each row once."""
        wanted = self.at("SOURCE")
        self.otter.kubectl.wait(lambda: self.at("TARGET") == wanted, "the rows arrive")


@pytest.fixture
def rows(otter: Otter) -> Iterator[Rows]:
    made = Rows(otter)
    yield made
    otter.sql(f"{without_channel(made.channel)} DROP TABLE ROWS_SOURCE; DROP TABLE ROWS_TARGET")


def test_a_row_changes_hands_and_goes_on_doing_so_after_a_roll_out(
    otter: Otter, rows: Rows
) -> None:
    rows.add()
    rows.arrive()
    before = {pod["metadata"]["uid"] for pod in otter.kubectl.list("pods", NODES)}
    otter.kubectl("rollout", "restart", "statefulset/otter-node")
    otter.kubectl.wait(lambda: otter.channel_state(rows.channel) == "PAUSE", "otter pauses it")
    rows.add()
    rows.arrive()
    assert otter.channel_state(rows.channel) == "START"
    otter.settle(1)
    rows.add()
    rows.arrive()
    assert not before & {pod["metadata"]["uid"] for pod in otter.kubectl.list("pods", NODES)}
