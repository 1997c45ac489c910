"""The templates that come with the built-in profiles: what they say for which settings."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import entrypoint
from entrypoint.errors import ProblemsError
from entrypoint.rendering.properties import parse
from entrypoint.rendering.templates import kind_of, render

TEMPLATES = Path(entrypoint.__file__).parent / "profile" / "templates"
LAUNCHER = "com.alibaba.otter.node.deployer.OtterLauncher"
ROWS = "com.alibaba.otter.node.etl.load.loader.db.interceptor.log.LogLoadInterceptor"
ZOOKEEPER = {
    "client.port": "2181",
    "data.dir": "/data",
    "tick.time": "2000",
    "init.limit": "10",
    "sync.limit": "5",
    "max.client.connections": "60",
    "commands": "srvr",
    "admin.enabled": "false",
    "autopurge.interval": "24",
    "autopurge.retain": "3",
}


def rendered(name: str, settings: dict[str, str]) -> str:
    variables = {"s": settings, "home": "/opt/app", "run": "/run/e", "hostname": "pod-0"}
    text = (TEMPLATES / name).read_text()
    return render(name, text, variables, kind_of(name.removesuffix(".j2")))


def otter(target: str = "console", level: str = "info", **settings: str) -> ET.Element:
    base = {"log.target": target, "log.level": level, "log.dir": "/logs"}
    return ET.fromstring(rendered(f"otter/logback-{target}.xml.j2", base | settings))


def levels(configuration: ET.Element) -> dict[str, str]:
    return {
        logger.get("name", ""): logger.get("level", "") for logger in configuration.iter("logger")
    }


def files(configuration: ET.Element) -> set[str]:
    return {element.text or "" for element in configuration.iter("file")}


def appenders(configuration: ET.Element) -> dict[str, str]:
    return {
        e.get("name", ""): e.get("class", "").rsplit(".")[-1]
        for e in configuration.iter("appender")
    }


def test_every_template_says_which_settings_it_reads() -> None:
    for path in TEMPLATES.rglob("*.j2"):
        head = path.read_text().partition("#}")[0]
        assert head.startswith("{#"), path
        assert "Settings: " in head, path


def test_otter_logs_to_the_console_and_writes_no_file() -> None:
    configuration = otter()
    assert appenders(configuration) == {"main": "ConsoleAppender"}
    assert files(configuration) == set()
    pattern = configuration.findtext("appender/encoder/pattern") or ""
    for word in ("%d{", "%-5level", "%thread", "%logger", "%msg%n"):
        assert word in pattern


@pytest.mark.parametrize("level", ["trace", "debug", "info", "warn", "error"])
@pytest.mark.parametrize("target", ["console", "files"])
def test_the_lines_that_tell_of_a_start_stay_at_info(level: str, target: str) -> None:
    manager, node = otter(target, level), otter(target, level, nid="1")
    assert levels(manager)["com.alibaba.otter.manager.deployer"] == "INFO"
    assert levels(node)[LAUNCHER] == "INFO"
    for configuration in (manager, node):
        root = configuration.find("root")
        assert root is not None
        assert root.get("level") == level.upper()


@pytest.mark.parametrize("target", ["console", "files"])
def test_only_the_launcher_of_a_node_writes_started_log(target: str) -> None:
    node = otter(target, nid="1")
    started = node.find("appender[@name='started']")
    assert started is not None
    assert started.findtext("file") == "/run/e/started.log"
    assert started.findtext("append") == "false"
    users = [
        e.get("name")
        for e in node.iter("logger")
        if e.find("appender-ref[@ref='started']") is not None
    ]
    assert users == [LAUNCHER]
    assert node.find(f"logger[@name='{LAUNCHER}']").get("additivity") is None  # type: ignore[union-attr]
    assert "/run/e/started.log" not in files(otter(target))


@pytest.mark.parametrize(
    ("level", "rows"),
    [
        ("trace", "TRACE"),
        ("debug", "DEBUG"),
        ("info", "WARN"),
        ("warn", "WARN"),
        ("error", "ERROR"),
    ],
)
def test_the_rows_that_a_node_moves_stay_off_the_console(level: str, rows: str) -> None:
    assert levels(otter(level=level, nid="1"))[ROWS] == rows


def test_files_are_those_of_otter() -> None:
    assert files(otter("files")) == {
        f"/logs/{name}.log"
        for name in (
            *("manager", "communication", "alarm", "position"),
            *("monitor_info", "monitor_trigger"),
        )
    }
    assert files(otter("files", nid="1")) == {
        "/run/e/started.log",
        "/logs/${otter}/${otter}.log",
        "/logs/${load}/row_load.log",
        "/logs/${load}/file_load.log",
        "/logs/${load}/file_miss.log",
        "/logs/${select}/row_select.log",
    }


@pytest.mark.parametrize("settings", [{}, {"nid": "1"}])
def test_every_rolling_file_is_bounded(settings: dict[str, str]) -> None:
    configuration = otter("files", **settings)
    rolling = [e for e in configuration.iter("appender") if "Rolling" in e.get("class", "")]
    assert rolling
    for appender in rolling:
        assert appender.findtext("rollingPolicy/maxIndex") == "9"
        assert appender.findtext("triggeringPolicy/maxFileSize") == "30MB"


@pytest.mark.parametrize("settings", [{}, {"nid": "1"}])
@pytest.mark.parametrize("target", ["console", "files"])
def test_every_reference_names_an_appender(target: str, settings: dict[str, str]) -> None:
    configuration = otter(target, **settings)
    for reference in configuration.iter("appender-ref"):
        assert reference.get("ref") in appenders(configuration)


def test_a_path_with_markup_stays_a_path() -> None:
    assert "/a&<b>/manager.log" in files(otter("files", **{"log.dir": "/a&<b>"}))


def test_zookeeper_alone() -> None:
    values = parse(rendered("zookeeper/zoo.cfg.j2", ZOOKEEPER).encode()).values()
    assert values["clientPort"] == "2181"
    assert values["dataDir"] == "/data"
    assert values["admin.enableServer"] == "false"
    assert not [key for key in values if key.startswith("server.") or key == "dataLogDir"]


def test_zookeeper_in_an_ensemble() -> None:
    servers = "server.1=zk-0:2888:3888;2181, server.2=zk-1:2888:3888;2181\nserver.3=zk-2:2888:3888"
    settings = ZOOKEEPER | {"servers": servers, "log.dir": "/wal"}
    values = parse(rendered("zookeeper/zoo.cfg.j2", settings).encode()).values()
    assert values["dataLogDir"] == "/wal"
    assert values["server.1"] == "zk-0:2888:3888;2181"
    assert values["server.2"] == "zk-1:2888:3888;2181"
    assert values["server.3"] == "zk-2:2888:3888"


def test_a_server_without_a_number_is_a_problem() -> None:
    with pytest.raises(ProblemsError, match=r"zookeeper/zoo\.cfg\.j2"):
        rendered("zookeeper/zoo.cfg.j2", ZOOKEEPER | {"servers": "zk-0:2888:3888"})


def test_the_small_files() -> None:
    assert rendered("zookeeper/myid.j2", {"my.id": "3"}) == "3\n"
    meta = parse(
        rendered("kafka/meta.properties.j2", {"cluster.id": "Zk==", "node.id": "1"}).encode()
    )
    assert meta.values() == {"version": "1", "cluster.id": "Zk==", "node.id": "1"}
    log4j = parse(rendered("kafka/log4j.properties.j2", {"log.level": "warn"}).encode()).values()
    assert log4j["log4j.rootLogger"] == "WARN, console"
    assert 'level="WARN"' in rendered("zookeeper/logback.xml.j2", {"log.level": "warn"})
