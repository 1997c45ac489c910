"""The C parser alone reads as the whole yaml does, and nobody else notices that it was alone."""

from __future__ import annotations

import subprocess
import sys

ALONE = """
import sys
from pathlib import Path
from entrypoint.errors import ProblemsError
from entrypoint.profile import schema, yaml_nodes
from entrypoint.imports.yaml_parser import load_parser

parser = load_parser()
heavy = {"yaml.reader", "yaml.resolver", "yaml.constructor", "yaml.representer", "yaml.loader"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)

def events(kind, text):
    made, found = kind(text), []
    while made.check_event():
        event = made.get_event()
        found.append((str(event), event.start_mark.line, event.end_mark.column))
    return found

def problem(text):
    try:
        yaml_nodes.parse("x.yaml", text)
    except ProblemsError as error:
        return error.problems

WRONG = ["a: [", "a: b: c", "\\t- x", "a: \\x01", "b: 1\\na: \\x07", "a: *b", "x: \\ud800"]
texts = [p.read_text() for p in Path(schema.__file__).parent.joinpath("builtin").glob("*.yaml")]
assert len(texts) > 5
alone = [events(parser.parser, text) for text in texts]
problems = [problem(text) for text in WRONG]
assert all(problems), problems
assert not heavy & set(sys.modules)

import yaml
assert yaml.error.YAMLError is parser.error
for kind in (yaml.CSafeLoader, yaml.SafeLoader):
    assert alone == [events(kind, text) for text in texts]
assert yaml.safe_load("a: [1, 2020-01-01]")["a"][0] == 1 and yaml.safe_dump({"a": 1}) == "a: 1\\n"
assert yaml.load("a: 1", Loader=yaml.CSafeLoader) == {"a": 1}
for text in ("a: [", "a: \\x01"):
    for kind in (yaml.CSafeLoader, yaml.SafeLoader):
        try:
            yaml.load(text, Loader=kind)
        except yaml.YAMLError:
            continue
        raise AssertionError(text)

load_parser.cache_clear()
assert load_parser().parser is yaml.CSafeLoader
assert problems == [problem(text) for text in WRONG]
"""

CUT_DIFFERENTLY = """
import sys
sys.modules["yaml.serializer"] = None
from entrypoint.profile import yaml_nodes
from entrypoint.imports.yaml_parser import load_parser
assert yaml_nodes.parse("x.yaml", "a: 1")[0].entries["a"].text == "1"
import yaml
assert load_parser().parser is yaml.CSafeLoader
assert yaml.error.YAMLError is load_parser().error
"""


def run(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_parser_alone_reads_as_the_whole_package_does() -> None:
    run(ALONE)


def test_where_the_parts_are_not_there_the_whole_package_is_used() -> None:
    run(CUT_DIFFERENTLY)
