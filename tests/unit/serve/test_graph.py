from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.serve.graph import spark, svg


def path(text: str, name: str) -> str:
    found = re.findall(rf'<path class="{name}" d="([^"]*)"', text)
    return found[0] if found else ""


def test_a_spark_line_from_nothing_to_all() -> None:
    assert spark((0, 1, 2, 3, 4, 5, 6, 7, 8), 8, 20) == "▁▂▃▄▅▆▇██"


def test_a_gap_is_a_space() -> None:
    assert spark((8, None, 8), 8, 20) == "█ █"


def test_a_long_series_is_as_wide_as_there_is_room() -> None:
    assert spark([1.0] * 360, 8, 30) == "▂" * 30


def test_values_beyond_the_scale_stay_on_it() -> None:
    assert spark((-5, 99), 8, 9) == "▁█"
    assert path(svg((-5, 99), 8, "x"), "line") == "M0 100L1 4"


def test_a_scale_of_nothing_is_no_error() -> None:
    assert spark((0, 1), 0, 9) == "▁▁"


def test_a_line_and_its_area() -> None:
    text = svg((0, 4, 8), 8, "x")
    assert path(text, "line") == "M0 100L1 52 2 4"
    assert path(text, "area") == "M0 100L1 52 2 4V100H0Z"


def test_a_gap_parts_the_line_and_the_area() -> None:
    text = svg((8, 8, None, 8, 8), 8, "x")
    assert path(text, "line") == "M0 4L1 4M3 4L4 4"
    assert path(text, "area") == "M0 4L1 4V100H0ZM3 4L4 4V100H3Z"


def test_a_single_point_is_a_dot_without_an_area() -> None:
    text = svg((None, 8, None), 8, "x")
    assert path(text, "line") == "M1 4h.01"
    assert path(text, "area") == ""


def test_limit_marks_and_second_line_are_there_when_asked_for() -> None:
    text = svg((1, 2, 3), 8, "x", limit=8, marks=(1,), second=(2, 3, 4))
    assert path(text, "limit") == "M0 4H2"
    assert path(text, "mark") == "M1 100V86"
    assert path(text, "second").startswith("M0 76L")
    bare = svg((1, 2, 3), 8, "x")
    assert [path(bare, name) for name in ("limit", "mark", "second")] == ["", "", ""]


def test_the_label_is_escaped() -> None:
    assert 'aria-label="&lt;b&gt; &quot;x&quot;"' in svg((1,), 1, '<b> "x"')


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_points_are_fine(count: int) -> None:
    ET.fromstring(svg((1.0,) * count, 2, "x"))


@given(
    st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)), max_size=50),
    st.floats(0, 1e12),
)
def test_any_series_is_good_xml_within_its_box(values: list[float | None], top: float) -> None:
    root = ET.fromstring(svg(values, top, "x", limit=top))
    for element in root:
        numbers = [float(n) for n in re.findall(r"-?[\d.]+(?:e-?\d+)?", element.attrib["d"])]
        assert all(0 <= number <= 100 for number in numbers)
    assert len(spark(values, top, 50)) == len(values)
