"""The debugger's port and JMX's: what is asked for, and never more than that."""

from __future__ import annotations

import pytest

from entrypoint.jvm.access import (
    Access,
    debug_notes,
    debug_options,
    jmx_notes,
    jmx_options,
    parse_debug,
    parse_jmx,
    undecided,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("off", None),
        ("false", None),
        ("5005", Access(5005)),
        ("on", Access(5005)),
        ("127.0.0.1:6006", Access(6006)),
        ("localhost:6006", Access(6006)),
        ("*:5005", Access(5005, everywhere=True)),
        ("suspend", Access(5005, suspend=True)),
        ("5005,suspend", Access(5005, suspend=True)),
        ("suspend *:5005", Access(5005, everywhere=True, suspend=True)),
    ],
)
def test_what_a_debug_setting_says(text: str, expected: Access | None) -> None:
    assert parse_debug(text) == expected


@pytest.mark.parametrize(
    "text",
    ["0x5005", "65536", "-1", "a:5005", "10.0.0.1:5005", "5005:", "5005,5006", "off,suspend", "y"],
)
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a port such as 5005"):
        parse_debug(text)


def test_jmx_has_its_own_port_and_no_suspend() -> None:
    assert parse_jmx("on") == Access(9010)
    assert parse_jmx("*:1") == Access(1, everywhere=True)
    assert parse_jmx(" ") is None
    with pytest.raises(ValueError, match="a port such as 9010"):
        parse_jmx("suspend")


@pytest.mark.parametrize("feature", [8, 11, 17, 21, 25])
def test_the_debugger_is_on_loopback_unless_asked(feature: int) -> None:
    assert debug_options(Access(5005), feature) == (
        "-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:5005",
    )
    everywhere = "0.0.0.0:5005" if feature == 8 else "*:5005"
    (option,) = debug_options(Access(5005, everywhere=True, suspend=True), feature)
    assert option.endswith(f",suspend=y,address={everywhere}")


def test_jmx_is_without_password_on_loopback_only() -> None:
    loopback = jmx_options(Access(9010))
    assert "-Dcom.sun.management.jmxremote.host=127.0.0.1" in loopback
    assert "-Dcom.sun.management.jmxremote.authenticate=false" in loopback
    assert "-Dcom.sun.management.jmxremote.rmi.port=9010" in loopback
    everywhere = jmx_options(Access(9010, everywhere=True))
    assert not [option for option in everywhere if "false" in option or "host" in option]


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ((), ("authenticate", "ssl")),
        (("-Dcom.sun.management.jmxremote.authenticate=false",), ("ssl",)),
        (("-Dcom.sun.management.jmxremote.password.file=/p",), ("ssl",)),
        (("-Dcom.sun.management.jmxremote.ssl=false",), ("authenticate",)),
        (
            ("-Djavax.net.ssl.keyStore=/k", "-Dcom.sun.management.jmxremote.login.config=x"),
            (),
        ),
    ],
)
def test_what_is_left_to_decide(given: tuple[str, ...], left: tuple[str, ...]) -> None:
    assert undecided(iter(given)) == left


def test_the_notes_are_loud_about_every_network() -> None:
    assert "EVERY" in debug_notes(Access(1, everywhere=True))[0]
    assert "EVERY" in jmx_notes(Access(1, everywhere=True))[0]
    assert "EVERY" not in debug_notes(Access(1))[0] + jmx_notes(Access(1))[0]
    assert "waits" in debug_notes(Access(1, suspend=True))[1]
