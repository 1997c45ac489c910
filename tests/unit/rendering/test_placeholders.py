from __future__ import annotations

import pytest

from entrypoint.rendering.placeholders import resolve_placeholders

VALUES = {
    "host": "db",
    "port": "3306",
    "url": "jdbc:mysql://${host}:${port}/otter",
    "twice": "${url} ${url}",
    "defaulted": "${absent:fallback}/${host:unused}",
    "missing": "x${absent}",
    "self": "${self}",
    "a": "${b}",
    "b": "${a}",
    "dollar": "$host {host} ${host",
    "${host}": "odd",
}


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("host", "db"),
        ("url", "jdbc:mysql://db:3306/otter"),
        ("twice", "jdbc:mysql://db:3306/otter jdbc:mysql://db:3306/otter"),
        ("defaulted", "fallback/db"),
        ("dollar", "$host {host} ${host"),
        ("missing", None),
        ("self", None),
        ("a", None),
        ("nothing", None),
    ],
)
def test_placeholders_are_resolved_through_the_mapping(key: str, text: str | None) -> None:
    assert resolve_placeholders(VALUES, key) == text


def test_text_that_grows_without_bound_is_given_up() -> None:
    bomb = {f"k{i}": f"${{k{i + 1}}}" * 10 for i in range(30)} | {"k30": "boom"}
    assert resolve_placeholders(bomb, "k0") is None
    assert resolve_placeholders(bomb, "k28") == "boom" * 100


def test_a_chain_that_is_too_long_is_given_up() -> None:
    chain = {f"k{i}": f"${{k{i + 1}}}" for i in range(10_000)} | {"k10000": "end"}
    assert resolve_placeholders(chain, "k9970") == "end"
    assert resolve_placeholders(chain, "k0") is None
