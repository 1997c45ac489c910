"""Sums in a profile: settings that follow from others."""

from __future__ import annotations

import pytest
from containers import get, profile, settings_of

from entrypoint.errors import ProblemsError
from entrypoint.settings.compute import compute
from entrypoint.settings.model import Inputs
from entrypoint.settings.resolve import own_names, resolve

SUMS = """\
profile: demo
settings:
  base: {env: BASE, type: int}
  number: {env: NUMBER, type: int, default: '{ordinal}'}
  port: {env: PORT, type: port, compute: '{base} + 3 * {number}', default: 8080}
java: {main: M}
"""


@pytest.mark.parametrize(
    ("text", "result"),
    [("7", "7"), ("30000 + 3 * 4", "30012"), ("2*3*4-1", "23"), ("-2 + 5", "3"), ("1-2*3", "-5")],
)
def test_a_sum_amounts_to(text: str, result: str) -> None:
    assert compute(text) == result


@pytest.mark.parametrize("text", ["", "a", "1 +", "1 / 2", "2 ** 3", "1.5", "1" * 10, "(1)"])
def test_anything_else_is_no_sum(text: str) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        compute(text)


def test_a_sum_counts_where_all_of_it_has_a_value_and_nothing_was_given() -> None:
    assert get(settings_of(profile(SUMS)), "port").text == "8080"
    summed = get(settings_of(profile(SUMS), {"BASE": "30000", "NUMBER": "4"}), "port")
    assert summed.text == "30012"
    assert summed.origin is not None and summed.origin.kind == "profile"
    assert [one.value for one in summed.rejected] == ["8080"]
    assert (
        get(settings_of(profile(SUMS), {"BASE": "1", "NUMBER": "1", "PORT": "9"}), "port").text
        == "9"
    )


def test_a_sum_has_to_be_of_its_type() -> None:
    with pytest.raises(ProblemsError) as found:
        settings_of(profile(SUMS), {"BASE": "70000", "NUMBER": "4"})
    assert found.value.problems[0].id == "setting-invalid"


@pytest.mark.parametrize(
    ("host", "ordinal"),
    [
        ("otter-node-12", "12"),
        ("otter-node-0.otter-node.otter.svc", "0"),
        ("otter-node-007", "7"),
        ("otter", None),
        ("12", None),
        ("node-x1", None),
        ("node-", None),
        ("otter-node-7c9f66d8b5-12345678", None),
    ],
)
def test_the_ordinal_is_the_number_at_the_end_of_the_host_name(
    host: str, ordinal: str | None
) -> None:
    names = own_names(host)
    assert names["host"] == host
    assert names.get("ordinal") == ordinal
    settings = resolve(profile(SUMS), Inputs((("BASE", "100"),)), {}, names)
    wanted = "8080" if ordinal is None else str(100 + 3 * int(ordinal))
    assert get(settings, "port").text == wanted
