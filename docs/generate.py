"""Writes the parts of the documentation that are made from the program.

A page holds `<!-- generated: NAME -->` … `<!-- end -->`; what is between comes from here, the rest is
written by hand. Run: python docs/generate.py          --check tells what has drifted, and changes nothing
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import sys
from typing import TYPE_CHECKING

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from entrypoint import arguments, plain, probe, sources, status  # noqa: E402 - the checkout, from anywhere
from entrypoint.errors import EXIT_CODES  # noqa: E402
from entrypoint.profile.grammar import (  # noqa: E402
    OWN_REFERENCES,
    PROFILE,
    Keyed,
    Leaf,
    Listed,
    Named,
    TextOr,
)
from entrypoint.profile.kinds import KINDS  # noqa: E402
from entrypoint.profile.load import load  # noqa: E402
from entrypoint.serve import metric_table  # noqa: E402
from entrypoint.serve.routes import ENDPOINTS  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from entrypoint.profile.grammar import Shape
    from entrypoint.profile.schema import Profile, SettingSpec

REPORTERS = ("Problem", "_problem", "_add", "_refuse")
"""Functions whose first argument (or `id`) is a problem's id."""
README_PLAN = "manager-article"
README_LEAVES_OUT = re.compile(r"  note -XX:MaxPermSize.*\n(?: {7}.*\n)*|(?: {7}-D.*\n)+")
_ID = re.compile(r"[a-z]+(-[a-z]+)*")
_BLOCK = re.compile(r"(<!-- generated: ([a-z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


# ---- tables ----


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def builtin_profiles() -> dict[str, Profile]:
    """Return the built-in profiles, merged as they run, in the order of inheritance."""
    texts = sources.builtin_profiles()
    order = sorted(texts, key=lambda name: (name != "base", name != "jvm", name))
    return {name: load([(f"{name}.yaml", texts[name])], texts) for name in order}


def settings() -> str:
    """Return one table for each profile, with the settings that it declares itself."""
    parts = []
    for name, profile in builtin_profiles().items():
        own = [spec for spec in profile.settings if spec.place.file == f"{name}.yaml"]
        others = dict.fromkeys(
            spec.place.file.removesuffix(".yaml")
            for spec in reversed(profile.settings)
            if spec not in own
        )
        parts.append(f"## {name}\n\n{profile.description}.")
        if others:
            names = " and ".join(f"[{other}](#{other})" for other in others)
            parts.append(f"These, and the settings of {names}{_left_out(name)}.")
        head = ("Setting", "Variable", "Key or file", "Type", "Default", "Meaning")
        parts.append(_table(head, (_setting_row(spec) for spec in own)))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _left_out(name: str) -> str:
    return "" if name in {"base", "jvm"} else " but its `app.*`"


def _setting_row(spec: SettingSpec) -> tuple[str, ...]:
    type_ = f"{', '.join(_code(choice) for choice in spec.choices)}" or spec.type
    marks = [mark for mark, on in (("required", spec.required), ("secret", spec.secret)) if on]
    default = _code(spec.default or "") or ("**required**" if spec.required else "-")
    meaning = spec.description + (f" (example: `{spec.example}`)" if spec.example else "")
    if "secret" in marks:
        type_ += ", **secret**"
    if spec.unit:
        type_ += f", a bare number is {spec.unit}"
    return (
        _code(spec.name),
        _code(spec.env or "") or "-",
        _code(spec.property or spec.file or "") or "-",
        type_,
        default,
        meaning,
    )


def variables() -> str:
    """Return every variable that a built-in profile's setting reads, and by which profiles."""
    read_by: dict[str, dict[str, list[str]]] = {}
    for name, profile in builtin_profiles().items():
        for spec in profile.settings:
            if spec.env and spec.place.file == f"{name}.yaml":
                read_by.setdefault(spec.env, {}).setdefault(spec.name, []).append(name)
    rows = (
        (
            _code(variable),
            ", ".join(f"`{setting}`" for setting in by),
            ", ".join(f"[{p}](settings.md#{p})" for names in by.values() for p in names),
        )
        for variable, by in sorted(read_by.items())
    )
    return _table(("Variable", "Setting", "Declared by"), rows)


def exit_codes() -> str:
    """Return the table of exit codes."""
    return _table(
        ("Code", "Name", "Meaning"), ((f"`{code}`", name, text) for code, name, text in EXIT_CODES)
    )


def endpoints() -> str:
    """Return the table of paths."""
    return _table(("Path", "Answers"), ((f"`{path}`", text) for path, text in ENDPOINTS))


# ---- the command line ----


def verbs() -> str:
    """Return every verb with its switches. Not argparse's own help: its form changes with Python."""
    parser = arguments.build_parser()
    action = next(one for one in parser._actions if isinstance(one, argparse._SubParsersAction))  # noqa: SLF001
    summaries = {one.dest: one.help or "" for one in action._choices_actions}  # noqa: SLF001
    parts = []
    for name, verb in action.choices.items():
        parts.append(f"## {name}\n\n{_sentence(summaries[name])}")
        if name in _BY_HAND:
            parts.append(f"```text\n{_BY_HAND[name]}```")
            continue
        rows = [_switch_row(one) for one in verb._actions if one.dest not in {"help", *_PLAIN}]  # noqa: SLF001
        if rows:
            parts.append(_table(("Switch", "Meaning"), iter(rows)))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


_BY_HAND = {"probe": probe.USAGE, "status": status.USAGE}
"""Verbs that start fast and parse their own arguments."""
_PLAIN = {long.removeprefix("--").replace("-", "_") for _, long, _, _ in plain.SWITCHES}


def _switch_row(one: argparse.Action) -> tuple[str, ...]:
    value = one.metavar or (
        "|".join(map(str, one.choices))
        if one.choices
        else (one.dest.upper() if one.nargs != 0 else "")
    )
    names = ", ".join(f"`{name}`" for name in one.option_strings)
    shown = f"{names} `{value}`" if names and value else names or f"`{value}`"
    return shown, one.help or ""


def plain_switches() -> str:
    """Return the switches of plain mode."""
    rows = (
        (f"`{short}`, `{long}`" + (f" `{value}`" if value else ""), text)
        for short, long, value, text in plain.SWITCHES
    )
    return _table(("Switch", "Meaning"), rows)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


# ---- the profile ----


def profile() -> str:
    """Return the grammar of a profile: one section for each mapping in it."""
    return "\n".join(_sections("", PROFILE)).rstrip("\n") + "\n"


def _sections(path: str, shape: Keyed) -> Iterator[str]:
    title = f"`{path}`" if path else "The document"
    yield f"## {title}\n"
    if shape.alternatives:
        names = ", ".join(f"`{name}`" for name in shape.alternatives)
        yield f"{'Exactly' if shape.needs_one else 'At most'} one of {names}.\n"
    rows = (
        (_key(field.name, field.required), _shape(field.shape), field.description)
        for field in shape.fields
    )
    yield _table(("Key", "Holds", "Meaning"), rows)
    for field in shape.fields:
        yield from _inner(f"{path}.{field.name}" if path else field.name, field.shape)


def _inner(path: str, shape: Shape) -> Iterator[str]:
    match shape:
        case Keyed():
            # Checks share their kinds with gates: told once, under gates.
            if not path.startswith("checks.NAME."):
                yield from _sections(path, shape)
        case Named():
            yield from _inner(f"{path}.NAME", shape.entry)
        case Listed():
            yield from _inner(f"{path}[]", shape.item)
        case TextOr():
            yield from _inner(path, shape.longer)


def _key(name: str, required: bool) -> str:
    return f"`{name}`" + (" **required**" if required else "")


def _shape(shape: Shape) -> str:
    match shape:
        case Leaf():
            if shape.choices:
                return "one of " + ", ".join(f"`{one}`" for one in shape.choices)
            return _code_braces(KINDS[shape.kind].expected)
        case Keyed():
            return "a mapping, below"
        case Named():
            return f"NAME: {_shape(shape.entry)}; NAME is {_code_braces(KINDS[shape.key.kind].expected)}"
        case Listed():
            adds = "; an overlay's list is appended" if shape.appends else ""
            return f"a list: {_shape(shape.item)}{adds}"
        case TextOr():
            return f"{_shape(shape.leaf)}, or {_shape(shape.longer)}"


def _code_braces(text: str) -> str:
    return re.sub(r"(\{[a-z]+\})", r"`\1`", text)


def references() -> str:
    """Return the names that every profile may refer to."""
    return ", ".join(f"`{{{name}}}`" for name in OWN_REFERENCES) + "\n"


# ---- problems ----


def problem_ids() -> dict[str, set[str]]:
    """Return every problem id in the program's source, with the modules that report it."""
    found: dict[str, set[str]] = {}
    for place, call in _calls(*REPORTERS):
        for name in _ids(call):
            found.setdefault(name, set()).add(place.partition(":")[0])
    return found


def unreadable_reports() -> list[str]:
    """Return the places that make a Problem whose id cannot be read from the source."""
    places = []
    for place, call in _calls("Problem"):
        first = _first(call)
        forwards = isinstance(first, ast.Name) and first.id == "id_"
        if not forwards and not list(_ids(call)):
            places.append(place)
    return places


def python_files() -> list[str]:
    """Return the program's source files."""
    return sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(os.path.join(ROOT, "entrypoint"))
        for name in names
        if name.endswith(".py")
    )


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _first(node: ast.Call) -> ast.expr | None:
    named = next((word.value for word in node.keywords if word.arg == "id"), None)
    return named or (node.args[0] if node.args else None)


def _ids(node: ast.Call) -> Iterator[str]:
    match _first(node):
        case ast.Constant(value=str(text)) if _ID.fullmatch(text):
            yield text
        case ast.IfExp(body=ast.Constant(value=str(one)), orelse=ast.Constant(value=str(other))):
            yield from (one, other)
        case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(value=str(suffix))]):
            # f"{what}-unreadable" in read_text(path, what), which other modules call too.
            yield from (f"{what}{suffix}" for what in _read_text_words())


def _read_text_words() -> Iterator[str]:
    for _, call in _calls("read_text"):
        match call.args:
            case [_, ast.Constant(value=str(what))]:
                yield what


def _calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    for path in python_files():
        with open(path, encoding="utf-8") as file:
            tree = ast.parse(file.read())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) in names:
                yield f"{os.path.relpath(path, ROOT)}:{node.lineno}", node


# ---- pages ----


def plan_sample() -> str:
    """Return a golden plan, shortened: without system properties, and one note of two."""
    path = os.path.join(ROOT, "tests", "golden", "cases", f"{README_PLAN}.txt")
    with open(path, encoding="utf-8") as file:
        text = file.read().partition("\n\ndatabase.url = ")[0]

    def shorter(match: re.Match[str]) -> str:
        return "       …\n" if match[0].startswith("       -D") else ""

    text = README_LEAVES_OUT.sub(shorter, text)
    return "```text\n" + "\n".join(line.rstrip() for line in text.splitlines()) + "\n```\n"


def decisions() -> str:
    """Return links to all decisions, by their titles."""
    folder = os.path.join(ROOT, "docs", "decisions")
    lines = []
    for name in sorted(os.listdir(folder)):
        if re.match(r"\d{4}-.*\.md$", name):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                title = re.sub(r"^#\s*\d+[.:]?\s*", "", file.readline().strip())
            lines.append(f"- [{name[:4]}](decisions/{name}) {title}")
    return "\n".join(lines) + "\n"


GENERATED: Mapping[str, Callable[[], str]] = {
    "settings": settings,
    "variables": variables,
    "exit-codes": exit_codes,
    "endpoints": endpoints,
    "metrics": metric_table.reference,
    "jvm-metrics": metric_table.jvm_reference,
    "verbs": verbs,
    "plain-switches": plain_switches,
    "profile": profile,
    "references": references,
    "plan": plan_sample,
    "decisions": decisions,
}


def pages() -> list[str]:
    """Return every Markdown page of the documentation."""
    found = [os.path.join(ROOT, name) for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    for folder, _, names in os.walk(os.path.join(ROOT, "docs")):
        found += [os.path.join(folder, name) for name in names if name.endswith(".md")]
    return sorted(path for path in found if os.path.exists(path))


def filled(text: str) -> str:
    """Return a page's text with its generated parts made anew; KeyError for an unknown one."""
    return _BLOCK.sub(lambda block: block[1] + GENERATED[block[2]]() + block[3], text)


def main(argv: list[str]) -> int:
    """Write all pages, or with --check only tell which would change."""
    drifted = []
    for path in pages():
        with open(path, encoding="utf-8") as file:
            text = file.read()
        new = filled(text)
        if new != text:
            drifted.append(os.path.relpath(path, ROOT))
            if "--check" not in argv:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(new)
    verb = "has drifted; run python docs/generate.py" if "--check" in argv else "written"
    sys.stdout.write("".join(f"{page}: {verb}\n" for page in drifted))
    return 1 if drifted and "--check" in argv else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
