"""The stand-in's pretend replication: every new row once, while its channel runs and its node is there."""

from __future__ import annotations

import itertools
import time

import pytest

from lab.net import wait_until
from standin.browser import PATIENCE
from standin.program import Program
from standin.rows import pair
from standin.world import Manager, World

# Longer than the stand-in's rounds: what is not to happen gets the chance to.
ROUNDS = 1.5


class Rows:
    """A channel on a node, with a source table that has an ID and a target table that takes anything."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.nid = world.add_row()
        self.channel = world.add_channel(self.nid)
        self._numbers = itertools.count(1)
        world.sql(
            "CREATE TABLE SOURCE_ROWS (ID BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, TEXT VARCHAR(50));"
            # without a key: a row that came twice would be there twice
            " CREATE TABLE TARGET_ROWS (ID BIGINT NOT NULL, TEXT VARCHAR(50));"
        )
        side = {**world.login(), "schema": world.database}
        source, target = ({**side, "table": f"{kind}_ROWS"} for kind in ("SOURCE", "TARGET"))
        world.sql(pair(self.channel, source, target))

    def add(self, count: int = 1) -> None:
        """Insert rows into the source."""
        texts = ", ".join(f"('第{next(self._numbers)}')" for _ in range(count))
        self.world.sql(f"INSERT INTO SOURCE_ROWS (TEXT) VALUES {texts}")

    def at(self, side: str) -> list[tuple[str, ...]]:
        """Return the rows of SOURCE or TARGET."""
        return self.world.sql(f"SELECT ID, TEXT FROM {side}_ROWS ORDER BY ID")

    def arrive(self) -> None:
        """Return when the target has what the source has, each row once."""
        wait_until(lambda: self.at("TARGET") == self.at("SOURCE"), PATIENCE, "the rows arrive")

    def stay_away(self) -> None:
        """Fail when anything arrives while the node has had time to do it."""
        before = self.at("TARGET")
        self.add()
        time.sleep(ROUNDS)
        assert self.at("TARGET") == before


@pytest.fixture
def manager(world: World) -> Manager:
    return world.manager()


@pytest.fixture
def rows(world: World) -> Rows:
    return Rows(world)


def running(world: World, rows: Rows, manager: Manager) -> Program:
    """Return a node that copies: its channel runs, and a first row has arrived."""
    node = world.node(rows.nid, manager)
    manager.sees(rows.nid)
    world.set_state(rows.channel, "START")
    rows.add()
    rows.arrive()
    return node


def paused(world: World, rows: Rows) -> None:
    """Return when the manager has seen that the node is gone."""
    wait_until(lambda: world.channel_state(rows.channel) == "PAUSE", PATIENCE, "otter pauses it")


def test_rows_arrive_once_each_also_those_that_were_there_before(
    world: World, rows: Rows, manager: Manager
) -> None:
    rows.add(3)
    running(world, rows, manager)
    rows.add(250)
    rows.arrive()
    time.sleep(ROUNDS)
    assert rows.at("TARGET") == rows.at("SOURCE")
    assert len(rows.at("TARGET")) == 254


@pytest.mark.parametrize("state", ["PAUSE", "STOP"])
def test_nothing_arrives_while_the_channel_does_not_run(
    world: World, rows: Rows, manager: Manager, state: str
) -> None:
    running(world, rows, manager)
    world.set_state(rows.channel, state)
    time.sleep(ROUNDS)
    rows.stay_away()
    world.set_state(rows.channel, "START")
    rows.arrive()


def test_a_node_that_leaves_copies_no_more_and_goes_on_where_it_was(
    world: World, rows: Rows, manager: Manager
) -> None:
    node = running(world, rows, manager)
    assert node.terminate() == 143
    paused(world, rows)
    world.set_state(rows.channel, "START")
    rows.stay_away()
    world.node(rows.nid, manager)
    rows.arrive()


def test_a_killed_node_has_left_no_row_out_and_none_twice(
    world: World, rows: Rows, manager: Manager
) -> None:
    for _ in range(3):
        node = world.node(rows.nid, manager)
        world.set_state(rows.channel, "START")
        rows.add(30)
        node.kill()
        paused(world, rows)
    world.node(rows.nid, manager)
    world.set_state(rows.channel, "START")
    rows.arrive()
    time.sleep(ROUNDS)
    assert rows.at("TARGET") == rows.at("SOURCE")


def test_another_node_does_not_copy(world: World, rows: Rows, manager: Manager) -> None:
    world.node(world.add_row("node-2"), manager)
    world.set_state(rows.channel, "START")
    rows.stay_away()


def test_it_goes_on_without_the_manager(world: World, rows: Rows, manager: Manager) -> None:
    running(world, rows, manager)
    manager.kill()
    rows.add(3)
    rows.arrive()
