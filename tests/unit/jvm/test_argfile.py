"""Argument files, rule by rule; tests/jvm/test_switches_real.py compares them with real launchers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.errors import ProblemsError, format_problems
from entrypoint.jvm.argfile import parse


def words(text: str) -> list[str]:
    return [word for option in parse(text.encode(), "/a/args") for word in option.words]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-Xint -Xss1m\n-Da=1\r\n\t-Db=2\f-Dc", ["-Xint", "-Xss1m", "-Da=1", "-Db=2", "-Dc"]),
        ("# all\n-Da=1 # rest -Db\n-Dc", ["-Da=1", "-Dc"]),
        ("-Da='b c' \"-Dd=e f\"", ["-Da=b c", "-Dd=e f"]),
        ("-Da='#' -Db=\"'\"", ["-Da=#", "-Db='"]),
        (r"-Da=c:\dir\n", [r"-Da=c:\dir\n"]),
        (r"-Da='c:\\dir' '\t\'\n\q'", ["-Da=c:\\dir", "\t'\nq"]),
        ('-Da="b\\\n   c"', ["-Da=bc"]),
        ('-Da="b\\\r\n   c"', ["-Da=bc"]),
        ("''", [""]),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_each_option_has_its_line_and_takes_the_word_of_the_next_one() -> None:
    text = '# 1\n-Xint\n--add-opens\na/b=c\n"-Dx=\\\n  y" -Dz\r\n-Dlast'
    assert [(option.words, option.place) for option in parse(text.encode(), "f")] == [
        (("-Xint",), "f:2"),
        (("--add-opens", "a/b=c"), "f:3"),
        (("-Dx=y",), "f:5"),
        (("-Dz",), "f:6"),
        (("-Dlast",), "f:7"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("-Xint\n-Da='hunter2\n'", 2),
        ('-Da="hunter2', 1),
        ("\n\n-Da=hunter2#b", 3),
        ("-Xint\n@hunter2", 2),
    ],
)
def test_what_java_would_misread_is_told_with_its_line(text: str, line: int) -> None:
    with pytest.raises(ProblemsError) as caught:
        parse(text.encode(), "/a/args")
    said = format_problems(caught.value.problems)
    assert f"/a/args:{line} " in said
    assert "hunter2" not in said


@pytest.mark.parametrize("content", [b"-Da=\xff", b"-Da=\0"])
def test_what_cannot_be_a_word_is_refused(content: bytes) -> None:
    with pytest.raises(ProblemsError):
        parse(content, "f")


@given(st.text(st.sampled_from("a -\\'\"#\n\r@n"), max_size=30))
def test_nothing_breaks_the_reader(text: str) -> None:
    try:
        options = parse(text.encode(), "f")
    except ProblemsError:
        return
    assert all(1 <= int(option.place.partition(":")[2]) <= 31 for option in options)
