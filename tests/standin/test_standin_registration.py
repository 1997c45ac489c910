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
    assert "重复" in second.text
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


def test_past_its_end_the_list_shows_its_last_page_again(world: World) -> None:
    browser = world.manager().browser
    for number in range(12):
        world.add_row(f"node_{number}")
    last = browser.get("node_list.htm?pageIndex=2").text
    assert browser.get("node_list.htm?pageIndex=99").text == last
    assert browser.get("node_list.htm?pageIndex=0").text != last


def test_a_name_or_an_address_that_is_taken_inserts_nothing_and_says_nothing(world: World) -> None:
    """otter's insert has a condition of its own; its form only looks for name and ip together."""
    browser = world.manager().browser
    browser.log_in()
    add_cluster(browser, world.zookeeper)
    assert add_node(browser, "node-a").location == "node_list.htm"
    assert add_node(browser, "node-a", ip="other.svc").location == "node_list.htm"
    assert add_node(browser, "node-b").location == "node_list.htm"
    assert len(world.sql("SELECT ID FROM NODE")) == 1


def test_a_node_is_edited_by_its_form_and_not_while_it_runs(world: World) -> None:
    manager = world.manager()
    browser = manager.browser
    browser.log_in()
    add_cluster(browser, world.zookeeper)
    nid = world.add_row("node-a")
    other = world.add_row("node-b")
    page = f"editNode.htm?nodeId={nid}"
    form = browser.get(page).text
    assert 'name="_fm.n._0.n" value="node-a"' in form
    fields = {"_fm.n._0.id": str(nid), "event_submit_do_edit": "1"}
    assert add_node(browser, "node-a", "made-up", **fields).location == "error.htm"
    token = browser.token(page)
    assert add_node(browser, "node-c", token, **fields).location == "nodeList.htm"
    assert world.sql(f"SELECT NAME, IP FROM NODE WHERE ID = {nid}") == [
        ("node-c", "node-0.nodes.svc")
    ]
    world.sql(f"UPDATE NODE SET IP = 'node-0.nodes.svc' WHERE ID = {other}")
    twice = add_node(browser, "node-b", browser.token(page), **fields)
    assert twice.status == 200 and "重复" in twice.text
    bad = add_node(browser, "abc", browser.token(page), **fields)
    assert bad.status == 200 and "4" in bad.text

    running = world.add_row("node-d")
    world.node(running, manager)
    manager.sees(running)
    assert browser.get(f"editNode.htm?nodeId={running}").location == "forbidden.htm"
    assert browser.get("editNode.htm?nodeId=999999").status == 500


def test_a_node_is_removed_only_when_nothing_needs_it(world: World) -> None:
    browser = world.manager().browser
    nid, used = world.add_row("node-a"), world.add_row("node-b")
    world.add_channel(used)
    link = "nodeList.htm?action=nodeAction&eventSubmitDoDelete=true&nodeId="
    assert browser.get(f"{link}{nid}").location == "login.htm"
    browser.log_in()
    assert browser.get(f"{link}{nid}").location == "nodeList.htm"
    assert browser.get(f"{link}{used}").location == "forbidden.htm"
    assert world.sql("SELECT ID FROM NODE") == [(str(used),)]


def test_the_page_of_a_node_shows_its_channels_and_needs_jmx_while_it_runs(world: World) -> None:
    manager = world.manager()
    nid = world.add_row("node-a")
    channel = world.add_channel(nid)
    world.set_state(channel, "PAUSE")
    page = f"nodeInfo.htm?nodeId={nid}"
    assert f"channelId={channel}" in manager.browser.get(page).text
    assert "挂起" in manager.browser.get(page).text
    world.node(nid, manager)
    manager.sees(nid)
    assert manager.browser.get(page).status == 200
    world.sql(
        f"UPDATE NODE SET PARAMETERS = REPLACE(PARAMETERS, 'mbeanPort', 'other') WHERE ID = {nid}"
    )
    assert manager.browser.get(page).status == 500


def test_the_pages_of_pipelines_tell_a_channels_nodes_without_jmx(world: World) -> None:
    manager = world.manager()
    nid = world.add_row("node-a")
    channel = world.add_channel(nid)
    world.sql(f"INSERT INTO PIPELINE (NAME, CHANNEL_ID) VALUES ('and back', {channel})")
    first, second = (
        row[0] for row in world.sql(f"SELECT ID FROM PIPELINE WHERE CHANNEL_ID = {channel}")
    )
    listed = manager.browser.get(f"pipeline_list.htm?channelId={channel}").text
    assert f"pipelineInfo.htm?pipelineId={first}" in listed
    assert f"pipelineInfo.htm?pipelineId={second}" in listed
    assert listed.count("<tr>") == 1, "otter forgets to begin the second row"
    one = manager.browser.get(f"pipelineInfo.htm?pipelineId={first}").text
    assert f"nodeInfo.htm?nodeId={nid}" in one
    assert "nodeInfo" not in manager.browser.get(f"pipelineInfo.htm?pipelineId={second}").text


def test_a_channel_offers_a_start_when_its_nodes_are_there(world: World) -> None:
    manager = world.manager()
    nid = world.add_row("node-a")
    channel = world.add_channel(nid)
    world.set_state(channel, "PAUSE")
    page = f"channelList.htm?channelId={channel}"
    assert "status=start" not in manager.browser.get(page).text
    world.node(nid, manager)
    manager.sees(nid)
    assert "解挂" in manager.browser.get(page).text
    world.set_state(channel, "START")
    assert "status=start" not in manager.browser.get(page).text
    assert "status=stop" in manager.browser.get(page).text


def add_node(
    browser: Browser, name: str, token: str = "", ip: str = "node-0.nodes.svc", **more: str
) -> Answer:
    fields = {
        "action": "node_action",
        **({} if more else {"event_submit_do_add": "1"}),
        **more,
        "_csrf_token": token or browser.token("addNode.htm"),
        "_fm.n._0.n": name,
        "_fm.n._0.ip": ip,
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
