"""Our logback templates in real logback: the stand-in's (1.2, as otter has) and ZooKeeper's (1.3)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import entrypoint
from entrypoint.rendering.templates import render

if TYPE_CHECKING:
    from standin.build import Distribution

PROBE = Path(__file__).with_name("LogbackProbe.java")
TEMPLATES = Path(entrypoint.__file__).parent / "profile" / "templates"
LAUNCHER = "com.alibaba.otter.node.deployer.OtterLauncher"
ROWS = "com.alibaba.otter.node.etl.load.loader.db.interceptor.log.LogLoadInterceptor"
MANAGER = "com.alibaba.otter.manager.deployer.OtterManagerLauncher"


@pytest.fixture(scope="module")
def otter_lib(standin: Distribution, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from standin.build import unpack

    return unpack(standin.node, tmp_path_factory.mktemp("logback") / "node") / "lib"


def log(java: Path, lib: Path, configuration: str, folder: Path, *loggers: str) -> list[str]:
    """Return what a JVM with this configuration writes to its console."""
    file = folder / "logback.xml"
    file.write_text(configuration)
    done = subprocess.run(
        [java / "bin" / "java", "-cp", f"{lib}/*", PROBE, file, *loggers],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "STATUS" not in done.stdout
    return done.stdout.splitlines()


def otter(folder: Path, target: str, level: str, **settings: str) -> str:
    values = {"log.target": target, "log.level": level, "log.dir": f"{folder}/logs", **settings}
    variables = {"s": values, "run": str(folder), "home": "/opt/otter", "hostname": "pod"}
    text = (TEMPLATES / "otter" / f"logback-{target}.xml.j2").read_text()
    return render("logback.xml.j2", text, variables, "xml")


def test_a_node_on_the_console_tells_of_its_start(
    java: Path, otter_lib: Path, tmp_path: Path
) -> None:
    configuration = otter(tmp_path, "console", "error", nid="1")
    (tmp_path / "started.log").write_text("the line of an earlier start\n")
    info, warn = log(java, otter_lib, configuration, tmp_path, LAUNCHER, ROWS, "a.Library")
    assert info.endswith(f"INFO  [main] [] c.a.otter.node.deployer.OtterLauncher - info {LAUNCHER}")
    assert "WARN  [main] [7]" in warn
    started = (tmp_path / "started.log").read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in started] == [f"info {LAUNCHER}", f"warn {LAUNCHER}"]


def test_a_node_with_files_has_one_for_each_pipeline(
    java: Path, otter_lib: Path, tmp_path: Path
) -> None:
    configuration = otter(tmp_path, "files", "warn", nid="1")
    assert log(java, otter_lib, configuration, tmp_path, LAUNCHER, ROWS, "a.Library") == []
    node = (tmp_path / "logs" / "node" / "node.log").read_text().splitlines()
    pipeline = (tmp_path / "logs" / "7" / "7.log").read_text().splitlines()
    assert [line.rsplit(" - ")[1] for line in node] == [f"info {LAUNCHER}"]
    assert [line.rsplit(" - ")[1] for line in pipeline] == [f"warn {LAUNCHER}", "warn a.Library"]
    assert (tmp_path / "logs" / "load" / "row_load.log").read_text() == f"info {ROWS}warn {ROWS}"


@pytest.mark.parametrize("target", ["console", "files"])
def test_a_manager_tells_of_its_start(
    java: Path, otter_lib: Path, tmp_path: Path, target: str
) -> None:
    configuration = otter(tmp_path, target, "error")
    lines = log(java, otter_lib, configuration, tmp_path, MANAGER, "monitorInfo", "a.Library")
    if target == "files":
        assert lines == []
        lines = (tmp_path / "logs" / "manager.log").read_text().splitlines()
        monitor = (tmp_path / "logs" / "monitor_info.log").read_text()
        assert monitor.count("monitorInfo\n") == 2
    assert [line.rsplit(" - ")[1] for line in lines] == [f"info {MANAGER}", f"warn {MANAGER}"]


def test_zookeeper_on_the_console(java: Path, zookeeper_home: Path, tmp_path: Path) -> None:
    text = (TEMPLATES / "zookeeper" / "logback.xml.j2").read_text()
    configuration = render("logback.xml.j2", text, {"s": {"log.level": "warn"}}, "xml")
    (line,) = log(java, zookeeper_home / "lib", configuration, tmp_path, "org.apache.zookeeper.X")
    assert line.endswith("WARN  [main] org.apache.zookeeper.X - warn org.apache.zookeeper.X")
