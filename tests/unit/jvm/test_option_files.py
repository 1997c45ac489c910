"""Files of options: which line is for which JDK, and what is no option at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.errors import format_problems
from entrypoint.jvm.option_files import matches, parse

FEATURES = (8, 11, 17, 21, 25)


def read(text: str, feature: int = 17) -> list[tuple[str, int]]:
    found = parse(text.encode(), "/c/jvm.options", feature)
    assert found.problems == ()
    return [(" ".join(one.words), int(one.place.rpartition(":")[2])) for one in found.options]


@pytest.mark.parametrize(
    ("line", "features"),
    [
        ("-Xint", FEATURES),
        ("8:-Xint", (8,)),
        ("8-:-Xint", FEATURES),
        ("9-:-Xint", (11, 17, 21, 25)),
        ("8-13:-Xint", (8, 11)),
        ("17-17:-Xint", (17,)),
        ("18-20:-Xint", ()),
    ],
)
def test_a_prefix_tells_the_jdks(line: str, features: tuple[int, ...]) -> None:
    assert tuple(feature for feature in FEATURES if read(line, feature)) == features


def test_comments_blank_lines_and_line_ends_are_left_out_and_lines_are_counted() -> None:
    text = "\ufeff# a comment\r\n\r\n  # another\n-Xmx1g  \r\n\t-Da=#1\n"
    assert read(text) == [("-Xmx1g", 4), ("-Da=#1", 5)]


def test_a_line_is_one_option_with_its_blanks() -> None:
    found = parse(b'-XX:OnError=kill -9 %p\n--add-opens  a/b=c\n-Dq="x"', "f", 17)
    assert [one.words for one in found.options] == [
        ("-XX:OnError=kill -9 %p",),
        ("--add-opens", "a/b=c"),
        ('-Dq="x"',),
    ]


@pytest.mark.parametrize(
    "line",
    ["Xmx1g", "8-13-Xmx1g", "x:-Xmx1g", "13-8:-Xmx1g", "8:", "-", "@file", "-Da\0b"],
)
def test_every_line_that_is_no_option_is_told_with_its_place_and_without_its_text(
    line: str,
) -> None:
    found = parse(
        f"-Xint\n{line} hunter2\n9-:-Xint\n{line} hunter2\n".encode(), "/c/jvm.options", 17
    )
    places = [dict(problem.details)["where"].split(" ")[0] for problem in found.problems]
    assert places == ["/c/jvm.options:2", "/c/jvm.options:4"]
    assert "hunter2" not in format_problems(found.problems)


def test_a_wrong_line_is_told_whatever_the_jdk() -> None:
    assert parse(b"8:Xmx1g", "f", 17).problems


def test_bytes_that_are_no_text_are_a_problem() -> None:
    (problem,) = parse(b"-Da=\xff", "/c/f", 17).problems
    assert problem.id == "options-file-unreadable"
    assert ("where", "/c/f") in problem.details


@given(st.binary(max_size=200), st.sampled_from(FEATURES))
def test_nothing_breaks_the_reader(content: bytes, feature: int) -> None:
    found = parse(content, "f", feature)
    assert all(word.startswith("-") for one in found.options for word in one.words[:1])


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/c/jvm.options", "/c/jvm.options", True),
        ("/c/jvm.options", "/c/jvm_options", False),
        ("/c/d/*.options", "/c/d/a.options", True),
        ("/c/d/*.options", "/c/d/e/a.options", False),
        ("/c/d/*.options", "/c/d/a.options.bak", False),
        ("/c/d/*.options", "/c/d/.a.options", False),
        ("/c/d/*", "/c/d/..data", False),
        ("/c/d/.*", "/c/d/.a", True),
        ("/c/*/a.options", "/c/d/a.options", False),
        ("/c/*/a.options", "/c/*/a.options", True),
        ("/c/d/a*b*.options", "/c/d/a1b2.options", True),
        ("/c/d/*.options", "/c/d/a\n.options", True),
    ],
)
def test_a_star_stands_for_text_in_the_last_part_only(
    pattern: str, path: str, expected: bool
) -> None:
    assert matches(pattern, path) is expected
