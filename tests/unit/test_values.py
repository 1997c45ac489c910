from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint import values
from entrypoint.values import MASK, Secret, SecretDigest


@pytest.mark.parametrize(
    ("text", "unit", "seconds"),
    [
        ("20s", "s", 20),
        ("500ms", "s", 0.5),
        ("1h30m", "s", 5400),
        ("60000", "ms", 60),
        ("2", "s", 2),
        ("1.5s", "s", 1.5),
    ],
)
def test_durations(text: str, unit: str, seconds: float) -> None:
    assert values.parse_duration(text, unit) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1s", "1.2.3s", "5x", "s", "1e9h", ".", "400d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a duration"):
        values.parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0121, "12ms"),
        (5.3, "5.3s"),
        (20, "20s"),
        (90, "1m30s"),
        (120, "2m"),
        (20820, "5h47m"),
        (90061, "1d1h"),
    ],
)
def test_durations_are_told_shortly(seconds: float, text: str) -> None:
    assert values.format_duration(seconds) == text


def test_a_duration_in_the_unit_of_a_config_file() -> None:
    assert values.duration_in(60, "ms") == "60000"


@pytest.mark.parametrize(
    ("text", "size"),
    [("64m", 64 << 20), ("64MiB", 64 << 20), ("1Gi", 1 << 30), ("65536", 65536), ("2 kb", 2048)],
)
def test_sizes(text: str, size: int) -> None:
    assert values.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "m", "1.5g", "-1m", "1x", "64i", "9" * 30])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a size"):
        values.parse_size(text)


@given(st.integers(min_value=0, max_value=1 << 45))
def test_a_size_is_told_with_a_unit(size: int) -> None:
    assert values.format_size(size).split(" ")[1] in {"B", "KiB", "MiB", "GiB"}


@pytest.mark.parametrize(
    ("text", "address"),
    [("db:3306", ("db", 3306)), ("[::1]:80", ("::1", 80)), (" h:1 ", ("h", 1)), ("h", ("h", 99))],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert values.parse_address(text, 99) == address


@pytest.mark.parametrize(
    "text", ["", ":80", "a b:1", "h:0", "h:99999", "::1:80", "http://h:1", "[::1", "[::1]x"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an address"):
        values.parse_address(text)


def test_one_line_keeps_what_fits() -> None:
    assert values.one_line("a\n b\tc\x1b[0m") == "a b c [0m"
    assert values.one_line("x" * 20, 10) == "x" * 9 + "…"


def test_a_secret_hides_itself_everywhere() -> None:
    secret = Secret("hunter2")
    shown = f"{secret} {secret!r} {secret!s} {secret:>10} {[secret]} { ({'a': secret}) }"
    assert "hunter2" not in shown
    assert MASK in str(secret)
    assert secret.reveal() == "hunter2" == values.reveal(secret)
    assert secret == Secret("hunter2") != Secret("x")
    assert secret != "hunter2"
    assert pickle.loads(pickle.dumps(secret)) == secret


def test_a_digest_fits_its_secret_alone_and_does_not_have_it() -> None:
    digest = SecretDigest.of("hunter2", b"salt")
    assert digest.fits("hunter2")
    assert not any(digest.fits(text) for text in ("", "hunter", "hunter2 ", "hunter\xe9\u20ac"))
    assert digest != SecretDigest.of("hunter2", b"another salt")
    assert "hunter2" not in repr(digest)
