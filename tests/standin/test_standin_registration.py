"""A node is registered by the manager's own pages, with otter's field names."""

from __future__ import annotations

from standin.browser import Answer, Browser
from standin.world import World


def test_registration_by_the_pages(world: World) -> None:
    browser = world.manager().browser
    assert browser.get("addNode.htm").location == "login.htm"
    assert browser.log_in(password="wrong").status == 200
    assert browser.get("addNode.htm").location == "login.htm"
    assert browser.log_in().location == "channel_list.htm"
    # a ZooKeeper cluster comes first
    assert browser.get("addNode.htm").location == "addZookeeper.htm"
    assert add_cluster(browser, world.zookeeper) == 302
    assert add_node(browser, "node-a").location == "node_list.htm"
    name, ip, port, parameters = world.sql("SELECT NAME, IP, PORT, PARAMETERS FROM NODE")[0]
    assert (name, ip, port) == ("node-a", "node-0.nodes.svc", "2088")
    assert f'"serverList":["{world.zookeeper}"]' in parameters
    assert '"downloadPort":2089,"mbeanPort":2090,"useExternalIp":false' in parameters


def test_a_registration_that_is_refused_shows_the_form_again(world: World) -> None:
    browser = world.manager().browser
    browser.log_in()
    add_cluster(browser, world.zookeeper)
    assert add_node(browser, "abc").status == 200
    assert add_node(browser, "node-a").status == 302
    second = add_node(browser, "node-a")
    assert second.status == 200
    assert "exists already" in second.text
    assert len(world.sql("SELECT ID FROM NODE")) == 1


def test_a_form_needs_a_fresh_token(world: World) -> None:
    browser = world.manager().browser
    browser.log_in()
    add_cluster(browser, world.zookeeper)
    token = browser.token("addNode.htm")
    assert add_node(browser, "node-a", token).location == "node_list.htm"
    assert add_node(browser, "node-b", token).location == "error.htm"
    assert add_node(browser, "node-b", "made-up").location == "error.htm"


def test_the_list_shows_ten_nodes_and_finds_the_others(world: World) -> None:
    browser = world.manager().browser
    for number in range(12):
        world.add_row(f"node_{number}")
    assert browser.get("node_list.htm").text.count("<tr>") == 10
    assert browser.get("node_list.htm?pageIndex=2").text.count("<tr>") == 2
    assert "node_0<" not in browser.get("node_list.htm").text
    assert "node_0<" in browser.get("node_list.htm?searchKey=node_0").text
    assert "<tr>" not in browser.get("node_list.htm?searchKey=nodeX0").text


def add_node(browser: Browser, name: str, token: str = "") -> Answer:
    fields = {
        "action": "node_action",
        "event_submit_do_add": "1",
        "_csrf_token": token or browser.token("addNode.htm"),
        "_fm.n._0.n": name,
        "_fm.n._0.ip": "node-0.nodes.svc",
        "_fm.n._0.p": "2088",
        "_fm.n._0.d": "第一",
        "_fm.no._0.d": "2089",
        "_fm.no._0.m": "",
        "_fm.no._0.e": "",
        "_fm.no._0.u": "false",
        "_fm.no._0.a": "1",
    }
    return browser.post_multipart("addNode.htm", fields)


def add_cluster(browser: Browser, zookeeper: str) -> int:
    fields = {
        "action": "auto_keeper_cluster_action",
        "event_submit_do_add": "1",
        "_csrf_token": browser.token("addZookeeper.htm"),
        "_fm.a._0.c": "zk1",
        "_fm.a._0.z": f"{zookeeper};",
        "_fm.a._0.d": "",
    }
    return browser.post_multipart("addZookeeper.htm", fields).status
