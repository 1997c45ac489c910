"""YAML text to nodes that know their line: the only place that knows the yaml library.

Here: parsing with bounds, since a profile may come from anywhere. A scalar stays the text that was
written (`0600`, `3.10`, `no`), so that YAML's guesses about types cannot change it. Tags, anchors and
aliases are refused. What the nodes mean is not known here.
"""

from __future__ import annotations

from entrypoint.errors import Problem, ProblemsError
from entrypoint.imports.yaml_parser import load_parser
from entrypoint.profile.nodes import ListNode, MapNode, Scalar
from entrypoint.profile.schema import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

    from entrypoint.profile.nodes import Node

MAX_BYTES = 256 * 1024
MAX_NODES = 20_000
MAX_DEPTH = 32
MAX_PROBLEMS = 50
_STANDARD_TAGS = ("str", "int", "float", "bool", "null", "map", "seq", "timestamp")


class _Open:
    """A list or mapping whose end has not come yet."""

    def __init__(self, place: Place, is_map: bool) -> None:
        self.place = place
        self.is_map = is_map
        self.items: list[Node] = []
        self.entries: dict[str, Node] = {}
        self.key: Scalar | None = None
        self.awaits_value = False


def parse(name: str, text: str) -> tuple[MapNode, tuple[Problem, ...]]:
    """Return the one mapping that a YAML text holds, and what is wrong with its keys.

    `name` is how the file is shown. Raises ProblemsError where there is no such mapping to look at.
    """
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        raise ProblemsError(
            Problem(
                "profile-too-large",
                f"{name} is too large for a profile",
                (("where", name), ("expected", f"at most {MAX_BYTES // 1024} KiB")),
            )
        )
    composer = _Composer(name)
    for event in _events(name, text):
        composer.take(event)
    return composer.result()


class _Composer:
    """Builds nodes from parser events with its own stack: deep input cannot exhaust the C stack."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stack: list[_Open] = []
        self.documents: list[Node] = []
        self.problems: list[Problem] = []
        self.count = 0

    def take(self, event: Any) -> None:
        """Take one event of the parser; raises ProblemsError where input is refused outright."""
        kind = type(event).__name__
        if kind in {"StreamStartEvent", "StreamEndEvent", "DocumentStartEvent", "DocumentEndEvent"}:
            return
        if kind in {"SequenceEndEvent", "MappingEndEvent"}:
            self._close()
            return
        place = Place(self.name, event.start_mark.line + 1)
        self._guard(event, kind, place)
        if kind == "ScalarEvent":
            quoted = bool(event.style) or event.tag == "tag:yaml.org,2002:str"
            self._add(Scalar(event.value, not quoted, place))
        else:
            self.stack.append(_Open(self._place(place), kind == "MappingStartEvent"))

    def result(self) -> tuple[MapNode, tuple[Problem, ...]]:
        """Return the finished mapping and the problems of its keys."""
        expected = ("expected", "a mapping such as `profile: NAME`, `settings: …`, `java: …`")
        document = self.documents[0] if self.documents else None
        if document is None or (isinstance(document, Scalar) and document.is_null):
            where = ("where", f"{self.name}:1")
            self._refuse("profile-empty", f"{self.name} is empty", where, expected)
        if not isinstance(document, MapNode):
            form = "a list" if isinstance(document, ListNode) else "a text"
            where = ("where", str(document.place) if document else self.name)
            self._refuse("profile-syntax", f"{self.name} holds {form}", where, expected)
        if len(self.documents) > 1:
            where = ("where", str(self.documents[1].place))
            fix = ("fix", "take away `---` and what follows it, or make it a file of its own")
            problem = Problem("profile-syntax", "one file holds one YAML document", (where, fix))
            self.problems.append(problem)
        return document, tuple(self.problems)

    def _place(self, place: Place) -> Place:
        """The line of the key for a value: a block below its key starts one line too late."""
        key = self.stack[-1].key if self.stack and self.stack[-1].awaits_value else None
        return key.place if key is not None else place

    def _guard(self, event: Any, kind: str, place: Place) -> None:
        where = ("where", str(place))
        self.count += 1
        if self.count > MAX_NODES:
            self._refuse("profile-too-large", f"more than {MAX_NODES} values in one file", where)
        if len(self.stack) >= MAX_DEPTH:
            raise ProblemsError(_too_deep(place))
        if kind == "AliasEvent" or event.anchor:
            sign = "*" if kind == "AliasEvent" else "&"
            fix = ("fix", "write the value out; use `extends` or an overlay to share values")
            self._refuse(
                "profile-syntax",
                "anchors and aliases are not taken",
                where,
                ("value", f"{sign}{event.anchor}"[:60]),
                fix,
            )
        tag = event.tag
        if tag and tag.removeprefix("tag:yaml.org,2002:") not in (*_STANDARD_TAGS, "!"):
            shown = ("value", tag.replace("tag:yaml.org,2002:", "!!")[:60])
            fix = ("fix", "write the value without a tag")
            self._refuse("profile-syntax", "tags are not taken", where, shown, fix)

    def _refuse(self, id_: str, what: str, *details: tuple[str, str]) -> NoReturn:
        raise ProblemsError(*self.problems[:MAX_PROBLEMS], Problem(id_, what, details))

    def _close(self) -> None:
        done = self.stack.pop()
        if done.is_map:
            self._add(MapNode(done.entries, done.place))
        else:
            self._add(ListNode(tuple(done.items), done.place))

    def _add(self, node: Node) -> None:
        if not self.stack:
            self.documents.append(node)
            return
        parent = self.stack[-1]
        if not parent.is_map:
            parent.items.append(node)
        elif parent.awaits_value:
            self._add_entry(parent, node)
        else:
            parent.key = self._key(node)
            parent.awaits_value = True

    def _key(self, node: Node) -> Scalar | None:
        if isinstance(node, Scalar):
            return node
        details = (("where", str(node.place)), ("fix", "quote a value that begins with { or ["))
        self.problems.append(Problem("profile-syntax", "a key has to be a text", details))
        return None

    def _add_entry(self, parent: _Open, node: Node) -> None:
        key, parent.key, parent.awaits_value = parent.key, None, False
        if key is None:
            return
        first = parent.entries.get(key.text)
        if first is not None:
            what = f'duplicate key "{key.text[:60]}"'
            where = ("where", f"{key.place}, first at {first.place}")
            fix = ("fix", "keep one of them")
            self.problems.append(Problem("profile-duplicate-key", what, (where, fix)))
        elif isinstance(node, Scalar):
            parent.entries[key.text] = Scalar(node.text, node.plain, key.place)
        else:
            parent.entries[key.text] = node


def _events(name: str, text: str) -> Iterator[Any]:
    yaml = load_parser()
    try:
        parser = yaml.parser(text)
        while parser.check_event():
            yield parser.get_event()
    except yaml.error_with_mark as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        # libyaml since 0.2.6, which reads ahead and so may come to its limit before we come to ours.
        if "maximum nesting depth" in (error.problem or ""):
            raise ProblemsError(_too_deep(Place(name, line + 1))) from None
        raise ProblemsError(_syntax_problem(name, text, line, column, error)) from None
    except (yaml.error, UnicodeError) as error:
        position = getattr(error, "position", None)
        before = text.encode(errors="replace")[:position] if isinstance(position, int) else b""
        what = f"{name} holds a character that YAML does not allow"
        line = before.count(b"\n") + 1
        where = ("where", f"{name}:{line}")
        fix = ("fix", "save the file as UTF-8 without control characters")
        raise ProblemsError(Problem("profile-syntax", what, (where, fix))) from None


def _too_deep(place: Place) -> Problem:
    what = f"more than {MAX_DEPTH} levels of nesting"
    return Problem("profile-too-large", what, (("where", str(place)),))


def _syntax_problem(name: str, text: str, line: int, column: int, error: Any) -> Problem:
    lines = text.splitlines()
    content = lines[line] if line < len(lines) else ""
    details = [("where", f"{name}:{line + 1}, column {column + 1}")]
    before = content[: column + 1]
    if "\t" in before and not before.strip():
        details.append(("fix", "indent with spaces"))
        return Problem("profile-syntax", f"{name} is indented with a tab", tuple(details))
    if content.strip():
        details.append(("value", _without_secret(content.strip()[:80])))
    said = f"{error.problem or 'cannot be parsed'}"
    if error.context and error.context_mark:
        said += f", {error.context} that began on line {error.context_mark.line + 1}"
    details.append(("says", said))
    details.append(("fix", _syntax_fix(content)))
    return Problem("profile-syntax", f"{name} is not valid YAML", tuple(details))


def _syntax_fix(content: str) -> str:
    _, colon, value = content.partition(": ")
    if colon and value.strip()[:1] in set("{[*&!%@`|>") | {"}", "]"}:
        return "quote a value that begins with a special character or holds `: `"
    if ": " in value:
        return "quote a value that holds `: `"
    return "look at the indentation, quotes and brackets of this line and the one before"


def _without_secret(line: str) -> str:
    """Hide the value of a line whose words suggest a secret: a broken file may still hold one."""
    key, colon, _ = line.partition(":")
    if any(word in line.lower() for word in ("password", "passwd", "secret", "token")):
        return f"{key}: ●●●●●●" if colon else "●●●●●●"
    return line
