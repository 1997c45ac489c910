"""What otter's pages say of nodes, clusters and channels, and what a node's form is to hold. Pure.

Field names are otter's: `_fm.n._0.ip` is the group nodeInfo's field ip, shortened by its framework.
"""

from __future__ import annotations

import re

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from entrypoint.integrations.html import Cell, Form, Page
    from entrypoint.integrations.otter import Wish

NODE_FIELDS: Final = frozenset(
    {
        "_fm.n._0.n",
        "_fm.n._0.ip",
        "_fm.n._0.p",
        "_fm.n._0.d",
        "_fm.no._0.d",
        "_fm.no._0.m",
        "_fm.no._0.e",
        "_fm.no._0.u",
    }
)
STARTED: Final = "已启动"
STATES: Final = {"运行": "START", "挂起": "PAUSE", "停止": "STOP"}
DEFAULT_PORT: Final = "2088"
DESCRIPTION: Final = "registered by entrypoint"
_SERVER = re.compile(r"[A-Za-z0-9._-]+:\d{1,5}")


@record
class Row:
    """A node as the list shows it: `address` is the external one where that is to be used."""

    nid: int
    name: str
    address: str
    port: int
    started: bool


@record
class Cluster:
    """A ZooKeeper cluster that the manager knows."""

    number: int
    name: str
    servers: frozenset[str]


@record
class Channel:
    """A channel: its state is START, PAUSE or STOP; `offers_start` where the page has a link for it."""

    number: int
    state: str
    offers_start: bool = False


def _number(cells: tuple[Cell, ...]) -> int | None:
    text = cells[0].text if cells else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def nodes(page: Page) -> list[Row]:
    """Return the nodes of a list."""
    found = []
    for cells in page.rows:
        number = _number(cells)
        if number is None or len(cells) < 5 or not cells[3].text.isdecimal():
            continue
        address = cells[2].text.partition(" ")[0]
        name = cells[1].link or cells[1].text
        started = STARTED in cells[4].text
        found.append(Row(number, name, address, int(cells[3].text), started))
    return found


def clusters(page: Page) -> list[Cluster]:
    """Return the ZooKeeper clusters of a list."""
    found = []
    for cells in page.rows:
        number = _number(cells)
        if number is not None and len(cells) >= 3:
            servers = frozenset(_SERVER.findall(cells[2].text))
            found.append(Cluster(number, cells[1].link or cells[1].text, servers))
    return found


def cluster_for(found: list[Cluster], name: str, servers: str) -> Cluster | None:
    """Return the oldest cluster of that name, else of those servers; without either the oldest one.

    The oldest, so that nodes that created one at the same time agree.
    """
    oldest = sorted(found, key=lambda one: one.number)
    if name:
        return next((one for one in oldest if one.name == name), None)
    if servers:
        wanted = frozenset(_SERVER.findall(servers.partition("/")[0]))
        return next((one for one in oldest if one.servers == wanted), None)
    return oldest[0] if oldest else None


def pipelines(page: Page) -> list[int]:
    """Return the numbers of a channel's pipelines, from the list of them."""
    return _linked(page, "pipelineinfo", "pipelineid")


def nodes_of_pipeline(page: Page) -> list[int]:
    """Return the numbers of the nodes that a pipeline runs on, from the page about it."""
    return _linked(page, "nodeinfo", "nodeid")


def _linked(page: Page, target: str, key: str) -> list[int]:
    """Return the numbers that links to a page carry, in either of otter's spellings.

    By links, not by rows: otter's list of pipelines forgets to begin a row for the second one.
    """
    wanted = re.compile(rf"\b{target}\.htm\?(?:.*&)?{key}=(\d{{1,18}})")
    found: dict[int, None] = {}
    for cells in page.rows:
        for to in (one for cell in cells for one in cell.targets):
            link = wanted.search(to.replace("_", "").lower())
            if link:
                found[int(link[1])] = None
    return list(found)


def channel(page: Page, number: int) -> Channel | None:
    """Return one channel, from the list of channels."""
    for cells in page.rows:
        if _number(cells) != number or len(cells) < 3:
            continue
        state = next((STATES[word] for word in STATES if cells[2].text.startswith(word)), "")
        targets = [to for cell in cells for to in cell.targets]
        offers = any("status=start" in to for to in targets)
        return Channel(number, state, offers) if state else None
    return None


def wanted_fields(
    form: Form, wish: Wish, cluster: Cluster | None, *, new: bool = False
) -> dict[str, str]:
    """Return a node's form as it is to be sent: what was given, over what it holds.

    A new one also gets defaults. Ports that are not given follow the first one only in a new row.
    """
    fields = dict(form.fields)
    given = {
        "_fm.n._0.n": wish.name,
        "_fm.n._0.ip": wish.address or (wish.host if new else ""),
        "_fm.n._0.p": wish.port or (DEFAULT_PORT if new else ""),
        "_fm.n._0.d": DESCRIPTION if new else "",
        "_fm.no._0.d": wish.download_port,
        "_fm.no._0.m": wish.mbean_port,
        "_fm.no._0.e": wish.external,
        "_fm.no._0.u": "true" if wish.external else "",
    }
    fields |= {name: value for name, value in given.items() if value}
    if cluster is not None:
        fields["_fm.no._0.a"] = str(cluster.number)
    return fields
