"""The ZooKeeper cluster that a node is registered with: one that the manager has, or a new one.

Its name is not unique and nothing stops a second row of the same servers, so it is created only where it is
sure that there is none.
"""

from __future__ import annotations

import random

from entrypoint.errors import ProblemsError
from entrypoint.integrations import otter_problems as problems
from entrypoint.integrations.otter_rows import cluster_for, clusters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from entrypoint.integrations.html import Form
    from entrypoint.integrations.otter import Wish
    from entrypoint.integrations.otter_pages import Pages
    from entrypoint.integrations.otter_rows import Cluster

LIST: Final = "auto_keeper_clusters_list.htm"
CHOICE: Final = "_fm.no._0.a"
JITTER: Final = 2.0
"""Seconds over which nodes that start together spread the creation of a cluster."""


def choose(
    pages: Pages, wish: Wish, form: Form, sleep: Callable[[float], object]
) -> Cluster | None:
    """Return the ZooKeeper cluster that the row is to have; None to leave the choice as it is."""
    if CHOICE in form.chosen and not wish.cluster:
        return None
    offered = frozenset(value for value, _ in form.options.get(CHOICE, ()))
    found = cluster_for(_clusters(pages, offered), wish.cluster, wish.servers)
    if found is None:
        found = create(pages, wish, sleep, offered)
    return found


def _clusters(pages: Pages, offered: frozenset[str] = frozenset()) -> list[Cluster]:
    """Return the ZooKeeper clusters: those that a node's form offers have to be among them.

    A list that we cannot read looks as one where ours is missing, and a name may be given twice: each
    attempt would create another.
    """
    answer = pages.get(LIST)
    found = clusters(answer.page)
    known = found or "addzookeeper" in answer.text.replace("_", "").lower()
    missing = offered - {str(one.number) for one in found}
    if answer.status != 200 or not known or missing:
        raise problems.not_understood(LIST, answer)
    return found


def create(
    pages: Pages,
    wish: Wish,
    sleep: Callable[[float], object],
    offered: frozenset[str] = frozenset(),
) -> Cluster:
    """Create the cluster, at most once: where the list does not show it after, that is the end."""
    if not wish.servers:
        raise ProblemsError(problems.no_cluster(wish.cluster))
    if not wish.name.endswith("-0"):
        sleep(random.random() * JITTER)  # noqa: S311 - no secret
    found = cluster_for(_clusters(pages, offered), wish.cluster, wish.servers)
    if found is not None:
        return found
    page = "addZookeeper.htm"
    form = pages.get(page)
    fields = dict(form.page.form.fields)
    if "_fm.a._0.c" not in fields:
        raise problems.not_understood(page, form)
    servers = wish.servers.partition("/")[0].replace(";", ",").strip(",")
    fields |= {"_fm.a._0.c": wish.cluster or "zookeeper", "_fm.a._0.z": f"{servers};"}
    problems.check_accepted(pages.post_multipart(page, fields), page)
    answer = pages.get(LIST)
    found = cluster_for(clusters(answer.page), wish.cluster, wish.servers)
    if found is None:
        raise ProblemsError(problems.not_in_the_list(LIST, fields["_fm.a._0.c"], answer))
    return found
