"""Bytes that are nearly HTTP, at a real entrypoint with a token and TLS, and at one without.

The same seed sends the same bytes. ENTRYPOINT_FUZZ_SECONDS=600 gives each of the two so many seconds, and
ENTRYPOINT_FUZZ_SEED another seed.
"""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from entrypoint.serve.messages import REASONS
from hostile.http_target import Target, read_all
from hostile.test_hostile_http import CASES, launch

SECONDS = float(os.environ.get("ENTRYPOINT_FUZZ_SECONDS", "3"))
SEED = int(os.environ.get("ENTRYPOINT_FUZZ_SEED", "7"))
SEEDS = (
    *(sent for sent, _ in CASES.values()),
    b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HEAD /status?output=text&width=80&colour=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nAuthorization: Bearer x\r\n\r\n",
    b"GET /readyz/phase?verbose&exclude=a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(160)),
)
WORDS = (
    *(b"\r\n", b"\r", b"\n", b"\r\n\r\n", b" ", b"\t", b"\0", b":", b"%", b"%00", b"%2f", b"?", b"&", b"/"),
    *(b"//", b"..", b"\xff", b"\x16\x03", b"livez", b"metrics", b"GET ", b"HEAD ", b"HTTP/1.1"),
    b"Host: b\r\n",
    *(b"Content-Length: 1\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"a" * 9000),
)  # fmt: skip
GUARDED = (b"entrypoint_info", b'"state":', b"<!doctype", b"phases  ")
"""Of what only somebody with the token may see."""


@pytest.fixture(scope="module", params=["plain", "tls"])
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    yield from launch(tmp_path_factory.mktemp("fuzz"), request.param == "tls")


def mutated(generator: random.Random) -> bytes:
    """Return a request that was changed in some places, or two of them that grew together."""
    data = bytearray(generator.choice(SEEDS))
    if generator.random() < 0.2:
        other = generator.choice(SEEDS)
        data[generator.randrange(len(data)) :] = other[generator.randrange(len(other)) :]
    for _ in range(generator.choice((0, 1, 1, 2, 3, 8))):
        at = generator.randrange(len(data) + 1)
        end = min(at + generator.choice((0, 0, 1, 2, 20)), len(data))
        match generator.randrange(4):
            case 0:
                data[at:end] = generator.choice(WORDS)
            case 1:
                data[at:end] = generator.randbytes(generator.choice((1, 2, 50)))
            case 2:
                data[at:at] = data[at:end] * generator.choice((1, 2, 100))
            case _:
                del data[at:end]
    return bytes(data)


def bodies(answer: bytes) -> Iterator[bytes]:
    """Give the body of each answer, and fail where they are not whole answers one after another."""
    while answer:
        if answer.startswith(b"\x15\x03"):
            return  # what was taken for TLS ended with an alert
        head, blank, rest = answer.partition(b"\r\n\r\n")
        version, code, reason = head.split(b"\r\n")[0].split(b" ", 2)
        assert (blank, version) == (b"\r\n\r\n", b"HTTP/1.1")
        assert REASONS[int(code)].encode() == reason
        assert code != b"500", "a bug"
        length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
        # The answer to a HEAD has none.
        body = b"" if rest.startswith(b"HTTP/1.1 ") or not rest else rest[:length]
        yield body
        answer = rest[len(body) :]


@pytest.mark.timeout(SECONDS + 300)
def test_bytes_that_are_nearly_http(target: Target) -> None:
    generator = random.Random(SEED)
    ends = time.monotonic() + SECONDS
    count = 0
    with target.attacked():
        while time.monotonic() < ends or count < 100:
            data = mutated(generator)
            cut = generator.randrange(len(data) + 1)
            with (
                suppress(OSError),
                target.secure() if generator.random() < 0.2 else target.connect() as client,
            ):
                client.sendall(data[:cut])
                client.sendall(data[cut:])
                # Of the TCP connection: TLS's own would be deaf after it.
                socket.socket.shutdown(client, socket.SHUT_WR)
                answer = read_all(client)
                try:
                    found = list(bodies(answer))
                except (AssertionError, ValueError, KeyError) as error:
                    raise AssertionError(
                        f"seed {SEED}, request {count}: {data!r}: {answer!r}"
                    ) from error
                if target.certificate is not None:
                    leaked = [word for word in GUARDED if word in answer]
                    assert not leaked, f"seed {SEED}, request {count}: {data!r} has got {leaked}"
                assert all(len(body) < 1 << 20 for body in found)
            count += 1
    target.stop()
