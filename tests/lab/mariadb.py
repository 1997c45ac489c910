"""A real MariaDB server with a data folder of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from lab import cache
from lab.cache import LabError, Missing
from lab.command import run
from lab.service import Service


def program() -> Path | Missing:
    """Return the server program."""
    # Debian puts servers into sbin, which a user's PATH may not have.
    search = os.environ.get("PATH", os.defpath) + ":/usr/sbin"
    for name in ("mariadbd", "mysqld"):
        found = shutil.which(name, path=search)
        if found:
            return Path(found)
    return cache.missing("mariadb")


class MariaDB(Service):
    """MariaDB on 127.0.0.1. `user` may do everything; root works over the Unix socket only."""

    name = "mariadb"
    user = "otter"
    password = "otter-secret"

    @property
    def socket(self) -> Path:
        """The Unix socket."""
        return self.folder / "server.sock"

    def url(self, database: str = "") -> str:
        """Return the JDBC URL."""
        return f"jdbc:mysql://{self.address}/{database}"

    def prepare(self) -> None:
        """Create the system tables; without the test database and its anonymous users."""
        run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={self.folder / 'data'}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                # A bare machine may not be able to look up its own name, nor localhost.
                "--force",
                *_as_root(),
            ],
            timeout=120,
        )
        # Runs at every start: the account is there before the port answers.
        (self.folder / "init.sql").write_text(
            f"CREATE USER IF NOT EXISTS '{self.user}'@'%' IDENTIFIED BY '{self.password}';\n"
            f"GRANT ALL PRIVILEGES ON *.* TO '{self.user}'@'%' WITH GRANT OPTION;\n"
        )

    def command(self) -> Sequence[str | Path]:
        """Return mariadbd in the foreground, small, without syncing to disk."""
        server = program()
        if isinstance(server, Missing):
            raise LabError(str(server))
        return [
            server,
            "--no-defaults",
            *_as_root(),
            f"--datadir={self.folder / 'data'}",
            f"--socket={self.socket}",
            f"--pid-file={self.folder / 'server.pid'}",
            f"--init-file={self.folder / 'init.sql'}",
            f"--bind-address={self.host}",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--skip-log-bin",
            "--character-set-server=utf8mb4",
            "--max-connections=100",
            "--innodb-buffer-pool-size=32M",
            "--innodb-flush-log-at-trx-commit=0",
        ]

    def answers(self) -> bool:
        """Tell whether the account of the clients can log in."""
        try:
            self.execute("SELECT 1")
        except LabError:
            return False
        return True

    def execute(self, sql: str, database: str = "") -> list[tuple[str, ...]]:
        """Run the statements and return the rows, every value as text and NULL as "NULL"."""
        argv = [
            shutil.which("mariadb") or "mysql",
            "--no-defaults",
            "--batch",
            "--skip-column-names",
            "--default-character-set=utf8mb4",
            f"--host={self.host}",
            f"--port={self.port}",
            f"--user={self.user}",
            *([f"--database={database}"] if database else []),
        ]
        output = run(argv, env={"MYSQL_PWD": self.password}, text=sql, timeout=60)
        return [tuple(line.split("\t")) for line in output.splitlines()]


def _as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []
