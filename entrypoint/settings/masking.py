"""Hiding secrets in what is shown: values of settings, URLs, options, and words of a command line.

Here: what logs, plans, problems and recordings mask in a text. The value of a secret setting is a `Secret`
already; this is about those inside of other text. Pure.
"""

from __future__ import annotations

import re

from entrypoint.values import MASK, Secret, format_size, parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from entrypoint.profile.schema import SettingSpec

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
