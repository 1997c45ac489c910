from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.system.checks.http_answer import BODY_LIMIT, HEAD_LIMIT, HttpAnswer, read_answer
from entrypoint.system.checks.result import CheckFailed

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"


def source(data: bytes, step: int = 65536) -> Callable[[], bytes]:
    """Return a receive function that gives `data` in pieces and then the end."""
    pieces = iter([data[at : at + step] for at in range(0, len(data), step)])
    return lambda: next(pieces, b"")


def read(data: bytes, step: int = 65536, with_body: bool = True) -> HttpAnswer:
    return read_answer(source(data, step), with_body)


@pytest.mark.parametrize("step", [1, 7, 65536])
@pytest.mark.parametrize(
    ("data", "body", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello world", b"hello", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", b"hello", False),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end", True),
        (b"HTTP/1.1 200\n\nbare line ends", b"bare line ends", True),
        (
            CHUNKED + b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
            b"hello world",
            True,
        ),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel", b"hel", False),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
            b"hello",
            False,
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\nstray", b"", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", b"hello", True),
    ],
)
def test_body_by_its_framing(data: bytes, body: bytes, whole: bool, step: int) -> None:
    answer = read(data, step)
    assert (answer.body, answer.whole) == (body, whole)


def test_interim_answers_are_skipped() -> None:
    answer = read(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 500 Oops\r\n\r\n")
    assert answer.status == 500


def test_interim_answers_without_end_are_a_failure() -> None:
    with pytest.raises(CheckFailed, match="interim"):
        read(b"HTTP/1.1 100 Continue\r\n\r\n" * 50)


def test_without_body_nothing_is_read_after_the_head() -> None:
    pieces = iter([b"HTTP/1.1 200 OK\r\n\r\n"])
    assert read_answer(lambda: next(pieces), with_body=False).status == 200


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * (BODY_LIMIT + 9),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (BODY_LIMIT + 9),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n"
        + b"x" * (BODY_LIMIT + 9),
    ],
)
def test_a_body_is_cut_at_the_limit(data: bytes) -> None:
    answer = read(data)
    assert len(answer.body) == BODY_LIMIT
    assert not answer.whole


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "closed without an answer"),
        (b"HTTP/1.1 200 OK\r\nX: y", "closed without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not an HTTP answer"),
        (b"HTTP/2 200 OK\r\n\r\n", "not an HTTP answer"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "not an HTTP answer"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "not an HTTP answer"),
        (b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n\r\n", "not an HTTP answer"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * HEAD_LIMIT, "head is too long"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9 * HEAD_LIMIT, "head is too long"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "chunk without its size"),
    ],
)
def test_says_what_is_wrong(data: bytes, reason: str) -> None:
    with pytest.raises(CheckFailed, match=reason):
        read(data)


def test_chunks_without_content_are_cut_too() -> None:
    """One byte a chunk: the lines of the sizes count against the limit of the head."""
    answer = read(CHUNKED + b"1\r\nx\r\n" * BODY_LIMIT)
    assert 0 < len(answer.body) < BODY_LIMIT
    assert not answer.whole


HEADS = st.sampled_from(
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: ",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ]
)


@given(HEADS, st.binary(max_size=300), st.integers(1, 300), st.booleans())
def test_any_bytes_give_an_answer_or_a_reason(
    head: bytes, data: bytes, step: int, with_body: bool
) -> None:
    try:
        answer = read(head + data, step, with_body)
    except CheckFailed:
        return
    assert 200 <= answer.status <= 999
