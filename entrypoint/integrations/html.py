"""Tables and forms of an HTML page as values. Pure; takes whatever it is given without raising.

Here: just enough for pages made by a template: rows with cells and their links, the fields of a form with
the values that a browser would send, and the messages that a form shows in red.
"""

from __future__ import annotations

from html.parser import HTMLParser

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

UNFINISHED: Final = 4096
"""Characters at the end of a page that belong to a tag without an end, and are read all the same."""


@record
class Cell:
    """One cell of a table: its text on one line, the text of its first link, and where links go."""

    text: str
    link: str
    targets: tuple[str, ...]


@record
class Form:
    """The fields of a page's forms, as a browser would send them, and the choices of its selects.

    `chosen` are the selects in which the page itself marks a choice.
    """

    fields: Mapping[str, str]
    options: Mapping[str, tuple[tuple[str, str], ...]]
    chosen: frozenset[str]


@record
class Page:
    """What a page holds."""

    rows: tuple[tuple[Cell, ...], ...]
    form: Form
    messages: tuple[str, ...]
    password: bool
    """Whether it asks for a password: a login page."""


def parse(text: str) -> Page:
    """Return what a page holds; garbage gives an empty page."""
    reader = _Reader()
    try:
        reader.feed(text)
        # Where tags have no end, close() looks for it from each `<` on again: minutes, for a page of those.
        if len(reader.rawdata) <= UNFINISHED:
            reader.close()
    except AssertionError:  # `<![ >`: the parser's word for what it does not take
        reader.reset()
    reader.end_cell()
    form = Form(
        {name: "".join(pieces) for name, pieces in reader.fields.items()},
        {
            name: tuple((value, _label(pieces)) for value, pieces in found)
            for name, found in reader.options.items()
        },
        frozenset(reader.chosen),
    )
    rows = tuple(tuple(row) for row in reader.rows if row)
    messages = (_line(message) for message in reader.messages)
    shown = tuple(dict.fromkeys(m for m in messages if m and m != "*"))
    return Page(rows, form, shown, reader.password)


def _label(parts: Sequence[str]) -> str:
    return " ".join(stripped for part in parts if (stripped := part.strip()))


def _line(parts: Sequence[str]) -> str:
    return " ".join("".join(parts).split())[:300]


class _Reader(HTMLParser):
    """Collects; a template's forgotten end tags (otter's select has none) do no harm."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[Cell]] = []
        self.fields: dict[str, list[str]] = {}
        self.options: dict[str, list[tuple[str, list[str]]]] = {}
        self.chosen: set[str] = set()
        self.messages: list[list[str]] = []
        self.password = False
        self._cell: list[str] | None = None
        self._link: list[str] | None = None
        self._links: list[list[str]] = []
        self._targets: list[str] = []
        self._select = ""
        self._textarea = ""
        self._red = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the start of an element."""
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "tr":
                self.end_cell()
                self.rows.append([])
            case "td":
                self.end_cell()
                self._cell = []
            case "a":
                self._targets.append(given.get("href", ""))
                self._link = []
                self._links.append(self._link)
            case "input":
                self._input(given)
            case "textarea":
                self._textarea = given.get("name", "")
                self.fields[self._textarea] = []
            case "select":
                self._select = given.get("name", "")
                self.options[self._select] = []
            case "option" if self._select:
                self._option(given)
            case "span":
                self._red = "red" in given.get("class", "").split()
                if self._red:
                    self.messages.append([])
            case _:
                pass

    def handle_endtag(self, tag: str) -> None:
        """Take the end of an element."""
        match tag:
            case "td" | "tr" | "table":
                self.end_cell()
                self._select = ""
            case "a":
                self._link = None
            case "textarea":
                self._textarea = ""
            case "select":
                self._select = ""
            case "span":
                self._red = False
            case _:
                pass

    def handle_data(self, data: str) -> None:
        """Take text."""
        if self._cell is not None:
            self._cell.append(data)
        if self._link is not None:
            self._link.append(data)
        if self._red:
            self.messages[-1].append(data)
        if self._textarea:
            self.fields[self._textarea].append(data)
        elif self._select and self.options[self._select]:
            self.options[self._select][-1][1].append(data)

    def end_cell(self) -> None:
        """Close the cell that is open, if there is one."""
        if self._cell is not None and self.rows:
            link = _line(self._links[0]) if self._links else ""
            self.rows[-1].append(Cell(_line(self._cell), link, tuple(self._targets)))
        self._cell, self._link, self._links, self._targets = None, None, [], []

    def _input(self, given: Mapping[str, str]) -> None:
        kind, name = given.get("type", "text").lower(), given.get("name", "")
        if kind == "password":
            self.password = True
        if not name or kind in {"submit", "button", "image", "password"}:
            return
        if kind in {"radio", "checkbox"} and "checked" not in given:
            return
        self.fields[name] = [given.get("value", "")]

    def _option(self, given: Mapping[str, str]) -> None:
        value = given.get("value", "")
        self.options[self._select].append((value, []))
        if "selected" in given:
            self.chosen.add(self._select)
            self.fields[self._select] = [value]
        else:
            self.fields.setdefault(self._select, [value])
