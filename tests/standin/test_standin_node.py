"""Is the stand-in's node true to what was measured of otter's? Identity, failures, zombies, stops."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest

from lab.net import ListeningSocket, free_port, wait_until
from lab.services import ZooKeeper
from standin.browser import PATIENCE
from standin.world import UP_NODE, World, listening

NOT_FOUND = "]is not found!"


def test_a_node_registers_itself_and_leaves_at_once(world: World) -> None:
    manager = world.manager()
    nid = world.add_row()
    assert manager.shows(nid) == "not started"
    node = world.node(nid, manager)
    assert "INFO  com.alibaba.otter.node.deployer.OtterLauncher" in node.output
    assert listening(world.ports(nid)) == [True, True, True]
    assert manager.shows(nid) == "started"
    assert all((world.node_home / name).is_dir() for name in ("htdocs", "download", "extend"))
    assert node.terminate() == 143
    assert manager.shows(nid) == "not started"


def test_a_node_started_again_too_soon_after_a_kill_is_a_zombie(world: World) -> None:
    manager = world.manager()
    nid = world.add_row()
    world.node(nid, manager).kill()
    zombie = world.node(nid, manager, up=False)
    zombie.says("NodeExistsException")
    assert listening(world.ports(nid)) == [True, True, True]
    wait_until(lambda: manager.shows(nid) == "not started", PATIENCE, "the old session ends")
    assert zombie.running()
    assert listening(world.ports(nid)) == [True, True, True]
    assert UP_NODE not in zombie.output
    assert zombie.terminate() == 143


def test_a_node_started_after_the_old_session_is_well(world: World) -> None:
    manager = world.manager()
    nid = world.add_row()
    world.node(nid, manager).kill()
    wait_until(lambda: manager.shows(nid) == "not started", PATIENCE, "the old session ends")
    world.node(nid, manager)
    assert manager.shows(nid) == "started"


# Failures: exit code 1


@pytest.mark.parametrize("nid", ["", "x1"])
def test_a_nid_that_is_no_number(world: World, nid: str) -> None:
    node = world.node(nid, free_port(), up=False)
    assert node.exit_code() == 1
    assert "NumberFormatException" in node.output


def test_a_nid_that_is_not_in_the_table(world: World) -> None:
    manager = world.manager()
    node = world.node(6, manager, up=False)
    assert node.exit_code() == 1
    assert f"nid:6 in manager[127.0.0.1:{manager.rpc_port}{NOT_FOUND}" in node.output
    assert "RpcException" not in node.output


def test_a_manager_that_is_down_reads_the_same_but_for_an_rpc_exception(world: World) -> None:
    node = world.node(6, free_port(), up=False)
    assert node.exit_code() == 1
    assert NOT_FOUND in node.output
    assert "RpcException" in node.output


@pytest.mark.parametrize("switch", ["STANDIN_MANAGER_RPC_MUTE", "STANDIN_NODE_JAVASSIST_FAIL"])
def test_a_manager_that_never_answers_and_a_jdk_that_is_too_new_read_the_same(
    world: World, switch: str
) -> None:
    manager = world.manager(env={switch: "true"})
    node = world.node(world.add_row(), manager, env={switch: "true"}, up=False)
    assert node.exit_code() == 1
    assert NOT_FOUND in node.output


def test_a_row_without_a_zookeeper_cluster(world: World) -> None:
    node = world.node(world.add_row(cluster=False), world.manager(), up=False)
    assert node.exit_code() == 1
    assert "NullPointerException" in node.output
    assert NOT_FOUND not in node.output


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_port_that_is_taken(world: World, which: int) -> None:
    nid = world.add_row()
    with ListeningSocket(world.ports(nid)[which]):
        node = world.node(nid, world.manager(), up=False)
        assert node.exit_code() == 1
    assert "Address already in use" in node.output


def test_a_home_that_cannot_be_written(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").touch(stat.S_IRUSR)
    settings = {"otter.nodeHome": str(tmp_path / "file/home")}
    node = world.node(world.add_row(), world.manager(), settings=settings, up=False)
    assert node.exit_code() == 1


@pytest.mark.parametrize("key", ["otter.extend.dir", "otter.communication.pool.size"])
def test_a_key_that_otter_has_no_value_for(world: World, key: str) -> None:
    shipped = world.node_home / "conf/otter.properties"
    lines = shipped.read_text().splitlines(keepends=True)
    shipped.write_text("".join(line for line in lines if not line.startswith(key)))
    node = world.node(world.add_row(), world.manager(), up=False)
    assert node.exit_code() == 1
    assert f"otter.properties has no {key}" in node.output


def test_a_home_of_its_own(world: World, tmp_path: Path) -> None:
    home = tmp_path / "home"
    world.node(world.add_row(), world.manager(), settings={"otter.nodeHome": str(home)})
    assert sorted(os.listdir(home)) == ["download", "extend", "htdocs"]


# ZooKeeper away


def test_zookeeper_missing_at_start_means_no_port_until_it_comes(
    world: World, away: ZooKeeper
) -> None:
    manager = world.manager()
    world.zookeeper = away.address
    nid = world.add_row()
    node = world.node(nid, manager, up=False)
    node.says("no connection to ZooKeeper")
    assert listening(world.ports(nid)) == [False, False, False]
    away.start()
    node.says(UP_NODE)
    assert listening(world.ports(nid)) == [True, True, True]


def test_an_expired_session_is_replaced(world: World, quick_zookeeper: ZooKeeper) -> None:
    manager = world.manager()
    nid = world.add_row()
    node = world.node(nid, manager)
    node.signal(signal.SIGSTOP)
    wait_until(lambda: manager.shows(nid) == "not started", PATIENCE, "the session expires")
    node.signal(signal.SIGCONT)
    wait_until(lambda: manager.shows(nid) == "started", PATIENCE, "the node registers again")
    assert node.terminate() == 143


# Stops


def test_a_manager_that_is_down_makes_the_stop_longer_only(world: World) -> None:
    manager = world.manager()
    node = world.node(world.add_row(), manager)
    manager.kill()
    assert node.terminate() == 143
    assert "the manager does not answer" in node.output


def test_a_manager_that_is_unreachable_hangs_the_stop(world: World) -> None:
    manager = world.manager()
    node = world.node(world.add_row(), manager)
    manager.signal(signal.SIGSTOP)
    node.signal(signal.SIGTERM)
    node.says("stand-in node is stopping")
    assert node.running()
    manager.signal(signal.SIGCONT)
    assert node.exit_code() == 143


def test_a_hang_on_stop_that_only_kill_ends(world: World) -> None:
    node = world.node(world.add_row(), world.manager(), env={"STANDIN_NODE_STOP_HANG": "true"})
    node.signal(signal.SIGTERM)
    node.says("stand-in node is stopping")
    node.signal(signal.SIGTERM)
    assert node.running()
    node.signal(signal.SIGKILL)
    assert node.exit_code() == 137


# Channels


def test_a_channel_that_loses_its_only_node_is_paused_until_somebody_starts_it(
    world: World,
) -> None:
    manager = world.manager()
    nid = world.add_row()
    channel = world.add_channel(nid)
    node = world.node(nid, manager)
    manager.browser.log_in()
    manager.set_channel(channel, "start")
    assert "运行" in manager.browser.get("channel_list.htm").text
    manager.sees(nid)
    assert node.terminate() == 143
    wait_until(lambda: world.channel_state(channel) == "PAUSE", PATIENCE, "the channel pauses")
    assert "挂起" in manager.browser.get("channel_list.htm").text
    world.node(nid, manager)
    assert world.channel_state(channel) == "PAUSE"
    manager.set_channel(channel, "start")
    assert world.channel_state(channel) == "START"


def test_the_self_monitor_starts_a_paused_channel_again(world: World) -> None:
    manager = world.manager(settings={"otter.manager.monitor.self.interval": "1"})
    nid = world.add_row()
    channel = world.add_channel(nid)
    world.set_state(channel, "PAUSE")
    world.node(nid, manager)
    wait_until(lambda: world.channel_state(channel) == "START", PATIENCE, "the channel resumes")


def test_the_self_monitor_leaves_channels_alone_when_told_so(world: World) -> None:
    manager = world.manager(
        settings={
            "otter.manager.monitor.self.interval": "1",
            "otter.manager.monitor.recovery.paused": "false",
        }
    )
    nid = world.add_row()
    channel = world.add_channel(nid)
    world.set_state(channel, "START")
    node = world.node(nid, manager)
    manager.sees(nid)
    assert node.terminate() == 143
    wait_until(lambda: world.channel_state(channel) == "PAUSE", PATIENCE, "the channel pauses")
    world.node(nid, manager)
    assert world.channel_state(channel) == "PAUSE"
