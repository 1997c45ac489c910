"""Typed values: text as it was given to text as it is used, and back to numbers.

Here: one function per setting type, what to say when a value does not fit, and how to show a value.
`Setting.text` is what a config file gets: `2m` with unit ms is "120000", a duration without a unit is
"120s", a size is bytes, a bool is true or false, addresses are joined by commas. Pure.
"""

from __future__ import annotations

import re

from entrypoint.errors import Problem, ProblemsError
from entrypoint.values import (
    MASK,
    Secret,
    duration_in,
    format_size,
    parse_address,
    parse_duration,
    parse_port,
    parse_size,
    reveal,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeVar

    from entrypoint.profile.schema import SettingSpec
    from entrypoint.settings.model import Setting

    T = TypeVar("T")

MAX_LENGTH = 32 * 1024
_BOOLS = {
    **dict.fromkeys(("true", "yes", "on", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "0"), "false"),
}
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_URL = r"(?i)https?://(\[[0-9A-Fa-f:.]+\]|[^\s/?#\[\]:@]+)(:[0-9]{1,5})?([/?#]\S*)?"
_USERINFO_URL = r"(?i)(https?://)[^\s/?#@]*@"
_JDBC = r"(?i)jdbc:[a-z][a-z0-9+-]*:\S+"
_HIDES = r"(?i)(password|passwd|passphrase|secret|token|credential|api[-_.]?key)(?!.*(file|path)$)"
_SECRETS = (
    r"(?:password|passwd|pwd|passphrase|secret|token|credentials?|api[-_.]?key|private[-_.]?key)"
)
_IN_URL = rf"(?i)(//[^/@:\s]*:)[^/@\s]*(@)|({_SECRETS}=)(?!{MASK})(?:\"[^\"]*\"|'[^']*'|[^&;\s]*)"
_NAME = rf"--?(?=[^\s=\"']*{_SECRETS})[^\s=\"']*+(?<!file)(?<!path)="
_IN_OPTION = (
    rf"(?i)(?<!\S)(?:(\"{_NAME})[^\"]*|('{_NAME})[^']*|({_NAME})(?:\"[^\"]*\"|'[^']*'|\S+))"
)

_AGENT = r"(-(?:javaagent|agentpath):[^\s=]*=)\S+"
"""An option whose value is for the agent alone: keys and tokens are often in it."""

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


def shown(spec: SettingSpec, text: str | Secret) -> str:
    """Return a value as it may be shown: masked where it is secret, passwords in URLs always."""
    # A key that was put where its path belongs must not be in the log for that.
    if spec.secret or isinstance(text, Secret) or "PRIVATE KEY-----" in text:
        return MASK
    if spec.type == "words":  # options of java, which may hold what its own command line hides
        text = re.sub(_AGENT, rf"\1{MASK}", " ".join(mask_words(text.split(" "))))
    hidden = mask_url(text)
    printable = hidden if hidden.isprintable() else repr(hidden)[1:-1]
    return printable if len(printable) <= 200 else printable[:197] + "…"


def said(spec: SettingSpec, text: str | Secret) -> str:
    """Return a value as it is told to people: as `shown`, but a size as the plan says it."""
    value = shown(spec, text)
    return _size_in_words(int(value)) if spec.type == "size" and value.isdecimal() else value


def _size_in_words(size: int) -> str:
    """Return a size in its unit, with the bytes where that is not all of it."""
    text = format_size(size)
    try:
        exact = parse_size(text) == size
    except ValueError:  # a fraction
        exact = False
    return text if exact else f"{text} ({size} bytes)"


def mask_url(text: str) -> str:
    """Return a text with the passwords in its URLs, options and key=value pairs masked."""
    return re.sub(
        _IN_URL,
        lambda match: f"{match[1]}{MASK}@" if match[1] else f"{match[3]}{MASK}",
        re.sub(_IN_OPTION, lambda match: f"{match[1] or match[2] or match[3]}{MASK}", text),
    )


def mask_words(words: Iterable[str]) -> tuple[str, ...]:
    """Return words of a command line as they may be shown.

    Masked are passwords in URLs, the value of `-Da.secret.name=` and `--token=`, and the word after a
    bare `--password`. What names a file or a path is shown.
    """
    found: list[str] = []
    hide_next = False
    for word in words:
        name, equals, value = word.partition("=")
        secret = name.startswith("-") and re.search(_HIDES, name) is not None
        if value == "…":  # hidden already, as `jvm.options.show` does it
            found.append(word)
        elif secret and value:
            found.append(f"{name}={MASK}")
        else:
            found.append(MASK if hide_next and not word.startswith("-") else mask_url(word))
        hide_next = secret and not equals and name.startswith("--")
    return tuple(found)


def as_text(setting: Setting | None) -> str:
    """Return a setting's text, secret or not, or "" where it has no value."""
    return "" if setting is None or setting.text is None else reveal(setting.text)


def as_seconds(setting: Setting) -> float:
    """Return a duration in seconds, whatever its unit; raises ProblemsError where it is none."""
    return _convert(setting, lambda text: parse_duration(text, setting.spec.unit or "s"))


def as_int(setting: Setting) -> int:
    """Return an int, percent or size (bytes) as a number; raises ProblemsError where it is none."""
    return _convert(setting, int)


def as_port(setting: Setting) -> int:
    """Return a port as a number; raises ProblemsError where it is none."""
    return _convert(setting, parse_port)


def as_bool(setting: Setting) -> bool:
    """Return a bool; raises ProblemsError where the value is none."""
    return _convert(setting, lambda text: _bool(setting.spec, text) == "true")


def _convert(setting: Setting, convert: Callable[[str], T]) -> T:
    """A placeholder of Java, or no value at all, has no number: the place of the value is named."""
    try:
        return convert(as_text(setting))
    except ValueError:
        spec = setting.spec
        where = setting.origin.place if setting.origin else f"{spec.place}"
        raise ProblemsError(
            Problem(
                "setting-invalid",
                f'setting "{spec.name}" has no value that entrypoint can read',
                (
                    ("where", where),
                    ("value", shown(spec, as_text(setting)) or "(none)"),
                    ("expected", expected(spec)),
                ),
            )
        ) from None


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
