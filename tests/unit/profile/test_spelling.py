from __future__ import annotations

import pytest

from entrypoint.profile.spelling import closest, distance, listed


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [
        ("", "", 0),
        ("same", "same", 0),
        ("abc", "abd", 1),
        ("abc", "ab", 1),
        ("ab", "abc", 1),
        ("databse", "database", 1),
        ("abdc", "abcd", 1),
        ("kitten", "sitting", 3),
        ("abcdef", "uvwxyz", 4),
        ("a", "abcdefgh", 4),
    ],
)
def test_distance_counts_up_to_its_bound(left: str, right: str, edits: int) -> None:
    assert distance(left, right, 3) == edits
    assert distance(right, left, 3) == edits


def test_closest_takes_the_fewest_edits() -> None:
    assert closest("OTTER_PROT", ["OTTER_PORTS", "OTTER_PORT", "OTTER_HOST"]) == "OTTER_PORT"


def test_closest_says_nothing_where_nothing_is_near() -> None:
    assert closest("memory", ["java", "gates", "checks"]) == ""


def test_short_words_may_differ_by_one_edit_only() -> None:
    assert closest("prts", ["ports"]) == "ports"
    assert closest("prs", ["ports"]) == ""


def test_listed_breaks_into_lines_that_fit() -> None:
    words = [f"word-number-{n}" for n in range(20)]
    lines = listed(words).splitlines()
    assert len(lines) > 1
    assert all(len(line) <= 87 for line in lines)
    assert " ".join(lines).split(", ") == words
