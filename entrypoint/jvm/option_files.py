"""Files of JVM options, in the syntax that Elasticsearch made known: one option a line.

Here: text of a file in, options with their lines out, and which paths a pattern means. `#` begins a
comment line; `8:`, `8-:` and `8-13:` before an option tell the JDKs that it is for. Pure.
"""

from __future__ import annotations

import os.path
import re

from entrypoint.errors import Problem
from entrypoint.jvm.options import MAX_OPTIONS, MAX_TEXT, TAKES_NEXT_WORD, too_many
from entrypoint.jvm.release import JdkRange
from entrypoint.records import record

MAX_PROBLEMS = 50
"""Of one file: what is no options file at all has one on every line."""
_LINE = r"(?:(?P<jdks>[0-9]{1,3}(?:-[0-9]{0,3})?):)?(?P<option>-\S.*)"


@record
class FileOption:
    """An option of a file, or an option and the word that it takes; `place` is `/a/jvm.options:7`."""

    words: tuple[str, ...]
    place: str


@record
class FileOptions:
    """What a file says to one JDK, in its order, and what is wrong with it, whatever the JDK."""

    options: tuple[FileOption, ...] = ()
    problems: tuple[Problem, ...] = ()


def parse(content: bytes, path: str, feature: int) -> FileOptions:
    """Return the options of a file that are for a JDK of this feature number.

    A whole line is one option: there are no quotes, and blanks inside belong to it.
    """
    if reason := too_large(content):
        return FileOptions(problems=(unreadable(path, reason),))
    text = decode(content)
    if text is None:
        return FileOptions(problems=(unreadable(path, "not UTF-8 text"),))
    options: list[FileOption] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if len(problems) >= MAX_PROBLEMS:
            break
        if len(options) > MAX_OPTIONS:
            return FileOptions(problems=(too_many(path),))
        line, place = line.strip(), f"{path}:{number}"  # noqa: PLW2901 - the same line, without its end
        if not line or line.startswith("#"):
            continue
        found = re.fullmatch(_LINE, line)
        if found is None or "\0" in line:
            problems.append(_malformed(place))
            continue
        try:
            wanted = JdkRange.parse(found["jdks"] or "").contains(feature)
        except ValueError as error:
            problems.append(_malformed(place, str(error)))
            continue
        if wanted:
            options.append(FileOption(_words(found["option"]), place))
    return FileOptions(tuple(options), tuple(problems))


def matches(pattern: str, path: str) -> bool:
    """Tell whether a path is meant by a pattern: `*` in its last part stands for any text.

    As in a shell, a `*` does not begin a hidden name: the folders of a ConfigMap hold some.
    """
    folder, name = os.path.split(pattern)
    parent, base = os.path.split(path)
    if folder != parent or (base.startswith(".") and not name.startswith(".")):
        return False
    # Not as an expression: a name of a hundred stars would be tried in more ways than there is time for.
    first, *inner = name.split("*")
    if not inner:
        return base == name
    last = inner.pop()
    if len(base) < len(first) + len(last) or not (base.startswith(first) and base.endswith(last)):
        return False
    at, end = len(first), len(base) - len(last)
    for part in inner:
        found = base.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def too_large(content: bytes) -> str:
    """Return why a file cannot be one of options, "" where its size is no reason."""
    return f"larger than {MAX_TEXT >> 10} KiB" if len(content) > MAX_TEXT else ""


def decode(content: bytes) -> str | None:
    """Return the text of an options file, without a byte order mark; None when it is no UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def unreadable(place: str, reason: str, path: str = "") -> Problem:
    """Return the problem of an options file, or of the `path` that is named at a place."""
    value = (("value", path),) if path else ()
    return Problem(
        "options-file-unreadable",
        "cannot read a file of JVM options",
        (
            ("where", place),
            *value,
            ("says", reason),
            ("fix", "mount the file, or correct its path"),
        ),
    )


def _words(option: str) -> tuple[str, ...]:
    """Return the option, or an option and the word that it takes (`--add-opens a/b=c`)."""
    name, *rest = option.split(None, 1)
    return (name, *rest) if name in TAKES_NEXT_WORD else (option,)


def _malformed(place: str, reason: str = "") -> Problem:
    says = (("says", reason),) if reason else ()
    return Problem(
        "options-file-line",
        "a line of an options file is no option",
        (
            ("where", f"{place} (not shown: it may hold a secret)"),
            *says,
            ("expected", "one option a line, such as -Xmx1g, 8:-XX:+UseParallelGC or 11-17:-Xint"),
            (
                "fix",
                "begin the line with - or with JDKs such as 8-13: and -, or with # for a comment",
            ),
        ),
    )
