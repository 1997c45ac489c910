from __future__ import annotations

import pytest

from entrypoint.profile.references import fill, names


def test_names_come_in_order_and_once() -> None:
    assert names("{b}/{a.c-d}/{b}") == ("b", "a.c-d")


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("{a}", "A"),
        ("x{a}y{b}z", "xAyBz"),
        ("{{a}}", "{a}"),
        ("{{{a}}}", "{A}"),
        ("${java.home}/lib", "${java.home}/lib"),
        ("${a}{a}", "${a}A"),
        ("$ {a}", "$ A"),
        ("", ""),
    ],
)
def test_fill(text: str, filled: str) -> None:
    assert fill(text, {"a": "A", "b": "B"}.__getitem__) == filled


def test_values_are_not_searched_for_references() -> None:
    assert fill("{a}", {"a": "{b}", "b": "B"}.__getitem__) == "{b}"


@pytest.mark.parametrize(
    "text", ["{", "}", "a{b", "a}b", "{}", "{a b}", "{1}", "${open", '{"a":1}']
)
def test_a_lone_brace_is_refused_with_advice(text: str) -> None:
    with pytest.raises(ValueError, match=r"a lone '[{}]': write"):
        names(text)
    with pytest.raises(ValueError, match="lone"):
        fill(text, str)


def test_what_the_lookup_raises_passes_through() -> None:
    with pytest.raises(KeyError):
        fill("{a}", dict[str, str]().__getitem__)
