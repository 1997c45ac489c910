"""otter comes up under the shipped profiles, does its work, and goes: the good cases."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from integration.otter import Otter
from integration.running import Applications
from lab.command import run
from lab.needs import need
from lab.net import LOOPBACK, free_port
from process.harness import REPOSITORY, until


@pytest.mark.parametrize("as_pid1", [True, False], ids=["pid1", "subreaper"])
def test_manager_and_node_become_ready_work_and_stop(otter: Otter, as_pid1: bool) -> None:
    manager = otter.manager(as_pid1=as_pid1)
    manager.becomes_ready()
    assert manager.page("channel_list.htm")[0] == 200
    assert manager.alive()
    assert manager.get("/startupz") == (200, "ok")

    nid = otter.world.add_row()
    port = otter.world.ports(nid)[0]
    node = otter.node(nid, manager, {"OTTER_NODE_PORT": str(port)}, as_pid1=as_pid1)
    node.becomes_ready()
    assert manager.shows_started(nid)
    assert node.get("/readyz/session")[0] == 200
    assert 'phase="running"' in node.get("/metrics")[1]

    assert node.run.stop() == 0
    assert not manager.shows_started(nid)
    assert "Exited" in node.output
    assert manager.run.stop() == 0
    node.run.gone()
    manager.run.gone()


def test_otters_own_log_comes_on_the_console(otter: Otter) -> None:
    manager = otter.manager()
    manager.becomes_ready()
    assert "deployer.OtterManagerLauncher - " in manager.run.stdout
    assert os.listdir(otter.manager_home / "logs") == []


def test_otter_can_log_to_files(otter: Otter, tmp_path: Path) -> None:
    """The node's readiness looks for a line of its log, wherever the log goes."""
    folder = tmp_path / "logs"
    files = {"OTTER_LOG_TARGET": "files", "OTTER_LOG_DIR": str(folder)}
    manager = otter.manager(files)
    manager.becomes_ready()
    node = otter.node(otter.world.add_row(), manager, files)
    node.becomes_ready()
    assert (folder / "manager.log").stat().st_size > 0
    assert "running now" in (folder / "node" / "node.log").read_text()
    for application in (manager, node):
        assert "INFO" not in application.run.stdout


@pytest.mark.parametrize("word", ["jdk17", "jdk25"])
def test_the_manager_is_refused_on_a_jdk_that_it_cannot_run_on(
    otter: Otter, applications: Applications, word: str
) -> None:
    """Real otter would stay up on it, never ready, and hang when it is stopped."""
    variables = otter.manager_variables()
    manager = applications.start("otter-manager", need(word), otter.manager_home, variables)
    assert manager.run.wait() == 78
    assert "webx" in manager.output
    assert word.removeprefix("jdk") in manager.run.termination_message
    assert "Spawned" not in manager.output


def test_the_stand_in_runs_on_any_jdk_when_an_overlay_allows_it(
    otter: Otter, applications: Applications, java: Path
) -> None:
    variables = otter.manager_variables()
    overlay = "java: {supported: 8-25}\n"
    manager = applications.start(
        "otter-manager", java, otter.manager_home, variables, overlay=overlay
    )
    manager.becomes_ready()
    assert manager.run.stop() == 0


def explained(setting: str, home: Path, before: list[str]) -> str:
    """Return what `entrypoint explain` says of a setting of the manager."""
    words = [sys.executable, "-m", "entrypoint", "explain", "--profile", "otter-manager", setting]
    environment = {"ENTRYPOINT_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}
    return run([*before, *words], env=environment)


def test_a_file_that_says_little_is_enough(otter: Otter) -> None:
    """It takes the place of otter's own: what that one says and otter needs is the profile's then."""
    (otter.manager_home / "conf" / "otter.properties").write_text(
        "otter.manager.monitor.self.interval = 30\n"
    )
    manager = otter.manager()
    manager.becomes_ready()
    own = otter.node_home / "conf" / "otter.properties"
    own.write_text(f"otter.manager.address = {LOOPBACK}:{manager.nodes_port}\n")
    variables = {
        "OTTER_NID": str(otter.world.add_row()),
        "OTTER_NODE_HOME": str(otter.folder / "n"),
    }
    node = otter.node_with(variables)
    node.becomes_ready()
    assert sorted(os.listdir(otter.folder / "n")) == ["download", "extend", "htdocs"]
    (otter.node_home / "conf" / "nid").write_text(f"{otter.world.add_row('node-2')}\n")
    otter.node_with({}).becomes_ready()
    assert (otter.node_home / "htdocs").is_dir()


def write_article_manager(otter: Otter) -> tuple[str, int, int]:
    """Return the whole otter.properties of the manager, as a ConfigMap has it, and its two ports."""
    variables = otter.manager_variables()
    port, nodes_port = free_port(), free_port()
    text = (otter.manager_home / "conf" / "otter.properties").read_text()
    text += (
        f"otter.port = {port}\n"
        f"otter.communication.manager.port = {nodes_port}\n"
        f"otter.database.driver.url = {variables['OTTER_DATABASE_URL']}\n"
        f"otter.database.driver.username = {variables['OTTER_DATABASE_USERNAME']}\n"
        f"otter.database.driver.password = {variables['OTTER_DATABASE_PASSWORD']}\n"
        f"otter.zookeeper.cluster.default = {variables['OTTER_ZOOKEEPER_SERVERS']}\n"
    )
    return text, port, nodes_port


@pytest.mark.parametrize("mounted", [True, False], ids=["bind-mount", "file"])
def test_the_articles_way(otter: Otter, applications: Applications, mounted: bool) -> None:
    """A whole otter.properties at conf/otter.properties, conf/nid, JAVA_OPTIONS: nothing else is set."""
    text, port, nodes_port = write_article_manager(otter)
    target = otter.manager_home / "conf" / "otter.properties"
    given = target if not mounted else otter.folder / "configmap.properties"
    given.write_text(text)
    mount = f'mount --bind -o ro {given} {target} && exec "$@"'
    before = ["unshare", "--mount", "sh", "-ec", mount, "sh"] if mounted else []
    origin = "mounted file" if mounted else "image file"
    assert origin in explained("database.url", otter.manager_home, before)
    manager = otter.manager_with({}, before=before)
    manager.port, manager.nodes_port = port, nodes_port
    manager.becomes_ready()
    assert manager.page("channel_list.htm")[0] == 200

    nid = otter.world.add_row()
    (otter.node_home / "conf" / "nid").write_text(f"{nid}\n")
    with (otter.node_home / "conf" / "otter.properties").open("a") as file:
        file.write(f"otter.manager.address = {LOOPBACK}:{nodes_port}\n")
    node = otter.node_with({})
    node.becomes_ready()
    assert manager.shows_started(nid)
    assert node.run.stop() == 0
    until(lambda: not manager.shows_started(nid), "the manager sees that the node is gone")
    assert manager.run.stop() == 0
