"""The whole otter as a list of components in the order of their start, each with its variables.

Here: folders, ports, accounts, the database's content. The stop goes through the list backwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.net import LOOPBACK
from local import distribution
from local.component import Component, Database, Supervised
from local.distribution import Otter, Tell
from local.ports import Ports

DATABASE = "otter"
ADMIN = "admin"
"""Name and password of the administrator that otter's schema makes."""
HEAPS = {"zookeeper": "-Xmx128m", "manager": "-Xmx384m", "node": "-Xmx256m"}
OVERLAY = """\
# The stand-in runs on any JDK; otter's manager runs on 8 alone, which the shipped profile insists on.
java:
  supported: 8-25
  supported-reason: this is the stand-in
"""


@dataclass(frozen=True)
class Java:
    """The JDK that everything runs on."""

    major: int
    home: Path


class Stack:
    """Everything that is started, and where it keeps its data."""

    def __init__(self, otter: Otter, java: Java, zookeeper_home: Path, folder: Path) -> None:
        self.folder = folder
        self.ports = Ports()
        self._otter = otter
        self._java = java
        self.database = Database(folder / "mariadb", self.ports.take("MariaDB", 3306))
        self.zookeeper = self._zookeeper(zookeeper_home)
        self.manager_home = distribution.unpack(otter.manager, folder / "manager" / "home")
        self.node_home = distribution.unpack(otter.node, folder / "node" / "home")
        self.web_port = self.ports.take("manager, pages", 8080)
        self.manager_port = self.ports.take("manager, nodes call it", 1099)
        self.manager = self._manager()
        self.nodes: list[Supervised] = []

    @property
    def components(self) -> list[Component]:
        """All of them, in the order of their start."""
        return [self.database, self.zookeeper, self.manager, *self.nodes]

    def load_schema(self, tell: Tell) -> None:
        """Make the manager's database unless an earlier run did: otter's own tables, if they can be had."""
        server = self.database.server
        tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = "
        if server.execute(f"{tables}'{DATABASE}'") != [("0",)]:
            return
        schema = distribution.find_schema(self._otter, self.manager_home, tell)
        if schema is None:
            schema = distribution.OWN_SCHEMA
            tell(f"using our own tables of otter {distribution.VERSION}: {schema.name}")
        server.execute(f"CREATE DATABASE IF NOT EXISTS {DATABASE} DEFAULT CHARACTER SET utf8")
        server.execute(schema.read_text(encoding="utf-8"), DATABASE)

    def add_node(self) -> Supervised:
        """Return one more node, not started: it registers itself with the manager when it is."""
        number = len(self.nodes) + 1
        name = f"node-{number}"
        first = 2088 + 10 * (number - 1)
        port, download, mbean = (
            self.ports.take(f"{name}{what}", first + offset)
            for offset, what in enumerate(("", ", download", ", mbean"))
        )
        folder = self.folder / name
        node = Supervised(
            name,
            self._profile("otter-node"),
            folder,
            address=f"{LOOPBACK}:{port}",
            probe_port=self.ports.take(f"{name}, probes", 9406 + number - 1),
            variables={
                **self._common("node", folder),
                "ENTRYPOINT_HOME": str(self.node_home),
                "OTTER_MANAGER_ADDRESS": f"{LOOPBACK}:{self.manager_port}",
                "OTTER_MANAGER_URL": f"http://{LOOPBACK}:{self.web_port}",
                "OTTER_MANAGER_USER": ADMIN,
                "OTTER_MANAGER_PASSWORD": ADMIN,
                "OTTER_ZOOKEEPER_SERVERS": self.zookeeper.address,
                # With its port: what an earlier run kept may name a ZooKeeper at another one.
                "OTTER_ZOOKEEPER_CLUSTER": f"zookeeper-{self.zookeeper.address.rpartition(':')[2]}",
                "OTTER_NODE_NAME": name,
                "OTTER_NODE_ADDRESS": LOOPBACK,
                "OTTER_NODE_PORT": str(port),
                "OTTER_NODE_DOWNLOAD_PORT": str(download),
                "OTTER_NODE_MBEAN_PORT": str(mbean),
                "OTTER_NODE_HOME": str(_made(folder / "data")),
            },
        )
        self.nodes.append(node)
        return node

    def _zookeeper(self, home: Path) -> Supervised:
        folder = self.folder / "zookeeper"
        port = self.ports.take("ZooKeeper", 2181)
        return Supervised(
            "ZooKeeper",
            ["zookeeper"],
            folder,
            address=f"{LOOPBACK}:{port}",
            probe_port=self.ports.take("ZooKeeper, probes", 9405),
            variables={
                **self._common("zookeeper", folder),
                "ENTRYPOINT_HOME": str(home),
                "ZOO_CLIENT_PORT": str(port),
                "ZOO_DATA_DIR": str(folder / "data"),
            },
        )

    def _manager(self) -> Supervised:
        folder = self.folder / "manager"
        server = self.database.server
        return Supervised(
            "manager",
            self._profile("otter-manager"),
            folder,
            address=f"{LOOPBACK}:{self.web_port}",
            probe_port=self.ports.take("manager, probes", 9404),
            variables={
                **self._common("manager", folder),
                "ENTRYPOINT_HOME": str(self.manager_home),
                "OTTER_DOMAIN_NAME": LOOPBACK,
                "OTTER_PORT": str(self.web_port),
                "OTTER_COMMUNICATION_PORT": str(self.manager_port),
                "OTTER_DATABASE_URL": server.url(DATABASE),
                "OTTER_DATABASE_USERNAME": server.user,
                "OTTER_DATABASE_PASSWORD": server.password,
                "OTTER_ZOOKEEPER_SERVERS": self.zookeeper.address,
            },
        )

    def _common(self, kind: str, folder: Path) -> dict[str, str]:
        # The manager unpacks its web application below java.io.tmpdir.
        options = f"{HEAPS[kind]} '-Djava.io.tmpdir={_made(folder / 'tmp')}'"
        return {"JAVA_HOME": str(self._java.home), "JAVA_OPTIONS": options}

    def _profile(self, name: str) -> list[str]:
        if not self._otter.standin or self._java.major == 8:
            return [name]
        overlay = self.folder / "stand-in.yaml"
        overlay.write_text(OVERLAY)
        return [name, "--overlay", str(overlay)]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
