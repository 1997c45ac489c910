"""otter under entrypoint, with the built-in profiles; the stand-in plays otter's part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from integration.running import Application, Applications, get
from lab.net import LOOPBACK, free_port
from lab.services import MariaDB
from standin.build import Distribution
from standin.world import World

# Quick looks, so that no test waits for the shipped intervals; what is asked stays as shipped.
QUICK_MANAGER = """\
checks:
  monitor-ok: {interval: 500ms}
  channel-list: {interval: 300ms}
  communication: {interval: 300ms}
"""
QUICK_NODE = """\
checks:
  started: {interval: 300ms}
  session: {interval: 300ms}
  port: {interval: 300ms}
"""
ANY_JDK = "java: {supported: 8-25}\n"


class Manager(Application):
    """A manager, with its two ports."""

    port = 0
    nodes_port = 0

    def page(self, name: str, timeout: float = 5.0) -> tuple[int, str]:
        """Return status and text of one of otter's own pages."""
        return get(f"{LOOPBACK}:{self.port}", f"/{name}", timeout)

    def shows_started(self, nid: int) -> bool:
        """Tell whether node_list.htm says that the node runs."""
        rows = self.page("node_list.htm")[1].split("<tr>")
        row = next(row for row in rows if row.startswith(f"<td>{nid}</td>"))
        return "已启动" in row


class Otter:
    """Starts managers and nodes that share a database and a ZooKeeper."""

    def __init__(
        self,
        folder: Path,
        applications: Applications,
        mariadb: MariaDB,
        zookeeper: str,
        distribution: Distribution,
        java: tuple[int, Path],
    ) -> None:
        self.world = World(folder, mariadb, zookeeper, distribution, java[1])
        self.java_home = java[1]
        self._overlay = "" if java[0] == 8 else ANY_JDK
        self._java = java
        self._distribution = distribution
        self._applications = applications
        self._mariadb = mariadb
        self.folder = folder

    @property
    def manager_home(self) -> Path:
        """Where the manager was unpacked."""
        return self.world.manager_home

    @property
    def node_home(self) -> Path:
        """Where the node was unpacked."""
        return self.world.node_home

    def beside(self, name: str, *, mariadb: MariaDB | None = None, zookeeper: str = "") -> Otter:
        """Return another otter that has a database or ZooKeeper of its own, to be taken away."""
        return Otter(
            self.folder / name,
            self._applications,
            mariadb or self._mariadb,
            zookeeper or self.world.zookeeper,
            self._distribution,
            self._java,
        )

    def manager_variables(self) -> dict[str, str]:
        """Return what a manager needs to know, with free ports."""
        return {
            "OTTER_PORT": str(free_port()),
            "OTTER_COMMUNICATION_PORT": str(free_port()),
            "OTTER_DATABASE_URL": self.world.database_url(self.world.database),
            "OTTER_DATABASE_USERNAME": self._mariadb.user,
            "OTTER_DATABASE_PASSWORD": self._mariadb.password,
            "OTTER_ZOOKEEPER_SERVERS": self.world.zookeeper,
        }

    def manager(
        self,
        changed: Mapping[str, str] | None = None,
        *,
        overlay: str = "",
        as_pid1: bool = False,
    ) -> Manager:
        """Start a manager; `changed` goes over its variables, `overlay` is merged over its profile."""
        variables = self.manager_variables() | dict(changed or {})
        manager = self.manager_with(variables, overlay=overlay, as_pid1=as_pid1)
        manager.port = int(variables["OTTER_PORT"])
        manager.nodes_port = int(variables["OTTER_COMMUNICATION_PORT"])
        return manager

    def manager_with(
        self,
        variables: Mapping[str, str],
        *,
        overlay: str = "",
        as_pid1: bool = False,
        before: Sequence[str] = (),
    ) -> Manager:
        """Start a manager with these variables alone."""
        started = self._applications.start(
            "otter-manager",
            self.java_home,
            self.manager_home,
            variables,
            overlay=merged(QUICK_MANAGER, self._overlay, overlay),
            as_pid1=as_pid1,
            before=before,
        )
        return Manager(started.run, started.probes)

    def node(
        self,
        nid: int,
        manager: Manager | int,
        changed: Mapping[str, str] | None = None,
        *,
        overlay: str = "",
        as_pid1: bool = False,
    ) -> Application:
        """Start a node for a manager (or whatever has that port); a variable changed to "" is not set."""
        port = manager if isinstance(manager, int) else manager.nodes_port
        variables = {
            "OTTER_NID": str(nid),
            "OTTER_MANAGER_ADDRESS": f"{LOOPBACK}:{port}",
            "OTTER_ZOOKEEPER_SERVERS": self.world.zookeeper,
            **(changed or {}),
        }
        given = {name: value for name, value in variables.items() if value}
        return self.node_with(given, overlay=overlay, as_pid1=as_pid1)

    def node_with(
        self, variables: Mapping[str, str], *, overlay: str = "", as_pid1: bool = False
    ) -> Application:
        """Start a node with these variables alone."""
        return self._applications.start(
            "otter-node",
            self.java_home,
            self.node_home,
            variables,
            overlay=merged(QUICK_NODE, self._overlay, overlay),
            as_pid1=as_pid1,
        )


def merged(*overlays: str) -> str:
    """Return overlays one after the other; each has top-level keys of its own, or adds to `checks`."""
    import yaml

    result: dict[str, object] = {}
    for overlay in overlays:
        for key, value in (yaml.safe_load(overlay) or {}).items():
            before = result.get(key)
            result[key] = {**before, **value} if isinstance(before, dict) else value
    return yaml.safe_dump(result, sort_keys=False)
