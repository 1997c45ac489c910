"""A real ZooKeeper server, single, with data of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.service import Service
from lab.zookeeper_client import ZooKeeperClient, four_letter

MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"


class ZooKeeper(Service):
    """ZooKeeper on 127.0.0.1; session time-outs are 2 to 20 ticks of `tick_time` milliseconds."""

    name = "zookeeper"
    stop_timeout = 15.0

    def __init__(
        self,
        home: Path,
        java_home: Path,
        *,
        tick_time: int = 2000,
        folder: Path | None = None,
        port: int | None = None,
    ) -> None:
        super().__init__(folder, port)
        self._home = home
        self._java = java_home / "bin" / "java"
        self._tick_time = tick_time

    def prepare(self) -> None:
        """Write zoo.cfg."""
        (self.folder / "zoo.cfg").write_text(
            f"tickTime={self._tick_time}\n"
            f"dataDir={self.folder / 'data'}\n"
            f"clientPort={self.port}\n"
            f"clientPortAddress={self.host}\n"
            "maxClientCnxns=0\n"
            "admin.enableServer=false\n"
            "4lw.commands.whitelist=*\n"
        )

    def command(self) -> Sequence[str | Path]:
        """Return the server's own main class on a small heap."""
        return [
            self._java,
            "-Xmx96m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Djava.awt.headless=true",
            "-cp",
            f"{self._home / 'conf'}:{self._home / 'lib'}/*",
            MAIN,
            self.folder / "zoo.cfg",
        ]

    def answers(self) -> bool:
        """Tell whether `srvr` is answered by a server in service."""
        return "Mode: standalone" in self.ask("srvr")

    def ask(self, word: str) -> str:
        """Return the answer to a four-letter command."""
        return four_letter(self.host, self.port, word)

    def client(self, session: float = 30) -> ZooKeeperClient:
        """Return a new session with that time-out in seconds."""
        return ZooKeeperClient(self.host, self.port, session=session)
