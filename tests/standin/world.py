"""The stand-in's manager and nodes as processes on loopback, with a database and ZooKeeper to talk to.

Started as the real otter has to be (a folder with the rendered files first on the classpath), but
without entrypoint: these tests ask whether the stand-in is true to otter.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.net import LOOPBACK, accepts, free_port, wait_until
from lab.services import MariaDB, ZooKeeperClient
from standin.browser import PATIENCE, Browser
from standin.build import Distribution, unpack
from standin.program import Program

SCHEMA = Path(__file__).resolve().parents[2] / "manifests" / "components" / "schema" / "schema.sql"
MANAGER_MAIN = "com.alibaba.otter.manager.deployer.OtterManagerLauncher"
NODE_MAIN = "com.alibaba.otter.node.deployer.OtterLauncher"
STATE = re.compile("已启动|未启动")
UP_MANAGER = "stand-in manager is up"
UP_NODE = "## the otter server is running now ......"
LOGBACK = """<configuration>
  <appender name="CONSOLE" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %logger - %msg%n</pattern></encoder>
  </appender>
  <logger name="com.alibaba.otter.manager.deployer" level="info"/>
  <logger name="standin.manager.Channels" level="info"/>
  <logger name="com.alibaba.otter.node.deployer.OtterLauncher" level="info"/>
  <root level="warn"><appender-ref ref="CONSOLE"/></root>
</configuration>
"""


class Manager(Program):
    """A manager: its two ports, and a browser that looks at it."""

    def __init__(
        self,
        *,
        port: int,
        rpc_port: int,
        argv: Sequence[str | Path],
        cwd: Path,
        env: Mapping[str, str],
        log: Path,
    ) -> None:
        super().__init__(argv, cwd, env, log)
        self.port = port
        self.rpc_port = rpc_port
        self.browser = Browser(port)

    def shows(self, nid: int) -> str:
        """Return what node_list.htm says of a node: started or not started."""
        rows = self.browser.get("node_list.htm").text.split("<tr>")
        row = next(row for row in rows if row.startswith(f"<td>{nid}</td>"))
        return {"已启动": "started", "未启动": "not started"}[STATE.findall(row)[0]]

    def sees(self, nid: int) -> None:
        """Return when it has noticed that the node is there; it pauses channels of no other."""
        # a node that an earlier test killed may still be in the list
        line = re.compile(rf"live nodes are \[(.*, )?{nid}(, .*)?\]")
        wait_until(lambda: line.search(self.output), PATIENCE, f"the manager sees node {nid}")

    def set_channel(self, channel: int, status: str) -> None:
        """Follow the link that starts or stops a channel; needs a login."""
        link = "channelList.htm?action=channelAction&eventSubmitDoStatus=true"
        self.browser.get(f"{link}&channelId={channel}&status={status}")


class World:
    """A database of its own with the stand-in's schema, both distributions, and what was started."""

    # The tests share one ZooKeeper: no two worlds have the same node or channel ids.
    _ids = itertools.count(100, 100)

    def __init__(
        self,
        folder: Path,
        mariadb: MariaDB,
        zookeeper: str,
        distribution: Distribution,
        java_home: Path,
    ) -> None:
        self._folder = folder
        self._mariadb = mariadb
        self.zookeeper = zookeeper
        self.java_home = java_home
        self.manager_home = unpack(distribution.manager, folder / "manager")
        self.node_home = unpack(distribution.node, folder / "node")
        self._programs: list[Program] = []
        first_id = next(self._ids)
        self.database = f"otter_{first_id}"
        mariadb.execute(f"DROP DATABASE IF EXISTS {self.database}; CREATE DATABASE {self.database}")
        self.sql(SCHEMA.read_text())
        for table in ("NODE", "CHANNEL"):
            self.sql(f"ALTER TABLE {table} AUTO_INCREMENT = {first_id}")

    def sql(self, statements: str) -> list[tuple[str, ...]]:
        """Run statements in the manager's database and return the rows."""
        return self._mariadb.execute(statements, self.database)

    def add_row(self, name: str = "node-1", *, cluster: bool = True) -> int:
        """Insert a row into NODE, with three free ports, and return its id: the nid."""
        parameters: dict[str, object] = {"downloadPort": free_port(), "mbeanPort": free_port()}
        if cluster:
            servers = {"id": 1, "clusterName": "zk1", "serverList": [self.zookeeper]}
            parameters["zkCluster"] = servers
        rows = self.sql(
            f"INSERT INTO NODE (NAME, IP, PORT, PARAMETERS) VALUES"
            f" ('{name}', '127.0.0.1', {free_port()}, '{json.dumps(parameters)}');"
            f"SELECT LAST_INSERT_ID()"
        )
        return int(rows[0][0])

    def add_channel(self, nid: int, name: str = "") -> int:
        """Insert a channel with one pipeline that runs on this node and return its id."""
        rows = self.sql(
            f"INSERT INTO CHANNEL (NAME) VALUES ('{name or nid}'); SET @channel = LAST_INSERT_ID();"
            f"INSERT INTO PIPELINE (NAME, CHANNEL_ID) VALUES ('pipeline', @channel);"
            f"INSERT INTO PIPELINE_NODE_RELATION (NODE_ID, PIPELINE_ID, LOCATION)"
            f" VALUES ({nid}, LAST_INSERT_ID(), 'SELECT'); SELECT @channel"
        )
        return int(rows[0][0])

    def channel_state(self, channel: int) -> str:
        """Return what ZooKeeper says of a channel."""
        with self._session() as session:
            return str(json.loads(session.get(f"/otter/channel/{channel}")))

    def set_state(self, channel: int, state: str) -> None:
        """Write what ZooKeeper says of a channel."""
        with self._session() as session:
            path = ""
            for name in ("otter", "channel", str(channel)):
                path += f"/{name}"
                if not session.exists(path):
                    session.create(path)
            session.set(path, json.dumps(state).encode())

    def _session(self) -> ZooKeeperClient:
        host, port = self.zookeeper.split(":")
        return ZooKeeperClient(host, int(port))

    def login(self) -> dict[str, str]:
        """Return how to reach our database: url, username, password."""
        server = self._mariadb
        url = server.url(self.database)
        return {"url": url, "username": server.user, "password": server.password}

    def database_url(self, database: str) -> str:
        """Return the JDBC URL of another database of the same server."""
        return self._mariadb.url(database)

    def ports(self, nid: int) -> tuple[int, int, int]:
        """Return a node's three ports: its own, JMX, download."""
        port, parameters = self.sql(f"SELECT PORT, PARAMETERS FROM NODE WHERE ID = {nid}")[0]
        declared = json.loads(parameters)
        return int(port), declared["mbeanPort"], declared["downloadPort"]

    def manager(
        self,
        *,
        settings: Mapping[str, str] | None = None,
        conf: str | None = None,
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        up: bool = True,
    ) -> Manager:
        """Start a manager with these settings over ours; wait until it is up, or not."""
        changed = {
            "otter.port": str(free_port()),
            "otter.communication.manager.port": str(free_port()),
            "otter.database.driver.url": self._mariadb.url(self.database),
            "otter.database.driver.username": self._mariadb.user,
            "otter.database.driver.password": self._mariadb.password,
            "otter.zookeeper.cluster.default": self.zookeeper,
            **(settings or {}),
        }
        run = self._rendered(self.manager_home, changed)
        argv = self._java(
            run,
            self.manager_home,
            MANAGER_MAIN,
            [f"-Dotter.conf={conf or run / 'otter.properties'}", *options],
        )
        manager = Manager(
            port=int(changed["otter.port"]),
            rpc_port=int(changed["otter.communication.manager.port"]),
            argv=argv,
            cwd=self.manager_home / "bin",
            env=env or {},
            log=run / "output.log",
        )
        self._programs.append(manager)
        if up:
            manager.says(UP_MANAGER)
        return manager

    def node(
        self,
        nid: int | str,
        manager: Manager | int,
        *,
        settings: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        up: bool = True,
    ) -> Program:
        """Start a node that asks that manager (or whatever has that port); wait until it is up, or not."""
        port = manager if isinstance(manager, int) else manager.rpc_port
        changed = {"otter.manager.address": f"{LOOPBACK}:{port}", **(settings or {})}
        run = self._rendered(self.node_home, changed)
        argv = self._java(run, self.node_home, NODE_MAIN, [f"-Dnid={nid}"])
        node = Program(argv, self.node_home / "bin", env or {}, run / "output.log")
        self._programs.append(node)
        if up:
            node.says(UP_NODE)
        return node

    def close(self) -> None:
        """Kill what still runs."""
        for program in self._programs:
            program.kill()

    def _rendered(self, home: Path, changed: Mapping[str, str]) -> Path:
        run = self._folder / f"run-{len(self._programs)}"
        run.mkdir()
        lines = (home / "conf/otter.properties").read_text()
        # the last of two equal keys wins
        lines += "".join(f"{key} = {value}\n" for key, value in changed.items())
        (run / "otter.properties").write_text(lines)
        (run / "logback.xml").write_text(LOGBACK)
        return run

    def _java(self, run: Path, home: Path, main: str, options: Sequence[str]) -> list[str]:
        return [
            str(self.java_home / "bin/java"),
            "-Xmx64m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Djava.net.preferIPv4Stack=true",
            f"-Djava.io.tmpdir={run}",
            f"-Dlogback.configurationFile={run / 'logback.xml'}",
            *options,
            "-classpath",
            f"{run}:{home}/conf:{home}/lib/*:{home}",
            main,
        ]


def listening(ports: Sequence[int]) -> list[bool]:
    """Tell of each port whether somebody listens."""
    return [accepts(port) for port in ports]
