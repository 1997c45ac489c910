from __future__ import annotations

import pytest
from containers import spec

from entrypoint.profile.schema import SETTING_TYPES
from entrypoint.settings.masking import shown
from entrypoint.settings.model import Setting
from entrypoint.settings.parse import (
    EXPECTED,
    as_text,
    expected,
    normalise,
)
from entrypoint.values import MASK, Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrypoint.profile.schema import SettingType


@pytest.mark.parametrize(
    ("type_", "given", "normal"),
    [
        ("text", " kept as it is ", " kept as it is "),
        ("text", "", ""),
        ("text", "tab\there", "tab\there"),
        ("words", "-Xmx1g\n  -Dx='a b'\t-Dy\n", "-Xmx1g -Dx='a b' -Dy"),
        ("int", "007", "7"),
        ("int", "-3", "-3"),
        ("bool", "YES", "true"),
        ("bool", "1", "true"),
        ("bool", "off", "false"),
        ("port", " 8080 ", "8080"),
        ("size", "64m", "67108864"),
        ("percent", "75%", "75"),
        ("percent", "1", "1"),
        ("url", "https://user:pw@host:8443/a?b#c", "https://user:pw@host:8443/a?b#c"),
        ("url", "http://[::1]:80/", "http://[::1]:80/"),
        ("jdbc-url", " jdbc:mysql://db:3306/otter?useSSL=false ", "jdbc:mysql://db:3306/otter?useSSL=false"),
        ("address", "manager:1099", "manager:1099"),
        ("address", "[fd00::1]:1099", "[fd00::1]:1099"),
        ("addresses", "a:1; b:2,c:3 d:4", "a:1,b:2,c:3,d:4"),
        ("path", "/data/", "/data"),
        ("path", "/", "/"),
    ],
)  # fmt: skip
def test_what_is_taken(type_: SettingType, given: str, normal: str) -> None:
    assert normalise(spec(type_), given) == normal


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        ("text", "two\nlines"),
        ("text", "nul\x00"),
        ("words", "esc\x1b"),
        ("int", "1.5"),
        ("int", "\uff11"),
        ("int", "1" * 19),
        ("int", ""),
        ("bool", "maybe"),
        ("port", "0"),
        ("port", "65536"),
        ("port", "tcp://10.0.0.1:80"),
        ("duration", "soon"),
        ("duration", ""),
        ("size", "64 parsecs"),
        ("percent", "0"),
        ("percent", "101"),
        ("url", "ftp://host/"),
        ("url", "http://"),
        ("url", "http://host:99999/"),
        ("url", "http://ho st/"),
        ("jdbc-url", "mysql://db/otter"),
        ("jdbc-url", "jdbc:mysql: //db"),
        ("address", "manager"),
        ("address", "manager:port"),
        ("addresses", ""),
        ("addresses", "a:1,b"),
        ("path", "relative/path"),
    ],
)
def test_what_is_refused(type_: SettingType, given: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        normalise(spec(type_), given)


def test_every_type_has_words_for_what_is_expected() -> None:
    for type_ in SETTING_TYPES:
        assert type_ == "choice" or EXPECTED[type_]
        assert expected(spec(type_, choices=("a", "b")))


@pytest.mark.parametrize(
    ("unit", "given", "normal"),
    [
        ("ms", "2m", "120000"),
        ("ms", "60000", "60000"),
        ("ms", "1.5s", "1500"),
        ("s", "2m", "120"),
        ("s", "90", "90"),
        ("h", "24", "24"),
        ("h", "2d", "48"),
        (None, "2m", "120s"),
        (None, "90", "90s"),
        (None, "500ms", "500ms"),
        (None, "1.5s", "1500ms"),
    ],
)
def test_durations_are_written_in_their_unit(unit: str | None, given: str, normal: str) -> None:
    assert normalise(spec("duration", unit), given) == normal
    assert normalise(spec("duration", unit), normal) == normal


@pytest.mark.parametrize(("unit", "given"), [("s", "500ms"), ("m", "90s"), ("h", "30m")])
def test_a_duration_that_its_unit_cannot_say_is_refused(unit: str, given: str) -> None:
    with pytest.raises(ValueError, match=f"a whole number of {unit}"):
        normalise(spec("duration", unit), given)


def test_a_choice_is_found_in_any_case() -> None:
    level = spec("choice", choices=("INFO", "WARN"))
    assert normalise(level, " info") == "INFO"
    with pytest.raises(ValueError, match="one of INFO, WARN"):
        normalise(level, "infos")


def test_a_line_break_at_the_end_gets_its_own_words() -> None:
    with pytest.raises(ValueError, match="printf"):
        normalise(spec("text"), "secret\n")


def test_a_huge_value_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 32 KiB"):
        normalise(spec("text"), "x" * 40_000)


@pytest.mark.parametrize("type_", [t for t in SETTING_TYPES if t not in {"text", "words"}])
def test_a_refusal_never_holds_the_value(type_: SettingType) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        normalise(spec(type_, choices=("a",)), "hunter2!\x00")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "displayed"),
    [
        ("jdbc:mysql://u:hunter2@db/otter", f"jdbc:mysql://u:{MASK}@db/otter"),
        (
            "jdbc:mysql://db/o?user=u&password=hunter2&x=y",
            f"jdbc:mysql://db/o?user=u&password={MASK}&x=y",
        ),
        ("http://u:hunter2@h/", f"http://u:{MASK}@h/"),
        ("plain", "plain"),
        ("two\nlines\x1b[0m", "two\\nlines\\x1b[0m"),
    ],
)
def test_shown_hides_passwords_in_urls_and_control_characters(text: str, displayed: str) -> None:
    assert shown(spec("text"), text) == displayed


def test_shown_hides_secrets_and_cuts_long_values() -> None:
    assert shown(spec("text", secret=True), "hunter2") == MASK
    assert len(shown(spec("text"), "x" * 5000)) <= 200


def test_the_text_of_a_setting_is_its_own_or_nothing() -> None:
    assert as_text(Setting(spec("text"), Secret("pw"), None)) == "pw"
    assert as_text(Setting(spec("text"), None, None)) == ""
    assert as_text(None) == ""
