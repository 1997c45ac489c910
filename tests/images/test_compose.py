"""images/compose.yaml with the images built here: one command, and a whole otter works."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from container import until

from lab import containers, net
from lab.cache import LabError
from lab.needs import need

COMPOSE = Path(__file__).parents[2] / "images" / "compose.yaml"
SERVICES = ("database", "zookeeper", "otter-manager", "otter-node-1", "otter-node-2")
PREFIX = "otter.properties"


class Otter:
    """The composed otter."""

    def __init__(self, images: dict[str, str], log: Path) -> None:
        self.project = f"test{os.getpid()}"
        self.port = net.free_port()
        self._log = log
        self._variables = {
            "OTTER_MANAGER_IMAGE": images["otter-manager"],
            "OTTER_NODE_IMAGE": images["otter-node"],
            "ZOOKEEPER_IMAGE": images["zookeeper"],
            "DATABASE_IMAGE": containers.build_mariadb("dev"),
            "OTTER_PORT": str(self.port),
            "PATH": f"{containers.bin()}:{os.environ['PATH']}",
        }

    def compose(self, *words: str) -> int:
        """Run podman-compose and return its exit code."""
        program = [str(need("podman-compose")), "-f", str(COMPOSE), "-p", self.project, *words]
        with self._log.open("ab") as log:
            done = subprocess.run(
                program, env=os.environ | self._variables, stdout=log, stderr=log, check=False
            )
        return done.returncode

    def name(self, service: str) -> str:
        return f"{self.project}_{service}_1"

    def healthy(self, service: str) -> bool:
        """Run the service's health check, as a runtime with timers does by itself."""
        try:
            containers.podman("healthcheck", "run", self.name(service))
        except LabError:
            return False
        return True

    def logs(self) -> str:
        return "\n".join(
            f"== {service}\n{containers.podman('logs', '--tail', '40', self.name(service))}"
            for service in SERVICES
        )


@pytest.fixture(scope="module")
def otter(images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Otter]:
    """A composed otter of which every service became healthy."""
    need("podman-compose")
    need("mariadb-image")
    log = tmp_path_factory.mktemp("compose") / "log"
    found = Otter(images, log)
    try:
        assert found.compose("up", "--detach") == 0, log.read_text()
        for service in SERVICES:
            until(lambda name=service: found.healthy(name), f"{service} is healthy", found.logs)
        yield found
    finally:
        found.compose("down", "--volumes", "--timeout", "30")


def test_the_pages_are_there(otter: Otter) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", otter.port, timeout=20)
    connection.request("GET", "/channel_list.htm")
    assert connection.getresponse().status == 200


def test_the_nodes_made_rows_of_their_own(otter: Otter) -> None:
    query = "SELECT NAME, IP FROM NODE ORDER BY NAME"
    said = containers.podman(
        *("exec", otter.name("database"), "mariadb", "--no-defaults", "--batch"),
        *("--skip-column-names", "--host=127.0.0.1", "--user=otter", "--password=otter-secret"),
        *("otter", "--execute", query),
    )
    rows = [line.split("\t") for line in said.splitlines()]
    assert rows == [["otter-node-1", "otter-node-1"], ["otter-node-2", "otter-node-2"]]


def test_it_runs_locked_down(otter: Otter) -> None:
    for service in SERVICES[1:]:
        found = json.loads(containers.podman("container", "inspect", otter.name(service)))[0]
        assert found["HostConfig"]["ReadonlyRootfs"], service
        assert found["EffectiveCaps"] in (None, []), service


def test_a_file_that_is_mounted_and_the_environment_come_together(
    otter: Otter, images: dict[str, str], tmp_path: Path
) -> None:
    """The manager's plan as that of a pod with a ConfigMap: the file's keys, and a secret from elsewhere."""
    (tmp_path / PREFIX).write_text(
        "otter.domainName = from.file\notter.port = 8081\nsome.key = ${otter.port}\n"
        "otter.database.driver.url = jdbc:mysql://file:3306/otter\n"
        "otter.database.driver.username = otter\notter.zookeeper.cluster.default = file:2181\n"
    )
    (tmp_path / "secret").write_text("from-a-file\n")
    tmp_path.chmod(0o755)
    said = containers.podman(
        *("run", "--rm", "--health-interval=disable", "--user=12345"),
        f"--volume={tmp_path / PREFIX}:/opt/otter-manager/conf/{PREFIX}:ro",
        f"--volume={tmp_path / 'secret'}:/secret:ro",
        *("--env=OTTER_DATABASE_PASSWORD_FILE=/secret", "--env=OTTER_PORT=8082"),
        *("--entrypoint=sh", images["otter-manager"], "-c"),
        f"entrypoint render --out /tmp/out && cat /tmp/out/conf/{PREFIX}",
    )
    lines = dict(
        (part.strip() for part in line.split("=", 1)) for line in said.splitlines() if "=" in line
    )
    assert lines["otter.domainName"] == "from.file"
    assert lines["otter.port"] == "8082"
    assert lines["some.key"] == "${otter.port}"
    assert lines["otter.database.driver.password"] == "from-a-file"


def test_it_stops_in_the_order_of_docker(otter: Otter) -> None:
    """Who needs others first: podman-compose stops all at once, and a node waits for a ZooKeeper in vain."""
    for services in (("otter-node-1", "otter-node-2"), ("otter-manager",), ("zookeeper",)):
        names = [otter.name(service) for service in services]
        containers.podman("stop", "--time", "60", *names)
        found = json.loads(containers.podman("container", "inspect", *names))
        assert [one["State"]["ExitCode"] for one in found] == [0] * len(names), otter.logs()
