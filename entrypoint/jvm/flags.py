"""What becomes of one option on one JDK: kept, dropped, replaced, refused, or for the JVM to tell.

Here: `judge`, which reads the table of `flag_table.py`, and the check of a value's form and range.
What options do to each other (one collector, one heap) is in `command.py`.
"""

from __future__ import annotations

import re
from functools import lru_cache  # re has loaded it already

from entrypoint.jvm import flag_table, flag_types, gclog
from entrypoint.jvm.options import flag_name, kind
from entrypoint.jvm.release import OLDEST_FEATURE, JdkRange
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

WORKS = "works"
UNLOCK = {
    "experimental": "-XX:+UnlockExperimentalVMOptions",
    "diagnostic": "-XX:+UnlockDiagnosticVMOptions",
}

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = r"(0[xX][0-9a-fA-F]{1,16}|\d{1,19})([kKmMgGtT]?)"
_INT = r"-?(0[xX][0-9a-fA-F]{1,16}|\d{1,19})[kKmMgGtT]?"
_PERCENT = r"\d{1,3}(?:\.\d{0,17})?"
_SHORT_SIZES = {"-Xmx": "MaxHeapSize", "-Xms": "InitialHeapSize", "-Xmn": "NewSize",
                "-Xss": "ThreadStackSize", "-Xmaxjitcodesize": "ReservedCodeCacheSize"}  # fmt: skip
_MIN_HEAP = 2 << 20
_MIN_STACK_8 = 228 << 10
_MAX_STACK = 1 << 30
# 8 checks this range only; it takes any other number as it comes.
_CHECKED_BY_8 = frozenset({"MaxTenuringThreshold"})
_LOG_NAME_OF_8 = r"[A-Za-z0-9/_.%-]*"
_SIZE_FORM = "a whole number with k, m or g, such as 512m"


@record
class Keep:
    """The option stays as it is; a reason tells what the JVM itself will warn about."""

    effect: str = WORKS
    reason: str = ""


@record
class Drop:
    """The option is left out; `effect` is what this JVM would have done with it."""

    reason: str
    effect: str = "fatal"


@record
class Replace:
    """Other options take its place; `effect` is what this JVM would have done with the original."""

    options: tuple[str, ...]
    reason: str
    effect: str = "fatal"


@record
class Refuse:
    """The option cannot be given to this JVM, and nothing else means the same."""

    reason: str
    fix: str = ""
    expected: str = ""


@record
class Unknown:
    """The table cannot tell: a dry run has to ask this JVM."""

    reason: str = ""


if TYPE_CHECKING:
    Verdict: TypeAlias = Keep | Drop | Replace | Refuse | Unknown
    Rule: TypeAlias = tuple[JdkRange, str, str, str, str]


def judge(option: str, feature: int) -> Verdict:
    """Tell what to do with one option on a JDK of this feature number.

    Options that take a word have it joined (`--add-opens=X`). A wrong value is refused whatever the
    JDK, unless the option is dropped anyway.
    """
    rule = _find_rule(option, feature)
    if rule is not None and rule[2] == "drop":
        return Drop(rule[4], rule[1])
    wrong = check_value(option, feature)
    if wrong is not None:
        return wrong
    if rule is not None:
        return _apply(rule, option)
    return _judge_typed(option, feature)


def is_legacy_gc_log(option: str, feature: int) -> bool:
    """Tell whether an option is one of 8's GC logging options on a JDK that has -Xlog instead."""
    rule = _find_rule(option, feature)
    return rule is not None and rule[2] == "gc-log"


def check_value(option: str, feature: int) -> Refuse | None:
    """Return why an option's form or value is wrong on any build of this JDK, or None."""
    short = next((prefix for prefix in _SHORT_SIZES if option.startswith(prefix)), "")
    if short:
        return _check_size(_SHORT_SIZES[short], option[len(short) :], feature)
    if (
        feature <= 8
        and option.startswith("-Xloggc:")
        and not re.fullmatch(_LOG_NAME_OF_8, option[8:])
    ):
        return Refuse(
            "JDK 8 does not take this file name", expected="letters, digits, / _ . - %p %t"
        )
    name = flag_name(option)
    value_type = _type_of(name)
    if not value_type:
        return None
    is_bool = value_type == "bool"
    if kind(option) == "flag":
        return None if is_bool else Refuse("it takes a value", f"write -XX:{name}=VALUE")
    if is_bool:
        return Refuse("it takes no value", f"write -XX:+{name} or -XX:-{name}")
    _, equals, value = option.partition("=")
    if not equals:
        return Refuse("it takes a value", f"write -XX:{name}=VALUE")
    return _check_typed(name, value_type, value, feature)


def parse_size(value: str) -> int | None:
    """Return a size as the JVM reads it (512m, 0x4000000), in bytes; None when it is none."""
    found = re.fullmatch(_SIZE, value)
    return (
        int(found[1], 0 if "x" in found[1].lower() else 10) * _UNITS[found[2].lower()]
        if found
        else None
    )


# The same option is looked up three times in each of the two assemblies of a plan.
@lru_cache(maxsize=1024)
def _find_rule(option: str, feature: int) -> Rule | None:
    """Return the row for an option: an exact pattern goes before an open one, a long before a short."""
    exact, prefixes = _rules()
    signed = "-XX:±" + option[5:] if kind(option) == "flag" else option
    rows = [*exact.get(option, ()), *exact.get(signed, ())]
    rows += [
        row for prefix, row in prefixes if option.startswith(prefix) or signed.startswith(prefix)
    ]
    return next((row for row in rows if row[0].contains(feature)), None)


_cache: list[tuple[dict[str, list[Rule]], list[tuple[str, Rule]]]] = []


def _rules() -> tuple[dict[str, list[Rule]], list[tuple[str, Rule]]]:
    """Return the table, read once: exact patterns by text, open ones by their beginning."""
    if not _cache:
        exact: dict[str, list[Rule]] = {}
        prefixes: list[tuple[str, Rule]] = []
        for pattern, jdks, effect, action, text, reason in flag_table.RULES:
            rule = (JdkRange.parse(jdks), effect, action, text, reason)
            if pattern.endswith("*"):
                prefixes.append((pattern[:-1], rule))
            else:
                exact.setdefault(pattern, []).append(rule)
        prefixes.sort(key=lambda row: -len(row[0]))
        _cache.append((exact, prefixes))
    return _cache[0]


def _apply(rule: Rule, option: str) -> Verdict:
    _, effect, action, text, reason = rule
    match action:
        case "keep":
            return Keep(effect, reason)
        case "replace":
            return Replace(tuple(text.split()), reason, effect)
        case "refuse":
            return Refuse(reason, text)
        case "ask":
            return Unknown(reason)
        case "unlock":
            return Replace((UNLOCK[text], option), reason, effect)
        case _:
            return _REWRITES[action](option, text, reason, effect)


def _rewrite_fraction(option: str, name: str, reason: str, effect: str) -> Verdict:
    percent = 100 / int(option.partition("=")[2], 0)
    return Replace((f"-XX:{name}={_decimal(percent)}",), f"{reason}: a percentage now", effect)


def _rewrite_decimal(option: str, _text: str, reason: str, effect: str) -> Verdict:
    if "." in option:
        return Keep(effect)
    return Replace((option + ".0",), reason, "fatal")


def _rewrite_jdwp(option: str, _text: str, reason: str, effect: str) -> Verdict:
    return Replace(("-agentlib:jdwp=" + option.partition(":")[2],), reason, effect)


def _rewrite_gc_log(option: str, _text: str, reason: str, effect: str) -> Verdict:
    unified = gclog.unify((option,))
    return Replace((unified,), reason, effect) if unified else Drop(reason, effect)


def _rewrite_xlog(option: str, _text: str, reason: str, effect: str) -> Verdict:
    legacy = gclog.to_legacy(option)
    if not legacy:
        return Drop(f"{reason}, and 8 has nothing like it", effect)
    wrong = next(
        (refusal for text in legacy if (refusal := check_value(text, OLDEST_FEATURE))), None
    )
    return wrong or Replace(legacy, reason, effect)


_REWRITES: dict[str, Callable[[str, str, str, str], Verdict]] = {
    "fraction": _rewrite_fraction,
    "decimal": _rewrite_decimal,
    "jdwp": _rewrite_jdwp,
    "gc-log": _rewrite_gc_log,
    "legacy-log": _rewrite_xlog,
}


def _judge_typed(option: str, feature: int) -> Verdict:
    """Judge an option that no row names: the common flags and sizes, which simply work."""
    if option.startswith(tuple(_SHORT_SIZES)):
        return Keep()
    name = flag_name(option)
    for _, jdks, unlock, names in flag_types.TYPED:
        if name in names.split() and JdkRange.parse(jdks).contains(feature):
            return Replace((UNLOCK[unlock], option), f"it is {unlock}") if unlock else Keep()
    return Unknown("this table does not know it")


def _type_of(name: str) -> str:
    return next((row[0] for row in flag_types.TYPED if name and name in row[3].split()), "")


def _check_typed(name: str, value_type: str, value: str, feature: int) -> Refuse | None:
    form, _, bounds = value_type.partition(" ")
    match form:
        case "size":
            return _check_size(name, value, feature)
        case "int":
            checked = feature > 8 or name in _CHECKED_BY_8
            return _check_int(value, bounds if checked else "")
        case "percent":
            fits = re.fullmatch(_PERCENT, value) is not None and float(value) <= 100
            return None if fits else Refuse("its value is no percentage", expected="0.0 to 100.0")
        case "text":
            return None
        case _:
            return (
                None
                if value in form.split("|")
                else Refuse("its value is none of those", expected=form)
            )


def _check_size(name: str, value: str, feature: int) -> Refuse | None:
    size = parse_size(value)
    if size is None or (feature <= 8 and "x" in value.lower()):
        return Refuse("its value is no size", expected=_SIZE_FORM)
    if name == "MaxHeapSize" and size < _MIN_HEAP and (feature > 8 or size == 0):
        return Refuse("the heap is too small", expected="at least 2m")
    if name == "ThreadStackSize" and size > _MAX_STACK:
        return Refuse("the thread stack is too large", expected="at most 1g")
    if name == "ThreadStackSize" and feature <= 8 and 0 < size < _MIN_STACK_8:
        return Refuse("the thread stack is too small", "use -Xss256k", "at least 228k on JDK 8")
    return None


def _check_int(value: str, bounds: str) -> Refuse | None:
    if re.fullmatch(_INT, value) is None:
        return Refuse("its value is no whole number", expected=_bounds_text(bounds))
    if not bounds:
        return None
    low, _, high = bounds.partition("..")
    number = int(value, 16) if "x" in value.lower() else _plain(value)
    if number < int(low) or (high and number > int(high)):
        return Refuse("its value is out of range", expected=_bounds_text(bounds))
    return None


def _plain(value: str) -> int:
    unit = value[-1].lower() if value[-1].isalpha() else ""
    return int(value[: len(value) - len(unit)]) * _UNITS[unit]


def _bounds_text(bounds: str) -> str:
    low, _, high = bounds.partition("..")
    if not bounds:
        return "a whole number"
    return f"{low} to {high}" if high else f"at least {low}"


def _decimal(number: float) -> str:
    text = f"{number:.4f}".rstrip("0")
    return text + "0" if text.endswith(".") else text
