"""Typed values: text as it was given to text as it is used.

Here: one function per setting type, and what to say when a value does not fit.
`Setting.text` is what a config file gets: `2m` with unit ms is "120000", a duration without a unit is
"120s", a size is bytes, a bool is true or false, addresses are joined by commas. Pure.
"""

from __future__ import annotations

import re

from entrypoint.values import (
    duration_in,
    parse_address,
    parse_duration,
    parse_port,
    parse_size,
    reveal,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from entrypoint.profile.schema import SettingSpec
    from entrypoint.settings.model import Setting

MAX_LENGTH = 32 * 1024
_BOOLS = {
    **dict.fromkeys(("true", "yes", "on", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "0"), "false"),
}
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_URL = r"(?i)https?://(\[[0-9A-Fa-f:.]+\]|[^\s/?#\[\]:@]+)(:[0-9]{1,5})?([/?#]\S*)?"
_USERINFO_URL = r"(?i)(https?://)[^\s/?#@]*@"
_JDBC = r"(?i)jdbc:[a-z][a-z0-9+-]*:\S+"

EXPECTED: Mapping[str, str] = {
    "text": "a text on one line",
    "words": "words separated by spaces",
    "int": "a whole number",
    "bool": "true or false (or yes, no, on, off, 1, 0)",
    "port": "a port from 1 to 65535",
    "duration": "a duration such as 20s, 500ms or 1h30m",
    "size": "a size such as 64m, 512MiB, 1g or 65536",
    "percent": "a percentage from 1 to 100",
    "url": "a URL that begins with http:// or https://",
    "jdbc-url": "a JDBC URL",
    "address": "an address, host:port",
    "addresses": "addresses, host:port joined by commas",
    "path": "an absolute path",
}


def normalise(spec: SettingSpec, text: str) -> str:
    """Return a given text as the setting uses it.

    Raises ValueError with what was expected; the message never holds the value.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"at most {MAX_LENGTH // 1024} KiB of text")
    if spec.type == "words":
        text = " ".join(text.split())
    if text[-1:] in {"\n", "\r"} and not _CONTROL.search(text.rstrip("\r\n")):
        raise ValueError("no line break at the end (was it made with `echo` instead of `printf`?)")
    if _CONTROL.search(text):
        raise ValueError(f"{expected(spec)}, without line breaks and control characters")
    return _NORMALISE[spec.type](spec, text)


def expected(spec: SettingSpec) -> str:
    """Return what a value of the setting has to be, in words, without the example."""
    if spec.type == "choice":
        return "one of " + ", ".join(spec.choices)
    if spec.type == "duration" and spec.unit:
        return f"{EXPECTED['duration']}, a whole number of {spec.unit}"
    return EXPECTED[spec.type]


def as_text(setting: Setting | None) -> str:
    """Return a setting's text, secret or not, or "" where it has no value."""
    return "" if setting is None or setting.text is None else reveal(setting.text)


def _text(_spec: SettingSpec, text: str) -> str:
    return text


def _int(spec: SettingSpec, text: str) -> str:
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip(), re.ASCII) is None:
        raise ValueError(expected(spec))
    return str(int(text))


def _bool(spec: SettingSpec, text: str) -> str:
    try:
        return _BOOLS[text.strip().lower()]
    except KeyError:
        raise ValueError(expected(spec)) from None


def _port(_spec: SettingSpec, text: str) -> str:
    return str(parse_port(text))


def _duration(spec: SettingSpec, text: str) -> str:
    seconds = parse_duration(text, spec.unit or "s")
    if spec.unit is None:
        milliseconds = round(seconds * 1000)
        return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"
    number = duration_in(seconds, spec.unit)
    if abs(parse_duration(number, spec.unit) - seconds) > 1e-6:
        raise ValueError(expected(spec))
    return number


def _size(_spec: SettingSpec, text: str) -> str:
    return str(parse_size(text))


def _percent(spec: SettingSpec, text: str) -> str:
    number = text.strip().removesuffix("%").rstrip()
    if re.fullmatch(r"[0-9]{1,3}", number, re.ASCII) is None or not 1 <= int(number) <= 100:
        raise ValueError(expected(spec))
    return str(int(number))


def _url(spec: SettingSpec, text: str) -> str:
    url = text.strip()
    match = re.fullmatch(_URL, re.sub(_USERINFO_URL, r"\1", url))
    if match is None or (match[2] and not 1 <= int(match[2][1:]) <= 65535):
        raise ValueError(expected(spec))
    return url


def _jdbc_url(spec: SettingSpec, text: str) -> str:
    if re.fullmatch(_JDBC, text.strip()) is None:
        raise ValueError(expected(spec))
    return text.strip()


def _address(spec: SettingSpec, text: str) -> str:
    try:
        host, port = parse_address(text)
    except ValueError:
        raise ValueError(expected(spec)) from None
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _addresses(spec: SettingSpec, text: str) -> str:
    parts = [part for part in re.split(r"[,;\s]+", text) if part]
    if not parts:
        raise ValueError(expected(spec))
    return ",".join(_address(spec, part) for part in parts)


def _path(spec: SettingSpec, text: str) -> str:
    path = text.strip()
    if not path.startswith("/"):
        raise ValueError(expected(spec))
    return path.rstrip("/") or "/"


def _choice(spec: SettingSpec, text: str) -> str:
    word = text.strip()
    for choice in spec.choices:
        if choice.lower() == word.lower():
            return choice
    raise ValueError(expected(spec))


_NORMALISE: Mapping[str, Callable[[SettingSpec, str], str]] = {
    "text": _text,
    "words": _text,
    "int": _int,
    "bool": _bool,
    "port": _port,
    "duration": _duration,
    "size": _size,
    "percent": _percent,
    "url": _url,
    "jdbc-url": _jdbc_url,
    "address": _address,
    "addresses": _addresses,
    "path": _path,
    "choice": _choice,
}
