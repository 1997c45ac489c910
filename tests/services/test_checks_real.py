"""The checks against a real MariaDB and a real ZooKeeper, in their good and bad hours."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from entrypoint.plan.model import CheckPlan
from entrypoint.system.checks.gates import run_gates
from entrypoint.system.checks.result import CheckResult, Deadline
from entrypoint.system.checks.run import Kept, run
from entrypoint.system.checks.zookeeper import ZooKeeperSession, parse_servers
from entrypoint.values import Secret
from lab.services import MariaDB, Service, ZooKeeper, free_port, wait_until

Ask = Callable[..., CheckResult]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Give a function that runs a check, keeping its session between calls."""
    kept = Kept()

    def ask(kind: str, timeout: float = 10.0, **arguments: str | Secret) -> CheckResult:
        return run(CheckPlan(kind, kind, "x", tuple(arguments.items()), timeout=timeout), kept)

    yield ask
    kept.close()


def freeze(server: Service) -> None:
    """Pause the server and return when all its threads stand still."""
    server.pause()
    os.waitid(os.P_PID, server.pid, os.WSTOPPED | os.WNOWAIT)


# MariaDB


@pytest.fixture(scope="module")
def database(mariadb: MariaDB) -> MariaDB:
    mariadb.execute(
        "CREATE DATABASE checks; CREATE TABLE checks.CHANNEL (ID INT);"
        "CREATE USER nobody@'%' IDENTIFIED BY 'geheim-nobody';"
        "CREATE USER empty@'%'; GRANT SELECT ON checks.* TO empty@'%';"
    )
    return mariadb


def login(server: MariaDB, database: str = "checks", **changes: str | Secret) -> dict[str, object]:
    arguments: dict[str, str | Secret] = {
        "url": server.url(database),
        "user": server.user,
        "password": Secret(server.password),
    }
    return {**arguments, **changes}


def test_mysql_login_and_table(database: MariaDB, ask: Ask) -> None:
    assert ask("mysql", **login(database, table="CHANNEL")).detail == "ok"
    assert ask("mysql", **login(database)).detail == "ok"
    assert ask("mysql", **login(database, database="")).detail == "ok"


def test_mysql_without_a_password(database: MariaDB, ask: Ask) -> None:
    arguments = {"url": database.url("checks"), "user": "empty", "table": "CHANNEL"}
    assert ask("mysql", **arguments).detail == "ok"


def test_mysql_no_table(database: MariaDB, ask: Ask) -> None:
    assert ask("mysql", **login(database, table="NODE")).detail == "no table NODE in checks"


def test_mysql_no_database(database: MariaDB, ask: Ask) -> None:
    assert ask("mysql", **login(database, "otter")).detail == "unknown database otter"


def test_mysql_wrong_password(database: MariaDB, ask: Ask) -> None:
    result = ask("mysql", **login(database, password=Secret("geheim-wrong")))
    assert result.detail == "access denied for otter"


def test_mysql_wrong_user(database: MariaDB, ask: Ask) -> None:
    assert ask("mysql", **login(database, user="root2")).detail == "access denied for root2"


def test_mysql_user_without_the_database(database: MariaDB, ask: Ask) -> None:
    result = ask("mysql", **login(database, user="nobody", password=Secret("geheim-nobody")))
    assert result.detail == "access denied for nobody to database checks"


def test_mysql_leaves_no_aborted_connection(database: MariaDB, ask: Ask) -> None:
    """A check says goodbye: else the server's log fills with "Aborted connection"."""
    count = "SHOW GLOBAL STATUS LIKE 'Aborted_%'"
    before = database.execute(count)
    assert ask("mysql", **login(database, table="CHANNEL")).ok
    assert database.execute(count) == before


class SecuredMariaDB(MariaDB):
    """A MariaDB that offers TLS with a certificate nobody knows, as MySQL 8 does by itself."""

    def prepare(self) -> None:
        super().prepare()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
             "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=mariadb"],
            cwd=self.folder, check=True, capture_output=True,
        )  # fmt: skip

    def command(self) -> Sequence[str | Path]:
        files = [f"--ssl-{one}={self.folder / one}.pem" for one in ("cert", "key")]
        return [*super().command(), *files]


@pytest.fixture(scope="module")
def secured() -> Iterator[MariaDB]:
    with SecuredMariaDB() as server:
        server.execute("CREATE USER tls@'%' IDENTIFIED BY 'geheim-tls' REQUIRE SSL")
        yield server


def test_mysql_uses_tls_where_it_is_offered(secured: MariaDB, ask: Ask) -> None:
    """The server lets this user in over TLS only."""
    arguments = {"url": secured.url(), "user": "tls", "password": Secret("geheim-tls")}
    assert ask("mysql", **arguments).detail == "ok"
    assert ask("mysql", **{**arguments, "password": "x"}).detail == "access denied for tls"


def test_mysql_frozen_stopped_and_back(secured: MariaDB, ask: Ask) -> None:
    freeze(secured)
    try:
        assert ask("mysql", 0.5, **login(secured, "")).detail == "no answer in 500ms"
    finally:
        secured.resume()
    assert ask("mysql", **login(secured, "")).ok
    secured.kill()
    assert ask("mysql", **login(secured, "")).detail == "refused"
    secured.start()
    assert ask("mysql", **login(secured, "")).ok


# ZooKeeper


def test_zookeeper_serves(zookeeper: ZooKeeper, ask: Ask) -> None:
    assert ask("zookeeper", servers=zookeeper.address).detail == "ok"


def test_zookeeper_node_present_and_absent(zookeeper: ZooKeeper, ask: Ask) -> None:
    node = {"servers": zookeeper.address, "path": "/checks-7"}
    assert ask("zookeeper", **node).detail == "no /checks-7"
    assert ask("zookeeper", **node, expect="absent").detail == "ok"
    with zookeeper.client() as client:
        client.create("/checks-7", ephemeral=True)
        assert ask("zookeeper", **node).detail == "ok"
        result = ask("zookeeper", **node, expect="absent")
        owner = client.session_id & (2**64 - 1)
        assert result.detail == f"/checks-7 still there, of session 0x{owner:x}"
    assert ask("zookeeper", **node).detail == "no /checks-7"


def test_zookeeper_session_is_kept_and_closed(zookeeper: ZooKeeper) -> None:
    kept = Kept()
    plan = CheckPlan(
        "zk", "zookeeper", "x", (("servers", zookeeper.address), ("path", "/zookeeper"))
    )
    session_ids = set()
    for _ in range(5):
        assert run(plan, kept).ok
        session_ids.add(connected_sessions(zookeeper))
    assert len(session_ids) == 1
    kept.close()
    assert connected_sessions(zookeeper) < session_ids.pop()


def connected_sessions(server: ZooKeeper) -> frozenset[str]:
    """Return the ids of the sessions that are connected, from the word `cons`."""
    return frozenset(
        part.partition("=")[2]
        for part in server.ask("cons").replace("(", ",").split(",")
        if part.startswith("sid=")
    )


def test_zookeeper_stat_tells_an_old_node_from_a_new_one(zookeeper: ZooKeeper) -> None:
    session = ZooKeeperSession(parse_servers(zookeeper.address))
    found = []
    for _ in range(2):
        with zookeeper.client() as client:
            client.create("/checks-8", ephemeral=True)
            stat = session.exists("/checks-8", Deadline(10))
            assert stat is not None
            assert stat.ephemeral_owner == client.session_id
            found.append(stat)
    session.close(Deadline(10))
    assert found[0].czxid < found[1].czxid


@pytest.fixture(scope="module")
def quick(zookeeper_home: Path, java: Path) -> Iterator[ZooKeeper]:
    """A ZooKeeper of this file's own, to be broken, whose sessions end within a second."""
    with ZooKeeper(zookeeper_home, java, tick_time=250) as server:
        yield server


def test_gate_waits_until_the_stale_session_of_a_killed_node_is_gone(quick: ZooKeeper) -> None:
    """facts/otter.md: started before that, a node of otter is a zombie for ever."""
    killed = quick.client(session=2)
    killed.create("/checks-9", ephemeral=True)
    killed.drop()
    told = []
    gate = CheckPlan(
        "old session",
        "zookeeper",
        "/checks-9",
        (("servers", quick.address), ("path", "/checks-9"), ("expect", "absent")),
        at_most=60.0,
    )
    assert run_gates((gate,), told.append) == ()
    assert told[1].detail.startswith("/checks-9 still there, of session 0x")
    assert told[-1].status == "passed"
    with quick.client() as client:
        assert not client.exists("/checks-9")


def test_zookeeper_session_survives_a_restart_of_the_server(quick: ZooKeeper, ask: Ask) -> None:
    node = {"servers": quick.address, "path": "/zookeeper"}
    assert ask("zookeeper", **node).detail == "ok"
    quick.kill()
    assert ask("zookeeper", **node).detail == "refused"
    assert ask("zookeeper", servers=quick.address).detail == "refused"
    quick.start()
    assert ask("zookeeper", **node).detail == "ok"


def test_zookeeper_session_that_expired_is_opened_again(quick: ZooKeeper) -> None:
    session = ZooKeeperSession(parse_servers(quick.address), timeout_ms=500)
    assert session.exists("/zookeeper", Deadline(10)) is not None
    before = connected_sessions(quick)
    wait_until(lambda: not before & connected_sessions(quick), 20, "the session expires")
    assert session.exists("/zookeeper", Deadline(10)) is not None
    session.close(Deadline(10))


def test_zookeeper_frozen(quick: ZooKeeper, ask: Ask) -> None:
    node = {"servers": quick.address, "path": "/zookeeper"}
    assert ask("zookeeper", **node).ok
    freeze(quick)
    try:
        assert ask("zookeeper", 0.4, **node).detail == "no answer in 400ms"
        assert ask("zookeeper", 0.4, servers=quick.address).detail == "no answer in 400ms"
    finally:
        quick.resume()
    assert ask("zookeeper", **node).ok


class StrictZooKeeper(ZooKeeper):
    """A ZooKeeper whose owner allows one four-letter word only, and not `srvr`."""

    def prepare(self) -> None:
        super().prepare()
        config = self.folder / "zoo.cfg"
        config.write_text(config.read_text().replace("whitelist=*", "whitelist=isro"))

    def answers(self) -> bool:
        return self.ask("isro") == "rw"


def test_zookeeper_with_a_strict_whitelist(zookeeper_home: Path, java: Path, ask: Ask) -> None:
    with StrictZooKeeper(zookeeper_home, java) as server:
        assert "not in the whitelist" in server.ask("ruok")
        assert ask("zookeeper", servers=server.address).detail == "ok"


class AloneZooKeeper(ZooKeeper):
    """One of three servers, with no quorum: it listens and does not serve."""

    def prepare(self) -> None:
        super().prepare()
        servers = "".join(
            f"server.{n}={self.host}:{free_port()}:{free_port()}\n" for n in (1, 2, 3)
        )
        with (self.folder / "zoo.cfg").open("a") as config:
            config.write(f"initLimit=5\nsyncLimit=5\n{servers}")
        (self.folder / "data").mkdir()
        (self.folder / "data" / "myid").write_text("1")

    def answers(self) -> bool:
        return "not currently serving" in self.ask("srvr")


def test_zookeeper_without_a_quorum(zookeeper_home: Path, java: Path, ask: Ask) -> None:
    with AloneZooKeeper(zookeeper_home, java) as server:
        result = ask("zookeeper", servers=server.address)
        assert result.detail == "not serving requests: no quorum yet"
        result = ask("zookeeper", servers=server.address, path="/zookeeper")
        assert result.detail == "closed the connection"
