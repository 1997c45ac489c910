"""JVM options as text: splitting, joining, what an option is, what it sets, how it is shown.

Here: the syntax of options on any JDK. Which JDK takes which option is in `flags.py`. Nothing is ever
evaluated or expanded: JAVA_OPTIONS is data, not a program.
"""

from __future__ import annotations

import re

from entrypoint.errors import Problem, ProblemsError
from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Kind: TypeAlias = Literal[
        "flag", "value", "x", "property", "agent", "module", "argfile", "standard", "launch", "word"
    ]

# Linux refuses a longer single environment string (MAX_ARG_STRLEN), so a longer one is not one.
MAX_TEXT = 131072
MAX_OPTIONS = 2000
"""Options of one start, wherever they come from: far more than anybody has, and few enough to compare."""
_SPACE = " \t\r\n\f\v"
_ENDS_PLAIN = _SPACE + "'\"\\"
_SHELL_SYNTAX = r"\$\{?[A-Za-z_][A-Za-z0-9_]*\}?|\$\(|`"

TAKES_NEXT_WORD = frozenset({
    "--add-exports", "--add-modules", "--add-opens", "--add-reads", "--class-path", "--describe-module",
    "--enable-native-access", "--limit-modules", "--module", "--module-path", "--patch-module",
    "--source", "--upgrade-module-path", "-classpath", "-cp", "-jar", "-m", "-p",
})  # fmt: skip
"""Options whose value may be the word after them."""

_LONG_FORM = {
    "-p": "--module-path",
    "-m": "--module",
    "-cp": "-classpath",
    "--class-path": "-classpath",
}

_FROM_PROFILE = "name it in the profile: java.classpath"
_PRINTS = "run `java` by hand for that: the application would not start"
LAUNCH_OPTIONS = {
    "-jar": "name the jar in the profile: java.jar",
    "-classpath": _FROM_PROFILE,
    "--module": "name the main class in the profile: java.main",
    "--source": "compile first, then name the main class in the profile: java.main",
    "-version": _PRINTS, "--version": _PRINTS, "-fullversion": _PRINTS, "--full-version": _PRINTS,
    "-help": _PRINTS, "--help": _PRINTS, "-h": _PRINTS, "-?": _PRINTS, "-X": _PRINTS,
    "--help-extra": _PRINTS, "--dry-run": _PRINTS, "--list-modules": _PRINTS, "-d": _PRINTS,
    "--describe-module": _PRINTS, "--validate-modules": _PRINTS, "-XX:+PrintFlagsInitial": _PRINTS,
}  # fmt: skip
"""Options that decide what is started, or that start nothing: each with what to do instead."""

COLLECTORS = {
    "UseSerialGC": "Serial", "UseParallelGC": "Parallel", "UseParallelOldGC": "Parallel",
    "UseConcMarkSweepGC": "CMS", "UseParNewGC": "CMS", "UseG1GC": "G1", "UseZGC": "ZGC",
    "UseShenandoahGC": "Shenandoah", "UseEpsilonGC": "Epsilon",
}  # fmt: skip
"""Flag to collector: two flags of one collector go together, flags of two end the JVM."""

_ALIASES = {
    "-Xmx": ("MaxHeapSize",), "-Xms": ("InitialHeapSize",), "-Xmn": ("NewSize", "MaxNewSize"),
    "-Xss": ("ThreadStackSize",), "-Xmaxjitcodesize": ("ReservedCodeCacheSize",),
    "-Xloggc:": ("-Xloggc",), "-Xverify": ("-Xverify",), "-noverify": ("-Xverify",),
    "-Xshare:": ("-Xshare",), "-Xint": ("-Xmode",), "-Xcomp": ("-Xmode",), "-Xmixed": ("-Xmode",),
    "-Xrunjdwp": ("-agentlib:jdwp",), "-agentlib:jdwp": ("-agentlib:jdwp",),
    "-server": ("-server",), "-client": ("-server",), "--illegal-access": ("--illegal-access",),
}  # fmt: skip
# The JVM adds these up instead of letting the last one win.
_ADDS_UP = frozenset({"OnError", "OnOutOfMemoryError", "CompileCommand", "StartFlightRecording"})


@record
class Words:
    """Options, one an item; `stray` are the positions, counted from 1, of words that are none."""

    options: tuple[str, ...]
    stray: tuple[int, ...] = ()


def split(text: str, origin: str = "JAVA_OPTIONS") -> tuple[str, ...]:
    """Split a text into words as a POSIX shell quotes: '…', "…" and backslash; newlines separate.

    Nothing is expanded: `$VAR`, `$(…)` and backquotes stay as they are (see `unexpanded`), and `#` is
    an ordinary character. Raises ProblemsError with the position of a quote that is not closed.
    """
    return _split(text, origin, escapes=True)


def split_as_jvm(text: str, origin: str) -> tuple[str, ...]:
    """Split as the JVM splits JAVA_TOOL_OPTIONS: both quotes; a backslash is an ordinary character."""
    return _split(text, origin, escapes=False)


def pair(words: tuple[str, ...]) -> Words:
    """Join options with the word they take (`--add-opens X` → `--add-opens=X`), and find stray words.

    A launch option keeps its plain name and loses its word, which makes no sense without it.
    """
    options: list[str] = []
    stray: list[int] = []
    at = 0
    while at < len(words):
        word, has_next = words[at], at + 1 < len(words)
        at += 1
        if word in TAKES_NEXT_WORD:
            name = _LONG_FORM.get(word, word)
            at += has_next
            joined = has_next and name not in LAUNCH_OPTIONS
            options.append(f"{name}={words[at - 1]}" if joined else name)
        elif word.startswith(("-", "@")):
            options.append(word)
        else:
            stray.append(at)
    return Words(tuple(options), tuple(stray))


def unexpanded(option: str) -> str:
    """Return the first thing in an option that a shell would have expanded, or an empty string.

    Only its form is returned, never a value: `$NAME`, `$(` or a backquote.
    """
    found = re.search(_SHELL_SYNTAX, option)
    return found.group() if found else ""


def kind(option: str) -> Kind:
    """Tell what an option is: -XX flag or value, other -X, -D, agent, module option, @argfile, …"""
    if launch_name(option):
        return "launch"
    match option[:1], option[:2]:
        case "@", _:
            return "argfile"
        case _, "--":
            return "module"
        case _, "-D":
            return "property"
        case _, "-X" if option.startswith(("-XX:+", "-XX:-")):
            return "flag"
        case _, "-X" if option.startswith("-XX:"):
            return "value"
        case _, "-X":
            return "agent" if option.startswith("-Xrun") else "x"
        case "-", _:
            return "agent" if option.startswith(("-agent", "-javaagent:")) else "standard"
        case _:
            return "word"


def launch_name(option: str) -> str:
    """Return the name under which LAUNCH_OPTIONS knows this option, or an empty string."""
    name = option.partition("=")[0] if option.startswith("--") else option
    name = _LONG_FORM.get(name, name)
    return name if name in LAUNCH_OPTIONS else ""


def flag_name(option: str) -> str:
    """Return NAME of `-XX:+NAME`, `-XX:-NAME` and `-XX:NAME=value`; empty for any other option."""
    if not option.startswith("-XX:"):
        return ""
    return option[4:].lstrip("+-").partition("=")[0]


def keys(option: str) -> tuple[str, ...]:
    """Return what an option sets, for "the last one wins"; empty for options that add up.

    `-Xmx1g` and `-XX:MaxHeapSize=1g` set the same; `-Xmn` sets NewSize and MaxNewSize.
    """
    match kind(option):
        case "flag" | "value":
            name = flag_name(option)
            return () if name in _ADDS_UP else (name,)
        case "property":
            return (option.partition("=")[0],)
        case "launch" | "word" | "argfile":
            return ()
        case _:
            found = (aliased for prefix, aliased in _ALIASES.items() if option.startswith(prefix))
            alone = (option,) if option in ("-Xrs", "-Xbatch", "-Xdebug", "-Xnoagent") else ()
            return next(found, alone)


def collector(option: str) -> str:
    """Return the garbage collector that an option chooses (G1, CMS, …), or an empty string."""
    if option in ("-Xconcgc", "-Xincgc"):
        return "CMS"
    return COLLECTORS.get(option[5:], "") if option.startswith("-XX:+") else ""


def show(option: str) -> str:
    """Return an option as it may be printed: values that can hold a secret are hidden."""
    match kind(option):
        case "property" | "agent":
            name, equals, _ = option.partition("=")
            return name + ("=…" if equals else "")
        case "word":
            return "…"
        case _:
            return option if len(option) <= 100 else option[:99] + "…"


def too_many(origin: str) -> Problem:
    """Return the problem of more options than anybody has."""
    return Problem(
        "jvm-options-long",
        f"cannot read {origin}: too many options",
        (
            ("expected", f"at most {MAX_OPTIONS} options"),
            ("fix", "check that the right file is read"),
        ),
    )


def _split(text: str, origin: str, *, escapes: bool) -> tuple[str, ...]:
    if len(text) > MAX_TEXT:
        raise ProblemsError(_too_long(len(text), origin))
    words: list[list[str]] = []
    inside = False
    at = 0
    while at < len(text):
        if text[at] in _SPACE:
            inside, at = False, at + 1
            continue
        piece, at = _read_piece(text, at, origin, escapes)
        if piece is None:
            continue
        if not inside:
            words.append([])
            inside = True
        words[-1].append(piece)
        if len(words) > MAX_OPTIONS:
            raise ProblemsError(too_many(origin))
    return tuple("".join(pieces) for pieces in words)


def _read_piece(text: str, at: int, origin: str, escapes: bool) -> tuple[str | None, int]:
    """Read plain text or one quoted piece: (its text, the position after it).

    None is a continued line: nothing at all, where '' is an empty word.
    """
    char = text[at]
    if char in "'\"":
        if char == '"' and escapes:
            return _read_double(text, at, origin)
        end = text.find(char, at + 1)
        if end < 0:
            raise ProblemsError(_unclosed(text, at, origin))
        return text[at + 1 : end], end + 1
    if char == "\\" and escapes:
        escaped = text[at + 1 : at + 2]
        return (None if escaped == "\n" else escaped or "\\"), at + 2
    end = at + 1
    while end < len(text) and text[end] not in _ENDS_PLAIN:
        end += 1
    return text[at:end], end


def _read_double(text: str, start: int, origin: str) -> tuple[str, int]:
    piece: list[str] = []
    at = start + 1
    while at < len(text):
        char = text[at]
        if char == '"':
            return "".join(piece), at + 1
        # Inside double quotes a shell's backslash escapes only these.
        if char == "\\" and text[at + 1 : at + 2] in ('"', "\\", "$", "`", "\n"):
            at += 1
            char = "" if text[at] == "\n" else text[at]
        piece.append(char)
        at += 1
    raise ProblemsError(_unclosed(text, start, origin))


def _unclosed(text: str, at: int, origin: str) -> Problem:
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    return Problem(
        "jvm-options-quote",
        f"cannot split {origin}: a quote is not closed",
        (
            ("where", f"{origin}, line {line}, column {column}: {text[at]}"),
            ("expected", "every ' and \" in pairs; a lone one is written \\' or \\\""),
            ("fix", "close the quote (the text is not shown: it may hold a secret)"),
        ),
    )


def _too_long(length: int, origin: str) -> Problem:
    return Problem(
        "jvm-options-long",
        f"cannot read {origin}: {length} characters are too many",
        (("expected", f"at most {MAX_TEXT} characters"), ("fix", "move options into an @argfile")),
    )
