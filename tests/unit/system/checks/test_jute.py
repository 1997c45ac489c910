from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.system.checks import jute

LONG = st.integers(-(2**63), 2**63 - 1)
INT = st.integers(-(2**31), 2**31 - 1)


def test_requests_byte_by_byte() -> None:
    """As ZooKeeper's own Java client writes them."""
    assert jute.frame(jute.connect_request(30_000)).hex(" ", -4) == (
        "0000002d 00000000 00000000 00000000 00007530 00000000 00000000 00000010 "
        "00000000 00000000 00000000 00000000 00"
    )
    assert jute.exists_request(7, "/otter").hex() == "000000070000000300000006" + (
        b"/otter".hex() + "00"
    )
    assert jute.close_request(9).hex() == "00000009fffffff5"


@given(INT.filter(lambda t: True), LONG, st.binary(max_size=40))
def test_welcome(timeout: int, session: int, password: bytes) -> None:
    data = struct.pack(">iiqi", 0, timeout, session, len(password)) + password + b"\0"
    assert jute.parse_welcome(data) == jute.Welcome(timeout, session)


@given(st.tuples(LONG, LONG, LONG, LONG, INT, INT, INT, LONG, INT, INT, LONG))
def test_stat(numbers: tuple[int, ...]) -> None:
    stat = jute.parse_stat(struct.pack(">qqqqiiiqiiq", *numbers))
    assert (stat.czxid, stat.ctime, stat.ephemeral_owner, stat.pzxid) == (
        numbers[0],
        numbers[2],
        numbers[7],
        numbers[10],
    )


def test_reply() -> None:
    assert jute.parse_reply(struct.pack(">iqi", 1, 2, -101) + b"x") == jute.Reply(1, 2, -101, b"x")


@pytest.mark.parametrize("length", [-1, 0, jute.FRAME_LIMIT + 1, 0x48545450])
def test_a_frame_length_no_zookeeper_sends(length: int) -> None:
    with pytest.raises(ValueError, match="a frame of"):
        jute.frame_length(struct.pack(">i", length))


@given(st.binary(max_size=120))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for parse in (jute.parse_welcome, jute.parse_reply, jute.parse_stat):
        try:
            parse(data)
        except ValueError:
            continue
