"""Is the stand-in's manager true to what was measured of otter's? Pages, starts, files."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from lab.net import ListeningSocket, free_port, wait_until
from lab.services import ZooKeeper
from standin.browser import PATIENCE
from standin.world import World, listening

# The manager: pages


def test_pages_of_a_well_manager(world: World) -> None:
    browser = world.manager().browser
    ok = browser.get("monitor/ok.htm")
    assert (ok.status, ok.text.strip()) == (200, "server is ok!")
    assert browser.get("channel_list.htm").status == 200
    assert browser.get("node_list.htm").status == 200
    # its framework knows both spellings
    assert browser.get("nodeList.htm").status == 200
    assert browser.get("nothing.htm").status == 404


def test_a_probe_that_follows_redirects_is_fooled(world: World) -> None:
    browser = world.manager().browser
    first = browser.get("ok.htm")
    assert (first.status, first.location) == (302, "forbidden.htm")
    assert browser.get(first.location).status == 200


def test_database_down_shows_only_in_the_lists(world: World) -> None:
    url = f"jdbc:mysql://127.0.0.1:{free_port()}/otter"
    browser = world.manager(settings={"otter.database.driver.url": url}).browser
    assert browser.get("monitor/ok.htm").status == 200
    assert browser.get("channel_list.htm").status == 500
    assert browser.get("node_list.htm").status == 500


def test_wrong_password_and_missing_schema_look_like_a_database_that_is_down(world: World) -> None:
    for settings in (
        {"otter.database.driver.password": "wrong"},
        {"otter.database.driver.url": world.database_url("information_schema")},
    ):
        browser = world.manager(settings=settings).browser
        assert browser.get("monitor/ok.htm").status == 200
        assert browser.get("channel_list.htm").status == 500


def test_zookeeper_lost_hangs_the_lists_and_nothing_else(world: World, away: ZooKeeper) -> None:
    away.start()
    browser = world.manager(settings={"otter.zookeeper.cluster.default": away.address}).browser
    assert browser.get("channel_list.htm").status == 200
    away.kill()
    for page in ("channel_list.htm", "node_list.htm"):
        with pytest.raises(TimeoutError):
            browser.get(page, timeout=1)
    assert browser.get("monitor/ok.htm").status == 200
    away.start()
    assert browser.get("channel_list.htm").status == 200


# The manager: start


def test_zookeeper_missing_at_start_means_no_port_until_it_comes(
    world: World, away: ZooKeeper
) -> None:
    settings = {"otter.zookeeper.cluster.default": away.address}
    manager = world.manager(settings=settings, up=False)
    manager.says("no connection to ZooKeeper")
    assert listening([manager.port, manager.rpc_port]) == [False, False]
    away.start()
    manager.says("stand-in manager is up")
    assert manager.browser.get("channel_list.htm").status == 200


def test_term_while_it_waits_for_zookeeper(world: World, away: ZooKeeper) -> None:
    settings = {"otter.zookeeper.cluster.default": away.address}
    manager = world.manager(settings=settings, up=False)
    manager.says("no connection to ZooKeeper")
    assert manager.terminate() == 143


def test_web_port_taken_is_exit_0_after_the_other_port_opened(world: World) -> None:
    with ListeningSocket() as taken:
        manager = world.manager(
            settings={"otter.port": str(taken.port)},
            env={"STANDIN_DELAY_MANAGER_HTTP_TAKEN": "5000"},
            up=False,
        )
        wait_until(lambda: listening([manager.rpc_port]) == [True], PATIENCE, "the rpc port opens")
        assert manager.exit_code() == 0
    assert "BindException" in manager.output


def test_rpc_port_taken_is_a_live_manager_whose_every_page_is_503(world: World) -> None:
    with ListeningSocket() as taken:
        manager = world.manager(settings={"otter.communication.manager.port": str(taken.port)})
        for page in ("monitor/ok.htm", "channel_list.htm", "login.htm"):
            assert manager.browser.get(page).status == 503
    assert "BindException" in manager.output
    assert manager.terminate() == 143


def test_any_other_start_failure_is_exit_0(world: World) -> None:
    manager = world.manager(env={"STANDIN_MANAGER_START_FAIL": "true"}, up=False)
    assert manager.exit_code() == 0
    assert "IllegalStateException" in manager.output


def test_without_webapp_on_the_classpath_it_is_exit_0(world: World) -> None:
    os.rename(world.manager_home / "webapp", world.manager_home / "other")
    manager = world.manager(up=False)
    assert manager.exit_code() == 0
    assert "webapp is not on the classpath" in manager.output


def test_a_temporary_folder_that_cannot_be_written_is_exit_0(world: World) -> None:
    manager = world.manager(options=["-Djava.io.tmpdir=/proc/none"], up=False)
    assert manager.exit_code() == 0
    assert "/proc/none" in manager.output


def test_small_heap_opens_one_port_only(world: World) -> None:
    manager = world.manager(env={"STANDIN_MANAGER_HTTP_NEVER": "true"}, up=False)
    wait_until(lambda: listening([manager.rpc_port]) == [True], PATIENCE, "the rpc port opens")
    assert listening([manager.port]) == [False]
    assert manager.running()


def test_a_failed_web_application_answers_503_and_ignores_term(world: World) -> None:
    manager = world.manager(env={"STANDIN_MANAGER_WEBX_FAIL": "true"})
    assert manager.browser.get("monitor/ok.htm").status == 503
    manager.signal(signal.SIGTERM)
    manager.says("stand-in manager is stopping")
    assert manager.running()
    assert manager.browser.get("monitor/ok.htm").status == 503


def test_strict_about_jdks_it_fails_on_11_and_later_only(
    world: World, jdks: dict[int, Path]
) -> None:
    for major, home in jdks.items():
        world.java_home = home
        manager = world.manager(options=["-Dstandin.jdk-strict=true"])
        assert manager.browser.get("monitor/ok.htm").status == (200 if major == 8 else 503), major
        manager.kill()


# The manager: where otter.properties comes from


def test_a_file_url_as_otter_conf_is_exit_0(world: World, tmp_path: Path) -> None:
    manager = world.manager(conf=f"file:{tmp_path}/run-0/otter.properties", up=False)
    assert manager.exit_code() == 0
    assert "FileNotFoundException" in manager.output


def test_otter_conf_alone_moves_the_web_port_only(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.properties"
    web, rpc = free_port(), free_port()
    elsewhere.write_text(f"otter.port = {web}\notter.communication.manager.port = {rpc}\n")
    manager = world.manager(conf=str(elsewhere))
    assert listening([web, rpc]) == [True, False]
    assert listening([manager.port, manager.rpc_port]) == [False, True]


def test_the_file_beats_system_properties(world: World) -> None:
    other = free_port()
    manager = world.manager(
        options=[f"-Dotter.port={other}", f"-Dotter.communication.manager.port={other}"]
    )
    assert listening([manager.port, manager.rpc_port, other]) == [True, True, False]


def test_placeholders_are_resolved_from_the_file_and_from_system_properties(world: World) -> None:
    host, port = world.zookeeper.split(":")
    settings = {
        "otter.zookeeper.cluster.default": "${my.host}:${my.port}",
        "my.host": "${another.host}",
        "another.host": host,
    }
    manager = world.manager(settings=settings, options=[f"-Dmy.port={port}"])
    assert manager.browser.get("channel_list.htm").status == 200


def test_a_placeholder_that_nobody_knows_fails_the_application(world: World) -> None:
    manager = world.manager(settings={"otter.domainName": "${no.such.key}"})
    assert manager.browser.get("monitor/ok.htm").status == 503
    assert "Could not resolve placeholder 'no.such.key'" in manager.output


@pytest.mark.parametrize(
    "key", ["otter.database.driver.class.name", "otter.manager.monitor.email.username"]
)
def test_a_key_that_otter_has_no_value_for_fails_the_application(world: World, key: str) -> None:
    shipped = world.manager_home / "conf/otter.properties"
    lines = shipped.read_text().splitlines(keepends=True)
    shipped.write_text("".join(line for line in lines if not line.startswith(key)))
    manager = world.manager()
    assert manager.browser.get("monitor/ok.htm").status == 503
    assert f"otter.properties has no {key}" in manager.output
