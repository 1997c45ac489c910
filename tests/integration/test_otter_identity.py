"""A node that nobody has registered, under the real entrypoint: it registers, starts, and comes back."""

from __future__ import annotations

import json
import signal
import time

import pytest

from integration.otter import Manager, Otter
from integration.running import Application
from lab.net import LOOPBACK, free_port
from lab.services import ZooKeeper
from process.harness import until

PASSWORD = "hunter2-hunter2"


@pytest.fixture
def manager(otter: Otter) -> Manager:
    return ready_manager(otter)


def ready_manager(otter: Otter) -> Manager:
    otter.world.sql(
        "UPDATE USER SET PASSWORD = CONCAT(SUBSTR(MD5('hunter2-hunter2'), 27, 6),"
        " SUBSTR(MD5('hunter2-hunter2'), 11, 7), SUBSTR(MD5('hunter2-hunter2'), 16, 7))"
    )
    manager = otter.manager({"OTTER_DOMAIN_NAME": "otter.example"})
    manager.becomes_ready()
    return manager


def start(otter: Otter, manager: Manager, **changed: str) -> Application:
    """Start a node that knows where the manager is, and no number."""
    variables = {
        "OTTER_MANAGER_ADDRESS": f"{LOOPBACK}:{manager.nodes_port}",
        "OTTER_MANAGER_URL": f"http://{LOOPBACK}:{manager.port}",
        "OTTER_MANAGER_PASSWORD": PASSWORD,
        "OTTER_NODE_NAME": "otter-node-0",
        "OTTER_NODE_ADDRESS": "localhost",
        "OTTER_NODE_PORT": str(free_port()),
        "OTTER_NODE_DOWNLOAD_PORT": str(free_port()),
        "OTTER_NODE_MBEAN_PORT": str(free_port()),
        "OTTER_ZOOKEEPER_SERVERS": otter.world.zookeeper,
        **changed,
    }
    return otter.node_with({name: text for name, text in variables.items() if text})


def nids(otter: Otter) -> list[str]:
    return [row[0] for row in otter.world.sql("SELECT ID FROM NODE ORDER BY ID")]


def holds_no_password(node: Application) -> None:
    """Nothing that anybody may read has the password in it."""
    status = node.get("/status")[1] + node.get("/")[1] + node.get("/metrics")[1]
    for text in (node.output, status, node.run.termination_message):
        assert PASSWORD not in text


def test_a_node_registers_starts_and_keeps_its_number(otter: Otter, manager: Manager) -> None:
    node = start(otter, manager)
    node.becomes_ready()
    (nid,) = nids(otter)
    assert manager.shows_started(int(nid))
    assert f"Registered node=otter-node-0 nid={nid} address=localhost:" in node.output
    assert "row=created" in node.output
    assert node.output.index("Registered") < node.output.index("Spawned java")
    command = read_command(node)
    assert f"-Dnid={nid}" in command
    assert "-Djava.rmi.server.hostname=localhost" in command
    holds_no_password(node)
    assert node.run.stop() == 0

    again = start(otter, manager)
    again.becomes_ready()
    assert nids(otter) == [nid]
    assert "row=updated" in again.output, "its port is another one now"
    assert again.run.stop() == 0
    again.run.gone()


def read_command(node: Application) -> list[str]:
    with open(f"/proc/{node.java()}/cmdline", encoding="utf-8") as file:
        return file.read().split("\0")


def test_what_is_not_given_comes_from_the_row(otter: Otter, manager: Manager) -> None:
    port = free_port()
    parameters = json.dumps({"downloadPort": free_port(), "mbeanPort": free_port()})
    otter.world.sql(
        "INSERT INTO NODE (NAME, IP, PORT, PARAMETERS) VALUES"
        f" ('by-hand', 'localhost', {port}, '{parameters}')"
    )
    nothing = dict.fromkeys(("OTTER_NODE_PORT", "OTTER_NODE_ADDRESS"), "")
    nothing |= dict.fromkeys(("OTTER_NODE_DOWNLOAD_PORT", "OTTER_NODE_MBEAN_PORT"), "")
    node = start(otter, manager, OTTER_NODE_NAME="by-hand", **nothing)
    node.becomes_ready()
    assert node.get("/readyz/port")[0] == 200, "the port of the row"
    assert "-Djava.rmi.server.hostname=localhost" in read_command(node)
    assert "row=updated" in node.output, "it had no ZooKeeper cluster"


def test_a_manager_that_is_away_is_waited_for_and_shown(otter: Otter) -> None:
    variables = otter.manager_variables()
    away = Manager.__new__(Manager)
    away.port, away.nodes_port = int(variables["OTTER_PORT"]), 1
    blind = start(otter, away, OTTER_MANAGER_ADDRESS=otter.world.zookeeper)
    blind.says("Registering at=http")
    blind.becomes_unready("registration registering for")
    blind.says("refused")
    assert blind.get("/startupz")[0] == 503
    assert blind.alive()
    assert "Spawned" not in blind.output
    manager = otter.manager_with(variables)
    blind.says("refuses our login")
    assert blind.run.wait() == 78
    assert "registration-login" in blind.output
    assert PASSWORD not in blind.output
    manager.run.stop()


def test_a_page_that_is_not_otters_ends_it_with_a_reason(otter: Otter, manager: Manager) -> None:
    wrong = Manager.__new__(Manager)
    wrong.port, wrong.nodes_port = int(manager.probes.rpartition(":")[2]), manager.nodes_port
    node = start(otter, wrong)
    assert node.run.wait() == 69
    assert "registration-not-understood" in node.output
    assert nids(otter) == []


def test_a_fixed_number_of_somebody_else_is_refused(otter: Otter, manager: Manager) -> None:
    taken = otter.world.add_row("somebody-else")
    node = start(otter, manager, OTTER_NID=str(taken))
    assert node.run.wait() == 78
    assert f'nid {taken} belongs to the node "somebody-else"' in node.run.termination_message
    assert "Spawned" not in node.output


def test_the_helper_may_be_killed_at_any_time(otter: Otter, manager: Manager) -> None:
    """Killed 12 times, at moments spread over the whole preparation: one row in the end."""
    for step in range(12):
        node = start(otter, manager)
        node.says("[entrypoint] info Starting")
        time.sleep(step * 0.04)
        for pid in node.run.processes():
            node.run.send(signal.SIGKILL, pid)
        node.run.send(signal.SIGKILL)
        node.run.gone()
        assert len(nids(otter)) <= 1
    node = start(otter, manager)
    node.becomes_ready()
    assert len(nids(otter)) == 1


# ---- channels ----


def state(otter: Otter, channel: int, wanted: str) -> None:
    until(lambda: otter.world.channel_state(channel) == wanted, f"channel {channel} is {wanted}")


def test_a_channel_that_ran_is_resumed_and_one_that_was_stopped_is_not(
    otter: Otter, manager: Manager
) -> None:
    node = start(otter, manager)
    node.becomes_ready()
    node.says("Errand done errand=resume")
    nid = int(nids(otter)[0])
    runs, stopped, failed = (otter.world.add_channel(nid, f"channel-{n}") for n in range(3))
    otter.world.set_state(runs, "START")
    otter.world.set_state(stopped, "START")
    otter.world.set_state(failed, "PAUSE")
    assert node.run.stop() == 0
    assert 'Errand done errand=leave says="running channels: ' in node.output
    assert node.output.index("errand=leave") < node.output.index("to=stopping")
    state(otter, runs, "PAUSE")
    state(otter, stopped, "PAUSE")
    otter.world.set_state(stopped, "STOP")

    again = start(otter, manager)
    again.becomes_ready()
    again.says(f'errand=resume says="resumed channels: {runs}"')
    state(otter, runs, "START")
    assert otter.world.channel_state(stopped) == "STOP"
    assert otter.world.channel_state(failed) == "PAUSE", "it did not run when we stopped"


def test_a_stop_in_the_middle_of_the_start_forgets_nothing(otter: Otter, manager: Manager) -> None:
    node = start(otter, manager)
    node.becomes_ready()
    node.says("Errand done errand=resume")
    channel = otter.world.add_channel(int(nids(otter)[0]))
    otter.world.set_state(channel, "START")
    assert node.run.stop() == 0
    state(otter, channel, "PAUSE")

    early = start(otter, manager)
    early.says("Spawned java")
    assert early.run.stop() == 0
    assert "errand=leave" not in early.output

    again = start(otter, manager)
    again.becomes_ready()
    again.says(f'says="resumed channels: {channel}"')
    state(otter, channel, "START")


def test_after_a_crash_what_ran_when_we_were_ready_is_resumed(
    otter: Otter, manager: Manager
) -> None:
    node = start(otter, manager)
    node.becomes_ready()
    node.says("Errand done errand=resume")
    channel = otter.world.add_channel(int(nids(otter)[0]))
    otter.world.set_state(channel, "START")
    assert node.run.stop() == 0
    node = start(otter, manager)
    node.becomes_ready()
    node.says(f'says="resumed channels: {channel}"')
    node.run.send(signal.SIGKILL, node.java())
    assert node.run.wait() == 137
    state(otter, channel, "PAUSE")
    again = start(otter, manager)
    again.becomes_ready()
    again.says(f'says="resumed channels: {channel}"')
    state(otter, channel, "START")


def test_it_can_be_switched_off(otter: Otter, manager: Manager) -> None:
    node = start(otter, manager, OTTER_NODE_RESUME_CHANNELS="false")
    node.becomes_ready()
    assert node.run.stop() == 0
    assert "Errand" not in node.output


def test_a_manager_that_hangs_does_not_keep_us_from_remembering(
    otter: Otter, manager: Manager
) -> None:
    node = start(otter, manager)
    node.becomes_ready()
    node.says("Errand done errand=resume")
    channel = otter.world.add_channel(int(nids(otter)[0]))
    otter.world.set_state(channel, "START")
    manager.run.send(signal.SIGSTOP, manager.java())
    try:
        node.run.send(signal.SIGTERM)
        node.says('Errand done errand=leave says="running channels: ')
    finally:
        manager.run.send(signal.SIGCONT, manager.java())
    assert node.run.wait() == 0
    state(otter, channel, "PAUSE")
    again = start(otter, manager)
    again.becomes_ready()
    again.says(f'says="resumed channels: {channel}"')


def test_a_zookeeper_that_hangs_does_not_hold_up_the_stop(
    otter: Otter, own_zookeeper: ZooKeeper
) -> None:
    """The rung has its time, then TERM comes; the exit code is java's all the same."""
    own_zookeeper.start()
    frail = otter.beside("frail", zookeeper=own_zookeeper.address)
    manager = ready_manager(frail)
    node = start(frail, manager)
    node.becomes_ready()
    node.says("Errand done errand=resume")
    own_zookeeper.pause()
    try:
        node.run.send(signal.SIGTERM)
        node.says("Errand failed errand=leave")
        node.says("to=stopping")
    finally:
        own_zookeeper.resume()
    assert node.run.wait() == 0
    node.run.gone()
