from __future__ import annotations

import struct

import pytest
from hsperf_file import build, entry
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.jvm import hsperfdata
from entrypoint.jvm.hsperfdata import Layout, PerfData, PerfDataError, parse

GOOD: dict[str, int | str] = {"a.number": 7, "b.text": "Copy:MSC", "c.negative": -1, "d.empty": ""}


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders(order: str) -> None:
    assert parse(build(GOOD, order)) == PerfData(GOOD, 7, 0)


def test_numbers_and_texts_are_told_apart() -> None:
    data = parse(build(GOOD, overflow=12))
    assert (data.number("a.number"), data.text("b.text"), data.overflow) == (7, "Copy:MSC", 12)
    assert (data.number("b.text"), data.text("a.number")) == (None, "")
    assert (data.number("missing"), data.text("missing")) == (None, "")


def test_the_first_of_two_with_one_name_counts() -> None:
    assert parse(build([("a", 1), ("a", 2), ("b", 3)])).values == {"a": 1, "b": 3}
    assert parse(build([("a", "x"), ("a", 2)])).values == {"a": "x"}


def test_entries_of_other_types_are_passed_over() -> None:
    data = bytearray(build([("strange", 5), ("a", 1)]))
    data[32 + 12] = ord("I")
    assert parse(bytes(data)).values == {"a": 1}


def test_a_later_read_of_the_same_jvm_finds_the_new_values() -> None:
    before, after = build({"n": 1, "t": "x"}), build({"n": 2, "t": "y"})
    layout = Layout(before)
    assert layout.fits(after)
    assert layout.read(after).values == {"n": 2, "t": "y"}


@pytest.mark.parametrize(
    "changed",
    [
        build({"n": 1, "t": "x", "more": 1}),
        build({"n": 1, "t": "x"}, modified=8),
        build({"n": 1, "t": "x"}, ">"),
    ],
)
def test_a_layout_does_not_fit_another_set_of_entries(changed: bytes) -> None:
    assert not Layout(build({"n": 1, "t": "x"})).fits(changed)


def test_a_layout_does_not_fit_what_was_cut_off() -> None:
    data = build(GOOD)
    assert not Layout(data).fits(data[:-1])


def test_constants_are_read_once() -> None:
    first = bytearray(build([]))
    constant = entry("vm.name", "OpenJDK", variability=1)
    data = bytes(first[:8]) + struct.pack("<iiqii", 32 + len(constant), 0, 7, 32, 1) + constant
    layout = Layout(data)
    assert layout.read(data.replace(b"OpenJDK", b"Another")).values == {"vm.name": "OpenJDK"}


def broken(at: int, value: int) -> bytes:
    """Return a file whose first entry has another 32-bit field."""
    data = bytearray(build(GOOD))
    struct.pack_into("<i", data, 32 + at, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no hsperfdata file"),
        (bytes(32768), "/tmp was full"),
        (build(GOOD, byte_order=2), "byte order 2"),
        (build(GOOD, major=1), "version 1"),
        (build(GOOD, accessible=0), "still starting"),
        (build(GOOD)[:-8], "cut off"),
        (build(GOOD, used=31), "out of bounds"),
        (build(GOOD, used=-1), "out of bounds"),
        (build(GOOD, used=2**31 - 1), "out of bounds"),
        (build(GOOD, first=-4), "out of bounds"),
        (build(GOOD, first=2**31 - 1), "out of bounds"),
        (build(GOOD, count=-1), "-1 entries"),
        (build(GOOD, count=2**31 - 1), "entries, more than"),
        (build(GOOD, count=5), "beyond the end"),
        (broken(0, 0), "length 0"),
        (broken(0, -8), "length -8"),
        (broken(0, 2**31 - 1), "length 2147483647"),
        (broken(4, 0), "name at 0"),
        (broken(4, -20), "name at -20"),
        (broken(4, 2**31 - 1), "name at"),
        (broken(8, -1), "value at"),
        (broken(8, 2**31 - 1), "value at"),
        (broken(16, -8), "value at -8"),
        (broken(16, 4), "value at 4"),
        (broken(16, 2**31 - 1), "value at"),
        (build({"x" * (hsperfdata.MAX_NAME + 1): 1}), "a name without an end"),
    ],
)
def test_what_is_broken_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(PerfDataError, match=reason):
        parse(data)


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for head in (b"", b"\xca\xfe\xc0\xc0\x01\x02\x00\x01", b"\xca\xfe\xc0\xc0\x00\x02\x00\x01"):
        try:
            found = parse(head + data)
        except PerfDataError:
            continue
        assert len(found.values) <= hsperfdata.MAX_ENTRIES


@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.integers(-(2**31), 2**31 - 1)), min_size=1, max_size=4
    )
)
def test_no_change_of_a_good_file_raises_anything_else(changes: list[tuple[int, int]]) -> None:
    data = bytearray(build(GOOD))
    for at, value in changes:
        if at + 4 <= len(data):
            struct.pack_into("<i", data, at, value)
    try:
        found = parse(bytes(data))
    except PerfDataError:
        return
    assert Layout(bytes(data)).read(bytes(data)) == found


@given(st.dictionaries(
    st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=40),
    st.one_of(
        st.integers(-(2**63), 2**63 - 1),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
    ),
    max_size=20,
), st.sampled_from("<>"))  # fmt: skip
def test_what_was_written_is_read(values: dict[str, int | str], order: str) -> None:
    assert parse(build(values, order)).values == values
