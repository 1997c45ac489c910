"""What otter's pages say, as values: rows as the real templates make them."""

from __future__ import annotations

from entrypoint.integrations.html import parse
from entrypoint.integrations.otter import Wish
from entrypoint.integrations.otter_rows import (
    Channel,
    Cluster,
    Row,
    channel,
    cluster_for,
    clusters,
    nodes,
    nodes_of_pipeline,
    pipelines,
    wanted_fields,
)

NODES = """<table><tr><th>序号</th></tr>
<tr><td width="4%">12</td><td><div class="bubbleInfo">
<a href="node_info.htm?nodeId=12" class="trigger">otter-1</a>
<div class="popup"><div>about it</div></div></div></td><td>203.0.113.9 (外)</td><td>2088</td>
<td> 已启动 </td><td><a href="#">查看</a></td></tr>
<tr><td>3</td><td><a href="x">other</a></td><td> host.svc </td><td>30100</td>
<td> <font color="#FF0000">未启动</font> </td><td></td></tr>
<tr><td>no number</td><td>x</td><td>y</td><td>1</td><td>z</td></tr></table>"""


def test_nodes_have_their_name_address_port_and_state() -> None:
    assert nodes(parse(NODES)) == [
        Row(12, "otter-1", "203.0.113.9", 2088, True),
        Row(3, "other", "host.svc", 30100, False),
    ]


CLUSTERS = """<table><tr><td>2</td><td><a href="d">near</a></td><td>[zk1:2181,zk2:2181, zk3:2181]</td></tr>
<tr><td>1</td><td>far</td><td>[far.example:2181]</td></tr></table>"""


def test_a_cluster_is_found_by_name_then_by_servers_the_oldest_first() -> None:
    found = clusters(parse(CLUSTERS))
    near = Cluster(2, "near", frozenset({"zk1:2181", "zk2:2181", "zk3:2181"}))
    assert found[0] == near
    assert cluster_for(found, "near", "") == near
    assert cluster_for(found, "", "zk3:2181,zk2:2181;zk1:2181/chroot") == near
    assert cluster_for(found, "", "zk1:2181") is None
    assert cluster_for(found, "nowhere", "far.example:2181") is None
    oldest = cluster_for(found, "", "")
    assert oldest is not None and oldest.number == 1
    twice = [*found, Cluster(9, "near", near.servers)]
    assert cluster_for(twice, "near", "") == near


# As otter's template makes it: only the first pipeline begins a row; links may have the manager's address.
PIPELINES = """<div><a href="pipelineList.htm?channelId=9">x</a></div><table><tr>
<td>5</td><td><a href="dataMediaPairList.htm?pipelineId=5">there</a></td>
<td><a href="http://otter.example:8080/pipeline_info.htm?pipelineId=5">x</a>
<a href="http://otter.example:8080/alarm_rule_list.htm?pipelineId=7&amp;channelId=9">y</a></td></tr>
<td>6</td><td><a href="dataMediaPairList.htm?pipelineId=6">and back</a></td>
<td><a href="http://otter.example:8080/pipelineInfo.htm?a=1&amp;pipelineId=6">x</a></td></tr></table>"""
PIPELINE = """<table><tr><th>Select</th><td> <a href="nodeInfo.htm?nodeId=12">a</a>;
<a href="nodeInfo.htm?nodeId=3">b</a>;</td></tr>
<tr><th>Load</th><td> <a href="nodeInfo.htm?nodeId=3">b</a>; </td></tr>
<tr><td><a href="canalList.htm?searchKey=nodeId=4">canal</a></td></tr></table>"""


def test_a_channel_has_its_pipelines_and_a_pipeline_its_nodes() -> None:
    assert pipelines(parse(PIPELINES)) == [5, 6]
    assert nodes_of_pipeline(parse(PIPELINE)) == [12, 3]
    assert pipelines(parse(PIPELINE)) == nodes_of_pipeline(parse(PIPELINES)) == []


def test_a_channel_can_be_started_where_the_page_offers_it() -> None:
    row = """<tr><td>6</td><td><a href="p?channelId=6">c</a></td>
    <td> <a href="" style="color:red">挂起</a></td>
    <td>单向</td><td>{}</td></tr>"""
    start = """<a href="javascript:if(confirm('?'))location='c.htm?channelId=6&amp;status=start'">解挂</a>"""
    stop = """<a href="javascript:location='c.htm?channelId=6&amp;status=stop'">停用</a>"""
    assert channel(parse(row.format(stop + start)), 6) == Channel(6, "PAUSE", True)
    assert channel(parse(row.format(stop)), 6) == Channel(6, "PAUSE", False)
    assert channel(parse(row.format(stop)), 7) is None


def test_what_was_given_goes_over_the_form_and_a_new_node_gets_defaults() -> None:
    wish = Wish(url="", user="", password="", name="otter-1", host="pod-1", external="203.0.113.9")
    form = parse(
        '<input name="_fm.n._0.n" value="old"/><input name="_fm.n._0.ip" value="a"/>'
        '<input name="_fm.n._0.p" value="1"/><input name="other" value="kept"/>'
    ).form
    changed = wanted_fields(form, wish, None)
    assert changed == {
        "_fm.n._0.n": "otter-1", "_fm.n._0.ip": "a", "_fm.n._0.p": "1", "other": "kept",
        "_fm.no._0.e": "203.0.113.9", "_fm.no._0.u": "true",
    }  # fmt: skip
    new = wanted_fields(form, wish, Cluster(4, "zk", frozenset()), new=True)
    assert (new["_fm.n._0.ip"], new["_fm.n._0.p"], new["_fm.no._0.a"]) == ("pod-1", "2088", "4")
