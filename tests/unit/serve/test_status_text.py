from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.lifecycle.health import CheckStatus
from entrypoint.lifecycle.pressure import Episode, Pressure
from entrypoint.records import replace
from entrypoint.serve.document import status_document, to_json
from entrypoint.serve.page import page
from entrypoint.serve.status_text import clean, status_text
from statuses import NOW, status

COLOURS = re.compile(r"\033\[\d+m")


def test_colour_only_adds_to_the_text() -> None:
    coloured = status_text(status(), colour=True)
    assert coloured != status_text(status())
    assert COLOURS.sub("", coloured) == status_text(status())


def test_java_that_gets_nowhere_is_told_in_every_form() -> None:
    one = status()
    pressure = Pressure(hang=Episode(3, one.now - 42, 1))
    hangs = replace(one, snapshot=replace(one.snapshot, pressure=pressure))
    said = "java hangs: does not answer, since 42s"
    assert f"{'':15}✗ {said}\n" in status_text(hangs)
    assert f'<b class="bad">✗ {said}</b>' in page(hangs, ())
    assert status_document(hangs)["java"]["trouble"] == said  # type: ignore[index]
    assert "hangs" not in status_text(one) and "hangs" not in page(one, ())
    assert status_document(one)["java"]["trouble"] is None  # type: ignore[index]


@pytest.mark.parametrize("width", [100, 120, 160])
def test_it_keeps_to_the_width(width: int) -> None:
    for line in status_text(status(), width=width).splitlines():
        assert len(line) <= width, line


def test_the_graphs_fit_a_terminal_of_80_columns() -> None:
    lines = [line for line in status_text(status(), width=80).splitlines() if "peak" in line]
    assert len(lines) == 5
    assert max(map(len, lines)) <= 80


def test_a_wide_terminal_has_one_line_a_check() -> None:
    lines = status_text(status(), width=160).splitlines()
    (line,) = [line for line in lines if "zookeeper-session" in line]
    assert line.endswith("zk:2181/otter/node/7   readiness")


def test_the_words_of_a_dependency_cannot_command_the_terminal() -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\u202e\r\nfake ✓"
    check = CheckStatus(
        hostile, hostile, ("readiness",), 3, ok=False, detail=hostile, seconds=1, answered=NOW
    )
    one = status()
    one = replace(
        one,
        host=hostile,
        remarks=(hostile,),
        snapshot=replace(one.snapshot, name=hostile, checks=(check,)),
    )
    for line in status_text(one).splitlines():
        assert line.isprintable()
    assert len(status_text(one).splitlines()) < 30


@given(st.text())
def test_clean_text_is_printable(text: str) -> None:
    assert clean(text).isprintable()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)  # fmt: skip
def test_the_encoder_says_what_json_reads(value: object) -> None:
    read = json.loads(to_json(value))
    assert read == pytest.approx(value, rel=1e-12) if isinstance(value, float) else True
    assert json.loads(to_json([value, {"a": value}])) is not None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_the_encoder_changes_nothing(value: object) -> None:
    assert json.loads(to_json(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_say_is_null(value: float) -> None:
    assert to_json([value, 1.5, 3.0]) == "[null, 1.5, 3]"


def test_gaps_are_null_in_the_document() -> None:
    document = json.loads(to_json(status_document(status())))
    heap = document["java"]["history"]["heap"]
    assert len(heap) == 360
    assert heap.count(None) == 12
    assert document["java"]["history"]["seconds-between"] == 10
    assert document["time"] == 1795500000
    assert [check["ok"] for check in document["checks"]] == [False, True, True]
    assert document["last-death"]["code"] == 137
