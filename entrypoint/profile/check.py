"""Does a document fit the grammar, and do its references lead somewhere?

Here: walking a node tree beside the grammar; every misfit becomes a Problem with its file and line.
Rules that the grammar's table cannot say are in `rules`. Pure.
"""

from __future__ import annotations

from entrypoint.errors import Problem
from entrypoint.profile.grammar import OWN_REFERENCES
from entrypoint.profile.kinds import KINDS
from entrypoint.profile.nodes import ListNode, MapNode, Scalar, flag, text
from entrypoint.profile.references import names
from entrypoint.profile.shapes import Keyed, Leaf, Listed, Named, TextOr
from entrypoint.profile.spelling import MAX_WORD, closest, listed
from entrypoint.profile.yaml_nodes import MAX_PROBLEMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from entrypoint.profile.nodes import Node
    from entrypoint.profile.schema import Place
    from entrypoint.profile.shapes import Shape

_SYNONYMS = {
    "string": "text",
    "str": "text",
    "integer": "int",
    "number": "int",
    "boolean": "bool",
    "enum": "choice",
    "time": "duration",
    "ready": "readiness",
    "live": "liveness",
    "start": "startup",
}
"""What other tools call it."""

_TYPES = {"duration": ("duration",), "size": ("size",), "percent": ("percent", "int")}
"""For kinds of scalars that are numbers: the types of settings that they may refer to."""


class Check:
    """Walks a document; `settings` are what references may name.

    Without `settings` the document is one of several and is looked at alone: references and missing keys
    are not judged.
    """

    def __init__(
        self,
        settings: Mapping[str, Node] | None = None,
        removed: Mapping[tuple[str, ...], Place] | None = None,
    ) -> None:
        self.alone = settings is None
        self.settings = settings or {}
        self.removed = removed or {}
        self.problems: list[Problem] = []

    def walk(self, node: Node, shape: Shape, path: str = "") -> None:
        """Add a problem for everything in the tree that does not fit the shape."""
        if isinstance(shape, TextOr):
            shape = shape.leaf if isinstance(node, Scalar) else shape.longer
        match shape:
            case Leaf():
                self._leaf(node, shape, path)
            case Listed():
                if isinstance(node, ListNode):
                    for number, item in enumerate(node.items, start=1):
                        self.walk(item, shape.item, f"{path}[{number}]")
                else:
                    self._wrong_form(node, path, "a list")
            case Named():
                if isinstance(node, MapNode):
                    self._named(node, shape, path)
                else:
                    self._wrong_form(node, path, "a mapping")
            case Keyed():
                if isinstance(node, MapNode):
                    self._keyed(node, shape, path)
                else:
                    self._wrong_form(node, path, "a mapping")

    def _named(self, node: MapNode, shape: Named, path: str) -> None:
        kind = KINDS[shape.key.kind]
        for name, entry in node.entries.items():
            if not kind.accepts(name, True):
                self._add(
                    "profile-invalid-value",
                    f"{_quoted(name)} cannot be a name in {path}",
                    entry.place,
                    ("expected", kind.expected),
                )
            self.walk(entry, shape.entry, f"{path}.{name[:60]}")

    def _keyed(self, node: MapNode, shape: Keyed, path: str) -> None:
        unknown = False
        for name, entry in node.entries.items():
            field = shape.field(name)
            if field is None:
                unknown = True
                self._unknown_key(name, entry, shape, path)
            else:
                self.walk(entry, field.shape, f"{path}.{name}" if path else name)
        given = [name for name in shape.alternatives if name in node.entries]
        if len(given) > 1 and shape.needs_one:
            self._add(
                "profile-conflict",
                f"{path} has {_and(given)}, which exclude each other",
                node.entries[given[1]].place,
                ("expected", "one of " + ", ".join(shape.alternatives)),
                ("fix", "keep one of them"),
            )
        missing = [f.name for f in shape.fields if f.required and f.name not in node.entries]
        if unknown or self.alone:  # the misspelt key is likely the one that is missing
            return
        if shape.needs_one and not given:
            missing.insert(0, "one of " + ", ".join(shape.alternatives))
        for name in missing:
            self._add("profile-missing-key", f"{path} lacks {name}", node.place)

    def _unknown_key(self, name: str, entry: Node, shape: Keyed, path: str) -> None:
        known = [field.name for field in shape.fields]
        near = self._closest(name, known)
        hint = ("fix", f'did you mean "{near}"?') if near else ("expected", listed(known))
        where = f" in {path}" if path else ""
        self._add("profile-unknown-key", f"unknown key {_quoted(name)}{where}", entry.place, hint)

    def _leaf(self, node: Node, leaf: Leaf, path: str) -> None:
        kind = KINDS[leaf.kind]
        expected = listed(leaf.choices) if leaf.choices else kind.expected
        if not isinstance(node, Scalar):
            self._wrong_form(node, path, expected if not leaf.choices else "a text")
        elif node.is_null and self.alone:
            return
        elif node.is_null:
            self._add("profile-wrong-type", f"{path} is empty", node.place, ("expected", expected))
        elif leaf.choices and node.text not in leaf.choices:
            near = _meant(node.text[:MAX_WORD], leaf.choices)
            hint = (("fix", f'did you mean "{near}"?'),) if near else ()
            self._invalid(node, path, expected, *hint)
        elif not kind.accepts(node.text, node.plain):
            self._invalid(node, path, expected)
        elif kind.references == "setting":
            self._reference(node.text, node, path, ())
        elif kind.references:
            self._references(node, path, leaf.kind)

    def _references(self, node: Scalar, path: str, kind: str) -> None:
        try:
            found = names(node.text)
        except ValueError as error:
            self._add(
                "profile-invalid-value",
                f"{path} has {str(error).partition(':')[0]}",
                node.place,
                ("value", node.text[:200]),
                ("fix", str(error).partition(": ")[2]),
            )
            return
        for name in found:
            if name not in OWN_REFERENCES or name in self.settings:
                self._reference(name, node, path)
            setting = self.settings.get(name)
            if setting is not None and kind in _TYPES:
                self._typed_reference(name, setting, node, path, kind)
            if flag(setting, "secret") and KINDS[kind].references == "argv":
                self._add(
                    "profile-secret-in-command",
                    f"{path} would put the secret {_quoted(name)} on java's command line",
                    node.place,
                    ("expected", "no secret there: everybody can read /proc/<pid>/cmdline"),
                    ("fix", "write it into a file, or hand it over in `environment`"),
                )

    def _typed_reference(
        self, name: str, setting: Node, node: Scalar, path: str, kind: str
    ) -> None:
        """A duration with a unit is written as a bare number: it cannot be read back without it."""
        type_, unit = text(setting, "type") or "text", text(setting, "unit")
        if type_ not in _TYPES[kind]:
            flaw = f"has type {type_}"
        elif unit is not None:
            flaw = f"has unit {unit}"
        elif text(setting, "default") is None and not flag(setting, "required"):
            flaw = "may have no value"
        else:
            return
        self._add(
            "profile-conflict",
            f"{path} refers to {_quoted(name)}, which {flaw}",
            node.place,
            ("expected", f"a setting of type {_TYPES[kind][0]}, with a default and without a unit"),
        )

    def _reference(
        self, name: str, node: Scalar, path: str, own: tuple[str, ...] = OWN_REFERENCES
    ) -> None:
        if name in self.settings or self.alone:
            return
        gone = self.removed.get(("settings", name))
        near = self._closest(name, (*own, *self.settings))
        if gone is not None:
            hint = ("fix", f"it was taken away at {gone}: take this away too, or replace it")
        elif near:
            hint = ("fix", f'did you mean "{near}"?')
        else:
            hint = ("expected", ", ".join(("a setting of this profile", *own)))
        self._add(
            "profile-unknown-reference",
            f"{path} refers to {_quoted(name)}, which is no setting",
            node.place,
            hint,
        )

    def _closest(self, name: str, known: Collection[str]) -> str:
        """Return the word that was meant, for as many problems as will be told."""
        return closest(name, known) if len(self.problems) < MAX_PROBLEMS else ""

    def _invalid(self, node: Scalar, path: str, expected: str, *hint: tuple[str, str]) -> None:
        shown = node.text if node.plain else f'"{node.text}"'
        value = ("value", shown[:200])
        what = f"{path} has a wrong value"
        self._add("profile-invalid-value", what, node.place, value, ("expected", expected), *hint)

    def _wrong_form(self, node: Node, path: str, expected: str) -> None:
        if self.alone and _is_empty(node):
            return
        form = {Scalar: "a text", ListNode: "a list", MapNode: "a mapping"}[type(node)]
        what = f"{path} is empty" if _is_empty(node) else f"{path} is {form}"
        self._add("profile-wrong-type", what, node.place, ("expected", expected))

    def _add(self, id_: str, what: str, place: Place, *details: tuple[str, str]) -> None:
        self.problems.append(Problem(id_, what, (("where", str(place)), *details)))


def _meant(given: str, choices: Collection[str]) -> str:
    for word in (
        given.lower(),
        given.upper().removeprefix("SIG"),
        _SYNONYMS.get(given.lower(), ""),
    ):
        if word in choices:
            return word
    return closest(given, choices, 2)


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_null


def _quoted(name: str) -> str:
    return f'"{name[:60]}"' if name.isprintable() else repr(name[:60])


def _and(words: list[str]) -> str:
    return ", ".join(words[:-1]) + " and " + words[-1]
