"""What a scalar of a profile may be: the kinds that the grammar's table is made of.

Here: for each kind what a person is told, what the JSON Schema says, and the test that we apply. Pure.
"""

from __future__ import annotations

import re

from entrypoint.records import record
from entrypoint.values import parse_duration, parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@record
class Kind:
    """What a scalar may be: `expected` for a person, `json` for the JSON Schema, `accepts` for us.

    `accepts` is given the text as written and whether it stood without quotes. `references` tells
    whether `{name}` has a meaning in it: "" no, "any", "argv" (no secrets), or "setting" (it is one).
    """

    expected: str
    json: Mapping[str, object]
    accepts: Callable[[str, bool], bool]
    references: str = ""


_SCALAR: Mapping[str, object] = {"type": ["string", "number", "boolean"]}
_REFERENCE_TEXT = "a text, which may hold {references}"


def _matches(pattern: str) -> Callable[[str, bool], bool]:
    # Not compiled before it is used: most patterns of the grammar are not met in a start.
    return lambda text, _plain: re.fullmatch(pattern, text, re.ASCII) is not None


def _pattern(expected: str, pattern: str, *types: str) -> Kind:
    json = {"type": ["string", *types], "pattern": f"^(?:{pattern})$"}
    return Kind(expected, json, _matches(pattern))


def _parses(parse: Callable[[str], object]) -> Callable[[str, bool], bool]:
    def accepts(text: str, _plain: bool) -> bool:
        if "{" in text:
            return True
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return accepts


def _is_bool(text: str, plain: bool) -> bool:
    return plain and text.lower() in {"true", "false", "yes", "no", "on", "off"}


def _is_jdk_range(text: str, _plain: bool) -> bool:
    match = re.fullmatch(r"([1-9][0-9]?)(-([1-9][0-9]?)?)?", text, re.ASCII)
    return match is not None and (not match[3] or int(match[1]) <= int(match[3]))


def _is_percent(text: str, _plain: bool) -> bool:
    return "{" in text or (
        re.fullmatch(r"[0-9]{1,3}%?", text, re.ASCII) is not None
        and 1 <= int(text.rstrip("%")) <= 100
    )


def _any_text(_text: str, _plain: bool) -> bool:
    return True


KINDS: Mapping[str, Kind] = {
    "text": Kind("a text", _SCALAR, _any_text),
    "reference": Kind(_REFERENCE_TEXT, _SCALAR, _any_text, "any"),
    "argv": Kind(_REFERENCE_TEXT, _SCALAR, _any_text, "argv"),
    "setting": Kind("the name of a setting", _SCALAR, _any_text, "setting"),
    "bool": Kind("true or false", {"type": "boolean"}, _is_bool),
    "true": Kind("true", {"const": True}, lambda text, plain: plain and text.lower() == "true"),
    "count": Kind(
        "a whole number from 1 to 999999999",
        {"type": "integer", "minimum": 1, "maximum": 999_999_999},
        lambda text, plain: plain and re.fullmatch(r"[1-9][0-9]{0,8}", text, re.ASCII) is not None,
    ),
    "exit-code": _pattern("an exit code from 0 to 255", r"[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]"),
    "answer": Kind(
        "an exit code from 0 to 255",
        {"type": "integer", "minimum": 0, "maximum": 255},
        lambda text, plain: plain
        and re.fullmatch(r"0|[1-9][0-9]{0,2}", text, re.ASCII) is not None
        and int(text) <= 255,
    ),
    "mode": _pattern('octal permissions such as "0600" or "0644"', r"0?[0-7]{3}", "integer"),
    "profile-name": _pattern("a name such as otter-node (a-z, 0-9, -)", r"[a-z][a-z0-9-]{0,62}"),
    "name": _pattern("a name such as http-port (letters, digits, . _ -)", r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"),
    "setting-name": _pattern(
        "a name such as database.url (a-z, 0-9, words joined by . or -)",
        r"[a-z][a-z0-9]*([.-][a-z0-9]+)*",
    ),
    "variable": _pattern("a name such as OTTER_PORT (letters, digits, _)", r"[A-Za-z_][A-Za-z0-9_]{0,99}"),
    "property": _pattern("a key without spaces, = or :", r"[^\s=:#!]+"),
    "folder": _pattern("an absolute path", r"/[^{}]*"),
    "duration": Kind(
        "a duration such as 20s or 500ms, or a {reference}", _SCALAR, _parses(parse_duration), "any"
    ),
    "size": Kind("a size such as 64m, or a {reference}", _SCALAR, _parses(parse_size), "any"),
    "percent": Kind("a percentage from 1 to 100, or a {reference}", _SCALAR, _is_percent, "any"),
    "jdk-range": Kind(
        "a JDK or a range of them such as 8, 9- or 11-17",
        {"type": ["string", "integer"], "pattern": "^[1-9][0-9]?(-([1-9][0-9]?)?)?$"},
        _is_jdk_range,
    ),
}  # fmt: skip
