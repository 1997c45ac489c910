"""A parsed document: texts, lists and mappings that know their line.

Here: the node records, and looking into them without caring for what is malformed. Pure; how YAML becomes
nodes is in `yaml_nodes`.
"""

from __future__ import annotations

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from entrypoint.profile.schema import Place

    Node: TypeAlias = "Scalar | ListNode | MapNode"

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@record
class Scalar:
    """A text as it was written; `plain` tells that it stood without quotes."""

    text: str
    plain: bool
    place: Place

    @property
    def is_null(self) -> bool:
        """Whether this is YAML's null: nothing, `~` or `null`, without quotes."""
        return self.plain and self.text in _NULLS


@record
class ListNode:
    """A list of nodes."""

    items: tuple[Node, ...]
    place: Place


@record
class MapNode:
    """A mapping from text to nodes; the place of each node is the line of its key."""

    entries: Mapping[str, Node]
    place: Place


def entries(node: Node | None, *path: str) -> dict[str, Node]:
    """Return the entries of the mapping at a path, or nothing where there is no mapping."""
    for key in path:
        node = node.entries.get(key) if isinstance(node, MapNode) else None
    return dict(node.entries) if isinstance(node, MapNode) else {}


def text(node: Node | None, key: str) -> str | None:
    """Return the text of a mapping's entry, or None where it has no such text."""
    found = node.entries.get(key) if isinstance(node, MapNode) else None
    return found.text if isinstance(found, Scalar) and not found.is_null else None


def flag(node: Node | None, key: str) -> bool:
    """Return whether a mapping's entry is true, in any of YAML's spellings."""
    return (text(node, key) or "").lower() in {"true", "yes", "on"}
