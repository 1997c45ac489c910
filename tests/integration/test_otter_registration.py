"""Registering with the manager's own pages: a manager (the stand-in), a real database and ZooKeeper.

The integration is called directly; how entrypoint runs it is in test_otter_identity.py.
"""

from __future__ import annotations

import json
import random
import signal
import threading
from collections.abc import Iterator, Mapping

import pytest

from entrypoint.errors import Problem, ProblemsError
from entrypoint.integrations import otter as integration
from entrypoint.integrations import otter_channels
from entrypoint.integrations.otter import Wish, register
from entrypoint.integrations.otter_pages import Answer, Pages
from entrypoint.integrations.protocol import Progress, TryAgainError
from entrypoint.integrations.zookeeper import Kept
from entrypoint.lifecycle.events import Registered
from entrypoint.plan.model import Registration
from entrypoint.records import replace
from entrypoint.system.checks.result import Deadline
from entrypoint.system.checks.zookeeper import parse_servers
from entrypoint.values import Secret
from integration.otter import Otter
from lab.net import LOOPBACK, free_port
from lab.services import ZooKeeper
from standin.world import Manager, World

NAME = "otter-node-0"


@pytest.fixture
def world(otter: Otter) -> Iterator[World]:
    yield otter.world
    otter.world.close()


@pytest.fixture
def manager(world: World) -> Manager:
    return world.manager()


def asked(manager: Manager | int, **given: str) -> Registration:
    """Return a registration as the plan has it; names with `_` for `-`."""
    port = manager if isinstance(manager, int) else manager.port
    wanted = {
        "url": f"http://{LOOPBACK}:{port}",
        "user": "admin",
        "name": NAME,
        "host": given.get("name", NAME),
        **given,
    }
    pairs: list[tuple[str, str | Secret]] = [
        (name.replace("_", "-"), value) for name, value in wanted.items() if name != "password"
    ]
    pairs.append(("password", Secret(given.get("password", "admin"))))
    return Registration("otter", wanted["url"], tuple(pairs), at_most=20.0)


def ignore(progress: Progress) -> None:
    """Take progress that a test does not ask about."""


def registered(manager: Manager, world: World, **given: str) -> Registered:
    return register(asked(manager, servers=world.zookeeper, **given), ignore)


def refused(manager: Manager | int, **given: str) -> Problem:
    with pytest.raises(ProblemsError) as found:
        register(asked(manager, **given), ignore, sleep=lambda _: None)
    (problem,) = found.value.problems
    return problem


def rows(world: World) -> list[tuple[str, ...]]:
    return world.sql("SELECT ID, NAME, IP, PORT, PARAMETERS FROM NODE ORDER BY ID")


def value(found: Registered, name: str) -> str:
    return dict(found.values)[name]


def test_a_node_is_created_with_its_cluster_and_found_again(manager: Manager, world: World) -> None:
    first = registered(manager, world)
    ((number, name, address, port, parameters),) = rows(world)
    assert (name, address, port) == (NAME, NAME, "2088")
    assert dict(first.said) == {
        "node": NAME, "nid": number, "address": f"{NAME}:2088", "row": "created",
    }  # fmt: skip
    assert dict(first.values) == {
        "nid": number, "node.address": NAME, "node.port": "2088", "node.download-port": "2089",
        "node.mbean-port": "2090",
    }  # fmt: skip
    cluster = json.loads(parameters)["zkCluster"]
    assert cluster["serverList"] == [world.zookeeper]
    assert cluster["clusterName"] == "zookeeper"

    again = registered(manager, world)
    assert dict(again.said)["row"] == "found"
    assert again.values == first.values
    assert len(rows(world)) == 1
    assert len(world.sql("SELECT ID FROM AUTOKEEPER_CLUSTER")) == 1


def test_what_was_given_is_written_and_what_was_not_is_kept(manager: Manager, world: World) -> None:
    nid = value(registered(manager, world), "nid")
    world.sql("UPDATE NODE SET DESCRIPTION = 'by hand <&> 第一'")
    changed = registered(manager, world, address="node-0.nodes.svc", port="30100")
    assert dict(changed.said)["row"] == "updated"
    assert (value(changed, "nid"), value(changed, "node.port")) == (nid, "30100")
    kept = registered(manager, world, external="203.0.113.9")
    assert value(kept, "node.address") == "node-0.nodes.svc"
    ((_, _, address, port, parameters),) = rows(world)
    assert (address, port) == ("node-0.nodes.svc", "30100")
    assert json.loads(parameters)["externalIp"] == "203.0.113.9"
    assert json.loads(parameters)["useExternalIp"] is True
    assert json.loads(parameters)["downloadPort"] == 2089, "not given, so kept"
    assert world.sql("SELECT DESCRIPTION FROM NODE") == [("by hand <&> 第一",)]
    assert dict(registered(manager, world).said)["row"] == "found"


def test_a_cluster_that_is_there_is_taken_by_name_or_by_its_servers(
    manager: Manager, world: World
) -> None:
    world.sql(
        "INSERT INTO AUTOKEEPER_CLUSTER (CLUSTER_NAME, SERVER_LIST) VALUES"
        f" ('far', '[\"zk.example:2181\"]'), ('near', '[\"{world.zookeeper}\"]')"
    )
    registered(manager, world)
    registered(manager, world, name="otter-node-1", cluster="far")
    names = [json.loads(row[4])["zkCluster"]["clusterName"] for row in rows(world)]
    assert names == ["near", "far"]
    registered(manager, world, cluster="far")
    names = [json.loads(row[4])["zkCluster"]["clusterName"] for row in rows(world)]
    assert names == ["far", "far"]
    problem = refused(manager, name="otter-node-2", cluster="nowhere")
    assert problem.id == "registration-no-cluster"


def test_a_name_is_compared_as_a_whole_and_found_on_any_page(
    manager: Manager, world: World
) -> None:
    target = world.add_row("node_1")
    for number in range(25):
        world.add_row(f"node_1{number}")
        world.add_row(f"nodeX1{number}")
    assert value(registered(manager, world, name="node_1"), "nid") == str(target)


def test_two_rows_of_one_name_are_refused(manager: Manager, world: World) -> None:
    world.add_row(NAME)
    world.sql(
        f"INSERT INTO NODE (NAME, IP, PORT, PARAMETERS) VALUES ('{NAME}', 'other', 1, '{{}}')"
    )
    problem = refused(manager)
    assert problem.id == "registration-ambiguous"
    assert len(rows(world)) == 2


def test_a_fixed_nid_is_only_used_with_its_own_name(manager: Manager, world: World) -> None:
    others, ours = world.add_row("somebody-else"), world.add_row(NAME)
    before = rows(world)
    assert value(registered(manager, world, nid=str(ours)), "nid") == str(ours)
    stolen = refused(manager, nid=str(others), name="otter-node-7")
    assert stolen.id == "registration-nid"
    assert "somebody-else" in stolen.what
    assert refused(manager, nid=str(others)).id == "registration-nid"
    assert "no node 99999" in refused(manager, nid="99999", name="otter-node-7").what
    assert [row[:2] for row in rows(world)] == [row[:2] for row in before]
    assert rows(world)[0] == before[0]


def test_an_address_that_another_node_has_is_told(manager: Manager, world: World) -> None:
    """otter's insert does nothing then, and says that it went well."""
    registered(manager, world, address="shared.example")
    problem = refused(manager, name="otter-node-1", address="shared.example")
    assert problem.id == "registration-address"
    assert NAME in dict(problem.details)["expected"]
    assert len(rows(world)) == 1


def test_a_running_node_is_waited_for_and_never_edited(otter: Otter, manager: Manager) -> None:
    world = otter.world
    nid = world.add_row(NAME)
    node = world.node(nid, manager)
    manager.sees(nid)
    before = rows(world)
    said: list[str] = []

    def tell(progress: Progress) -> None:
        said.append(progress.detail)
        if len(said) == 2:
            assert rows(world) == before
            node.terminate()

    found = register(asked(manager, port="31000", servers=world.zookeeper), tell)
    assert "still started" in said[0]
    assert (value(found, "nid"), value(found, "node.port")) == (str(nid), "31000")


def test_a_node_that_goes_on_running_under_our_name_is_a_clear_end(
    otter: Otter, manager: Manager
) -> None:
    world = otter.world
    nid = world.add_row(NAME)
    world.node(nid, manager)
    manager.sees(nid)
    now = iter(range(0, 10_000, 5))
    with pytest.raises(ProblemsError) as found:
        register(asked(manager), ignore, clock=lambda: float(next(now)), sleep=lambda _: None)
    assert found.value.problems[0].id == "registration-in-use"
    assert found.value.exit_code == 69


def test_many_at_once_get_one_row_each(manager: Manager, world: World) -> None:
    names = [f"otter-node-{number}" for number in range(50)]
    found: dict[str, Registered] = {}
    errors: list[ProblemsError] = []

    def work(name: str) -> None:
        try:
            one = asked(manager, name=name, host=name, servers=world.zookeeper)
            found[name] = register(replace(one, at_most=120.0), ignore)
        except ProblemsError as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    listed = {row[1]: row[0] for row in rows(world)}
    assert listed == {name: value(one, "nid") for name, one in found.items()}
    assert len(set(listed.values())) == len(names)
    assert {json.loads(row[4])["zkCluster"]["serverList"][0] for row in rows(world)} == {
        world.zookeeper
    }


class Blind(Pages):
    """Pages of a manager whose list of ZooKeeper clusters we cannot read; `known` leaves its frame."""

    known = True

    def get(self, page: str, fields: Mapping[str, str] | None = None) -> Answer:
        answer = super().get(page, fields)
        if "clusters_list" not in page:
            return answer
        frame = '<a href="addZookeeper.htm">add</a>' if self.known else "<p>another list</p>"
        return Answer(200, frame, "")


def clusters_made(world: World) -> int:
    return len(world.sql("SELECT ID FROM AUTOKEEPER_CLUSTER"))


@pytest.mark.parametrize("known", [True, False])
def test_a_cluster_is_never_made_twice_where_the_list_cannot_be_read(
    manager: Manager, world: World, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    monkeypatch.setattr(Blind, "known", known)
    monkeypatch.setattr(integration, "Pages", Blind)
    for _ in range(3):
        problem = refused(manager, servers=world.zookeeper)
        assert problem.id == "registration-not-understood"
        assert "clusters_list" in dict(problem.details)["where"]
        assert clusters_made(world) == int(known)
    assert rows(world) == []


def test_a_cluster_that_was_made_and_is_not_listed_is_the_end_at_once(
    manager: Manager, world: World
) -> None:
    wish = Wish.of(asked(manager, servers=world.zookeeper))
    with pytest.raises(ProblemsError) as found:
        attempt(wish, Blind(wish.url))
    assert "just created" in found.value.problems[0].what
    assert clusters_made(world) == 1


def test_a_page_that_is_not_understood_counts_from_when_it_is_there(manager: Manager) -> None:
    """The manager was away for a while: that makes it neither fewer attempts nor more."""
    answers = iter([*["down"] * 5, *["strange"] * 100])
    asked_for: list[str] = []

    class Slow(Pages):
        def post(self, page: str, fields: Mapping[str, str]) -> Answer:
            asked_for.append(next(answers))
            if asked_for[-1] == "down":
                raise TryAgainError("refused")
            return Answer(200, "<html>nginx</html>", "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(integration, "Pages", Slow)
        assert refused(manager).id == "registration-not-understood"
    assert asked_for == ["down"] * 5 + ["strange"] * 3


class InterruptedHereError(Exception):
    """The process was killed here."""


class Fragile(Pages):
    """Pages that die before or after their n-th request."""

    def __init__(self, url: str, at: int, after: bool) -> None:
        super().__init__(url)
        self.left = at
        self.after = after

    def _ask(self, method: str, page: str, body: bytes, kind: str) -> Answer:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise InterruptedHereError
        answer = super()._ask(method, page, body, kind)
        if self.left == 0:
            raise InterruptedHereError
        return answer


def test_an_interruption_at_any_request_leaves_nothing_behind_that_matters(
    manager: Manager, world: World
) -> None:
    """Killed after every request in turn, and started anew: one row, one nid, one cluster, always."""
    seen: set[str] = set()
    for port in ("2088", "30100", "30200"):
        wish = Wish.of(asked(manager, servers=world.zookeeper, port=port))
        at = 0
        while True:
            at += 1
            try:
                attempt(wish, Fragile(wish.url, at, after=True))
                break
            except InterruptedHereError:
                assert len(rows(world)) <= 1
        found = attempt(wish, Pages(wish.url))
        assert at > 3
        ((nid, _, _, row_port, _),) = rows(world)
        assert (value(found, "nid"), row_port) == (nid, port)
        seen.add(nid)
        assert len(world.sql("SELECT ID FROM AUTOKEEPER_CLUSTER")) == 1
    assert len(seen) == 1


def test_interruptions_at_random_among_several_nodes(manager: Manager, world: World) -> None:
    chance = random.Random(20261124)
    wishes = [
        Wish.of(asked(manager, name=f"otter-node-{n}", host=f"otter-node-{n}-0", servers=world.zookeeper))
        for n in range(6)
    ]  # fmt: skip
    nids: dict[str, str] = {}
    for _ in range(40):
        wish = chance.choice(wishes)
        try:
            pages = Fragile(wish.url, chance.randint(1, 12), after=chance.random() < 0.7)
            found = attempt(wish, pages)
        except InterruptedHereError:
            continue
        nid = value(found, "nid")
        assert nids.setdefault(wish.name, nid) == nid
    for wish in wishes:
        nid = value(attempt(wish, Pages(wish.url)), "nid")
        assert nids.setdefault(wish.name, nid) == nid
    assert {row[1]: row[0] for row in rows(world)} == nids


def attempt(wish: Wish, pages: Pages) -> Registered:
    return integration.attempt(wish, pages, lambda _: None)


def test_a_wrong_password_ends_it_at_once_and_is_not_told(manager: Manager) -> None:
    problem = refused(manager, password="hunter2-hunter2")
    assert problem.id == "registration-login"
    assert problem.exit_code == 78
    assert "hunter2" not in repr(problem)


def test_what_the_manager_says_of_a_bad_form_is_passed_on(manager: Manager, world: World) -> None:
    problem = refused(manager, servers=world.zookeeper, address="not_a_host!")
    assert problem.id == "registration-refused"
    assert "hostname" in dict(problem.details)["says"]
    assert rows(world) == []


def test_a_token_that_was_used_up_is_a_reason_to_try_again(manager: Manager, world: World) -> None:
    wish = Wish.of(asked(manager, servers=world.zookeeper))
    attempt(wish, Pages(wish.url))

    class Stale(Pages):
        def post_multipart(self, page: str, fields: Mapping[str, str]) -> Answer:
            return super().post_multipart(page, {**fields, "_csrf_token": "made-up"})

    with pytest.raises(TryAgainError, match="token"):
        attempt(Wish.of(asked(manager, port="31000")), Stale(wish.url))


def test_a_manager_that_is_down_and_comes(world: World) -> None:
    port = free_port()
    started: list[Manager] = []
    said: list[str] = []

    def tell(progress: Progress) -> None:
        said.append(progress.detail)
        if not started:
            started.append(world.manager(settings={"otter.port": str(port)}))

    one = asked(port, servers=world.zookeeper)
    assert value(register(one, tell), "nid")
    assert "refused" in said[0]


def test_a_manager_without_its_database_is_waited_for(otter: Otter, manager: Manager) -> None:
    world = otter.world
    world.sql("RENAME TABLE NODE TO NODE_AWAY")
    said: list[str] = []

    def tell(progress: Progress) -> None:
        said.append(progress.detail)
        if len(said) == 1:
            world.sql("RENAME TABLE NODE_AWAY TO NODE")

    one = asked(manager, servers=world.zookeeper)
    assert value(register(one, tell), "nid")
    assert "500" in said[0]


def test_a_name_that_otter_would_refuse_is_refused_before(manager: Manager) -> None:
    assert refused(manager, name="abc").id == "registration-name"
    assert refused(manager, name="a" * 65).id == "registration-name"


# ---- channels ----


def at(world: World, manager: Manager, nid: int, **more: str) -> Wish:
    return Wish.of(asked(manager, nid=str(nid), servers=world.zookeeper, **more))


def memory(wish: Wish) -> dict[str, object]:
    kept = Kept(parse_servers(wish.servers), timeout_ms=4000)
    data = kept.read(otter_channels.MEMORY + wish.nid, Deadline(5))
    kept.close(Deadline(5))
    found = json.loads(data or b"{}")
    assert isinstance(found, dict)
    return found


def remembered(wish: Wish) -> set[int]:
    """Return the channels that are remembered; the tests' other worlds have theirs in this ZooKeeper too."""
    found = memory(wish)["channels"]
    assert isinstance(found, list)
    return set(found)


def test_what_is_remembered_lasts_until_it_has_been_seen_to(manager: Manager, world: World) -> None:
    nid = world.add_row(NAME)
    wish = at(world, manager, nid)
    runs, failed = world.add_channel(nid, "runs"), world.add_channel(nid, "fails")
    world.set_state(runs, "START")
    world.set_state(failed, "PAUSE")
    assert str(runs) in otter_channels.remember(wish)
    assert runs in remembered(wish) and failed not in remembered(wish)
    assert memory(wish)["settled"] is False
    world.set_state(runs, "PAUSE")
    otter_channels.remember(wish)
    assert runs in remembered(wish), "it still is to be resumed"

    world.node(nid, manager)
    manager.sees(nid)
    assert otter_channels.resume(wish) == f"resumed channels: {runs}"
    assert world.channel_state(runs) == "START"
    assert world.channel_state(failed) == "PAUSE"
    assert memory(wish)["settled"] is True
    assert runs in remembered(wish) and failed not in remembered(wish)
    world.set_state(runs, "PAUSE")
    otter_channels.remember(wish)
    assert runs not in remembered(wish), "it failed by itself, after it was resumed"


def test_what_a_lost_session_paused_is_still_to_be_resumed(
    manager: Manager, world: World, brief_zookeeper: ZooKeeper
) -> None:
    nid = world.add_row(NAME)
    wish, channel = at(world, manager, nid), world.add_channel(nid)
    world.node(nid, manager)
    manager.sees(nid)
    world.set_state(channel, "START")
    otter_channels.resume(wish)
    assert (channel in remembered(wish), memory(wish)["settled"]) == (True, True)
    with brief_zookeeper.client() as client:
        client.delete(f"/otter/node/{nid}")
    world.set_state(channel, "PAUSE")
    otter_channels.remember(wish)
    assert channel in remembered(wish)


def test_nothing_at_the_stop_needs_the_manager_nor_that_it_reaches_the_node(world: World) -> None:
    """Its page about a node asks the node by JMX, at an address that may be the one of the pod before."""
    manager = world.manager()
    nid = world.add_row(NAME)
    wish, channel = at(world, manager, nid), world.add_channel(nid)
    world.node(nid, manager)
    manager.sees(nid)
    world.sql(
        f"UPDATE NODE SET PARAMETERS = REPLACE(PARAMETERS, 'mbeanPort', 'other') WHERE ID = {nid}"
    )
    assert manager.browser.get(f"nodeInfo.htm?nodeId={nid}").status == 500
    world.set_state(channel, "START")
    manager.signal(signal.SIGSTOP)
    try:
        otter_channels.remember(wish)
    finally:
        manager.signal(signal.SIGCONT)
    world.set_state(channel, "PAUSE")
    assert otter_channels.resume(wish) == f"resumed channels: {channel}"


def test_a_chroot_is_in_front_of_all_that_is_kept(world: World) -> None:
    inside = Kept(parse_servers(f"{world.zookeeper}/apart/{world.database}"), timeout_ms=4000)
    assert inside.children("/a", Deadline(5)) == ()
    for name in ("first", "second", "名"):
        inside.write(f"/a/{name}", name.encode(), Deadline(5))
    assert set(inside.children("/a", Deadline(5))) == {"first", "second", "名"}
    inside.close(Deadline(5))
    outside = Kept(parse_servers(world.zookeeper), timeout_ms=4000)
    assert outside.read(f"/apart/{world.database}/a/first", Deadline(5)) == b"first"
    assert outside.read("/a/first", Deadline(5)) is None
    outside.close(Deadline(5))


def test_channels_of_other_nodes_are_left_to_them(manager: Manager, world: World) -> None:
    nid, other = world.add_row(NAME), world.add_row("otter-node-1")
    wish = at(world, manager, nid)
    ours, theirs = world.add_channel(nid, "ours"), world.add_channel(other, "theirs")
    second = "INSERT INTO PIPELINE (NAME, CHANNEL_ID) VALUES ('and back', {0});"
    world.sql(second.format(ours) + second.format(theirs))
    for number in (ours, theirs):
        world.set_state(number, "START")
    otter_channels.remember(wish)
    for number in (ours, theirs):
        world.set_state(number, "PAUSE")
    for node in (nid, other):
        world.node(node, manager)
        manager.sees(node)
    assert otter_channels.resume(wish) == f"resumed channels: {ours}"
    assert world.channel_state(theirs) == "PAUSE"
    assert theirs not in remembered(wish)


def test_a_manager_that_is_away_when_we_are_back_is_asked_again(world: World) -> None:
    manager = world.manager()
    nid = world.add_row(NAME)
    wish, channel = at(world, manager, nid), world.add_channel(nid)
    world.set_state(channel, "START")
    otter_channels.remember(wish)
    world.set_state(channel, "PAUSE")
    world.node(nid, manager)
    manager.kill()
    rounds: list[float] = []

    def sleep(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 2:
            settings = {
                "otter.port": str(manager.port),
                "otter.communication.manager.port": str(manager.rpc_port),
            }
            world.manager(settings=settings).sees(nid)

    assert otter_channels.resume(wish, sleep=sleep) == f"resumed channels: {channel}"
    assert len(rounds) >= 2


def test_a_manager_that_stays_away_is_named_and_nothing_is_forgotten(world: World) -> None:
    manager = world.manager()
    nid = world.add_row(NAME)
    wish, channel = at(world, manager, nid), world.add_channel(nid)
    world.set_state(channel, "START")
    otter_channels.remember(wish)
    world.set_state(channel, "PAUSE")
    manager.kill()
    now = iter(range(0, 10_000, 40))
    said = otter_channels.resume(wish, clock=lambda: float(next(now)), sleep=lambda _: None)
    assert said == f"resumed channels: none; still paused: {channel} (refused)"
    assert channel in remembered(wish)


def test_a_channel_is_not_started_before_the_page_offers_it(manager: Manager, world: World) -> None:
    """Its other node is away: we look until our time is over, and keep it in mind."""
    nid, other = world.add_row(NAME), world.add_row("otter-node-1")
    wish = at(world, manager, nid)
    channel = world.add_channel(nid)
    world.sql(
        "INSERT INTO PIPELINE_NODE_RELATION (NODE_ID, PIPELINE_ID, LOCATION) SELECT"
        f" {other}, ID, 'LOAD' FROM PIPELINE WHERE CHANNEL_ID = {channel}"
    )
    world.set_state(channel, "START")
    otter_channels.remember(wish)
    world.set_state(channel, "PAUSE")
    world.node(nid, manager)
    manager.sees(nid)
    now = iter(range(0, 10_000, 40))
    said = otter_channels.resume(wish, clock=lambda: float(next(now)), sleep=lambda _: None)
    assert said == f"resumed channels: none; still paused: {channel}"
    assert channel in remembered(wish)
    world.node(other, manager)
    manager.sees(other)
    assert otter_channels.resume(wish) == f"resumed channels: {channel}"


def test_nothing_remembered_is_nothing_to_do(manager: Manager, world: World) -> None:
    nid = world.add_row(NAME)
    assert otter_channels.resume(at(world, manager, nid)) == "resumed channels: none"
    nowhere = Wish.of(asked(manager, nid=str(nid)))
    assert "no place to remember" in otter_channels.resume(nowhere)
    assert "no place to remember" in otter_channels.remember(nowhere)
    away = Wish.of(asked(manager, nid=str(nid), servers=f"{LOOPBACK}:{free_port()}"))
    with pytest.raises(TryAgainError, match="ZooKeeper"):
        otter_channels.resume(away)


def test_memory_that_is_no_memory_is_none(manager: Manager, world: World) -> None:
    nid = world.add_row(NAME)
    wish = at(world, manager, nid)
    for data in (b"", b"{", b"[]", b'{"channels": 7}', b'{"channels": ["x"]}', b"\xff\xfe"):
        kept = Kept(parse_servers(wish.servers), timeout_ms=4000)
        kept.write(otter_channels.MEMORY + wish.nid, data, Deadline(5))
        kept.close(Deadline(5))
        assert otter_channels.resume(wish) == "resumed channels: none"
