from __future__ import annotations

import sys

import pytest
import yaml

from entrypoint.errors import Problem, ProblemsError
from entrypoint.imports.yaml_parser import load_parser
from entrypoint.profile.nodes import ListNode, MapNode, Scalar
from entrypoint.profile.yaml_nodes import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NODES,
    parse,
)


def refused(text: str) -> Problem:
    with pytest.raises(ProblemsError) as caught:
        parse("f.yaml", text)
    (problem,) = caught.value.problems
    return problem


def detail(problem: Problem, label: str) -> str:
    return dict(problem.details).get(label, "")


@pytest.mark.parametrize("written", ["0600", "3.10", "no", "2024-01-01", "1_000", "0x10", "1e3"])
def test_a_scalar_is_the_text_that_was_written(written: str) -> None:
    document, problems = parse("f.yaml", f"a: {written}\n")
    node = document.entries["a"]
    assert isinstance(node, Scalar)
    assert (node.text, node.plain, problems) == (written, True, ())


@pytest.mark.parametrize("written", ["", "~", "null", "Null", "NULL"])
def test_null_is_null_without_quotes_only(written: str) -> None:
    plain = parse("f.yaml", f"a: {written}\n")[0].entries["a"]
    quoted = parse("f.yaml", f"a: '{written}'\n")[0].entries["a"]
    assert isinstance(plain, Scalar)
    assert isinstance(quoted, Scalar)
    assert plain.is_null
    assert not quoted.is_null


def test_a_value_stands_where_its_key_stands() -> None:
    text = "a:\n  b:\n    - x\n    - y\nc: >-\n  folded\n  text\n"
    document, _ = parse("f.yaml", text)
    a, c = document.entries["a"], document.entries["c"]
    assert isinstance(a, MapNode)
    b = a.entries["b"]
    assert isinstance(b, ListNode)
    assert [a.place.line, b.place.line, c.place.line] == [1, 2, 5]
    assert [item.place.line for item in b.items] == [3, 4]
    assert str(b.place) == "f.yaml:2"


def test_duplicate_keys_are_told_with_both_lines() -> None:
    document, problems = parse("f.yaml", "a: 1\nb: 2\na: 3\nb: 4\n")
    assert [problem.id for problem in problems] == ["profile-duplicate-key"] * 2
    assert detail(problems[0], "where") == "f.yaml:3, first at f.yaml:1"
    assert document.entries["a"] == Scalar("1", True, document.entries["a"].place)


def test_a_key_has_to_be_a_text() -> None:
    _, problems = parse("f.yaml", "a: 1\n? [x, y]\n: 2\n? {b: c}\n: 3\n")
    assert [(p.id, detail(p, "where")) for p in problems] == [
        ("profile-syntax", "f.yaml:2"),
        ("profile-syntax", "f.yaml:4"),
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "~", "null\n"])
def test_an_empty_document_is_refused(text: str) -> None:
    assert refused(text).id == "profile-empty"


@pytest.mark.parametrize(
    ("text", "form"), [("- a\n", "a list"), ("hello\n", "a text"), ("3", "a text")]
)
def test_a_document_has_to_be_a_mapping(text: str, form: str) -> None:
    assert refused(text).what == f"f.yaml holds {form}"


def test_a_second_document_is_told_with_its_line() -> None:
    _, (problem,) = parse("f.yaml", "a: 1\n---\nb: 2\n")
    assert (problem.id, detail(problem, "where")) == ("profile-syntax", "f.yaml:3")


def test_a_tab_is_called_a_tab() -> None:
    problem = refused("a:\n\tb: 1\n")
    assert problem.what == "f.yaml is indented with a tab"
    assert detail(problem, "where") == "f.yaml:2, column 1"


def test_a_syntax_error_has_line_column_and_the_line_itself() -> None:
    problem = refused("a: 1\nb: c: d\n")
    assert problem.id == "profile-syntax"
    assert detail(problem, "where") == "f.yaml:2, column 5"
    assert detail(problem, "value") == "b: c: d"
    assert detail(problem, "fix") == "quote a value that holds `: `"


@pytest.mark.parametrize(
    "line", ["db-password: a: hunter2", "api_token: [hunter2", "Secret: a: hunter2"]
)
def test_a_broken_line_does_not_tell_a_secret(line: str) -> None:
    assert "hunter2" not in str(refused(f"{line}\n").details)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a: &x 1\n", "&x"),
        ("a: &x {b: *x}\n", "&x"),
        ("&x a: 1\n", "&x"),
        ("a: *x\n", "*x"),
    ],
)
def test_anchors_and_aliases_are_refused(text: str, shown: str) -> None:
    problem = refused(text)
    assert (problem.what, detail(problem, "value")) == ("anchors and aliases are not taken", shown)


@pytest.mark.parametrize(
    "tag", ["!x", "!!python/object:os.system", "!!binary", "!<tag:x,2000:y>", "!!set"]
)
def test_foreign_tags_are_refused(tag: str) -> None:
    assert refused(f"a: {tag} x\n").what == "tags are not taken"


def test_standard_tags_are_taken() -> None:
    node = parse("f.yaml", "a: !!str null\n")[0].entries["a"]
    assert isinstance(node, Scalar)
    assert not node.is_null


def test_a_large_text_is_refused_before_it_is_parsed() -> None:
    assert refused("a: " + "x" * MAX_BYTES).id == "profile-too-large"
    assert refused("a: " + "é" * (MAX_BYTES // 2)).id == "profile-too-large"
    parse("f.yaml", "a: " + "x" * (MAX_BYTES - 3))


@pytest.mark.parametrize(("opening", "at"), [("[", 1), ("{a: ", 1), ("- ", 1), ("? ", 1)])
def test_deep_nesting_is_refused_without_recursion(opening: str, at: int) -> None:
    problem = refused(opening * (MAX_BYTES // len(opening) - 1))
    assert problem.id in {"profile-too-large", "profile-syntax"}
    assert detail(problem, "where").startswith(f"f.yaml:{at}")


def test_depth_at_the_bound_is_taken() -> None:
    parse("f.yaml", "a: " + "[" * (MAX_DEPTH - 2) + "x" + "]" * (MAX_DEPTH - 2))
    assert refused("a: " + "[" * MAX_DEPTH + "x" + "]" * MAX_DEPTH).id == "profile-too-large"


def test_too_many_values_are_refused() -> None:
    assert refused("a: [" + "x," * MAX_NODES + "]").id == "profile-too-large"


@pytest.mark.parametrize("text", ["a: 1\nb: \x00\n", "a: 1\nb: \x1b\n", "a: 1\nb: \ud800\n"])
def test_characters_that_yaml_forbids_are_told(text: str) -> None:
    problem = refused(text)
    assert problem.what == "f.yaml holds a character that YAML does not allow"
    assert detail(problem, "where").startswith("f.yaml:")


def test_the_pure_parser_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a:\n  b: [1, 'x']\nc: null\n"
    with_libyaml = parse("f.yaml", text)
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert "yaml" in sys.modules
    load_parser.cache_clear()
    try:
        assert load_parser().parser is yaml.SafeLoader
        assert parse("f.yaml", text) == with_libyaml
        assert refused("a:\n\tb: 1\n").what == "f.yaml is indented with a tab"
        assert refused("[" * 5000).id == "profile-too-large"
    finally:
        load_parser.cache_clear()


def test_deep_nesting_is_too_large_whoever_sees_it_first() -> None:
    # libyaml reads ahead: from 0.2.6 on it has a limit of its own, of a thousand.
    for depth in (MAX_DEPTH + 1, 999, 1001, 5000):
        problem = refused("[" * depth)
        assert (problem.id, detail(problem, "where")) == ("profile-too-large", "f.yaml:1")
        assert problem.what == f"more than {MAX_DEPTH} levels of nesting"
