"""Overlay over profile: two node trees in, one out.

Here: mappings merge key by key, null takes an entry away, lists replace (or append, where the grammar
says so), and of alternatives the later file's choice stays. No meaning beyond that, no validation.
"""

from __future__ import annotations

from entrypoint.errors import Problem
from entrypoint.profile.nodes import ListNode, MapNode, Scalar
from entrypoint.profile.shapes import Keyed, Listed, Named, TextOr
from entrypoint.profile.spelling import closest
from entrypoint.profile.yaml_nodes import MAX_PROBLEMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.profile.nodes import Node
    from entrypoint.profile.schema import Place
    from entrypoint.profile.shapes import Shape


class Merge:
    """Merges documents in order; keeps what was removed, and the problems it came across."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.removed: dict[tuple[str, ...], Place] = {}

    def over(
        self, base: MapNode, overlay: MapNode, shape: Shape | None, path: tuple[str, ...] = ()
    ) -> MapNode:
        """Return `overlay` merged over `base`; the result keeps the place where it was first given."""
        entries = dict(base.entries)
        if isinstance(shape, Keyed):
            self._choose(entries, overlay, shape)
        for key, node in overlay.entries.items():
            inner = (*path, key)
            below = entries.get(key)
            known = not isinstance(shape, Keyed) or shape.field(key) is not None
            if known and isinstance(node, Scalar) and node.is_null:
                self._remove(entries, inner, node)
            else:
                self.removed.pop(inner, None)
                entries[key] = self._one(below, node, _inner_shape(shape, key), inner)
        return MapNode(entries, base.place)

    def _one(
        self, below: Node | None, node: Node, shape: Shape | None, path: tuple[str, ...]
    ) -> Node:
        if isinstance(below, MapNode) and isinstance(shape, Keyed | Named):
            if not isinstance(node, MapNode):
                self._wrong_form(path, node)
                return below
        elif isinstance(shape, TextOr):
            shape = shape.longer
        if isinstance(node, MapNode):
            empty = MapNode({}, node.place)
            return self.over(below if isinstance(below, MapNode) else empty, node, shape, path)
        appends = isinstance(shape, Listed) and shape.appends
        if appends and isinstance(node, ListNode) and isinstance(below, ListNode):
            return ListNode((*below.items, *node.items), below.place)
        return node

    def _choose(self, entries: dict[str, Node], overlay: MapNode, shape: Keyed) -> None:
        chosen = [
            name
            for name in shape.alternatives
            if not _is_null(overlay.entries.get(name)) and name in overlay.entries
        ]
        if not chosen:
            return
        for name in shape.alternatives:
            if name not in overlay.entries:
                entries.pop(name, None)

    def _wrong_form(self, path: tuple[str, ...], node: Node) -> None:
        """The mapping below stays, so that one mistake does not make everything else look wrong."""
        form = "a list" if isinstance(node, ListNode) else "a text"
        details = (("where", str(node.place)), ("expected", "a mapping"))
        self.problems.append(Problem("profile-wrong-type", f"{'.'.join(path)} is {form}", details))

    def _remove(self, entries: dict[str, Node], path: tuple[str, ...], node: Scalar) -> None:
        key = path[-1]
        if entries.pop(key, None) is not None:
            self.removed[path] = node.place
            return
        details = [("where", str(node.place))]
        near = closest(key, entries) if len(self.problems) < MAX_PROBLEMS else ""
        if near:
            details.append(("fix", f'did you mean "{near}"?'))
        else:
            details.append(("fix", "give it a value, or leave the line out"))
        what = f'"{".".join(path)}" is empty, and no file below has it'
        self.problems.append(Problem("profile-nothing-to-remove", what, tuple(details)))


def _inner_shape(shape: Shape | None, key: str) -> Shape | None:
    if isinstance(shape, Keyed):
        field = shape.field(key)
        return field.shape if field else None
    return shape.entry if isinstance(shape, Named) else None


def _is_null(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.is_null
