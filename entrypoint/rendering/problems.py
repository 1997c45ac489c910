"""What can be wrong with a .properties file, in words. No value ever shows: it may be a password."""

from __future__ import annotations

from entrypoint.errors import Problem


def shown(key: str) -> str:
    """Return a key as a message shows it: ASCII, quoted, not too long."""
    return ascii(key) if len(key) <= 80 else ascii(key[:80]) + "…"


def too_large(source: str, size: int, size_limit: int, entry_limit: int) -> Problem:
    """Return the problem of a file beyond the limits."""
    return Problem(
        "properties-too-large",
        f"{source} is too large for a properties file",
        (
            ("where", source),
            ("value", f"{size} bytes"),
            ("expected", f"at most {size_limit} bytes and {entry_limit} keys"),
            ("fix", "check that the right file is mounted"),
        ),
    )


def bad_escape(place: str) -> Problem:
    r"""Return the problem of a `\u` without four hexadecimal digits."""
    return Problem(
        "properties-escape",
        rf"malformed \u escape in {place}",
        (
            ("where", place),
            (
                "expected",
                r"\u and four hexadecimal digits, for example \u00e9; Java refuses the file",
            ),
            ("fix", r"write a literal backslash as two: C:\\users"),
        ),
    )


def half_pair(place: str) -> Problem:
    """Return the problem of a character that is half a UTF-16 pair."""
    return Problem(
        "properties-surrogate",
        f"half a UTF-16 pair in {place}",
        (
            ("where", place),
            ("expected", r"both halves of a character beyond \uffff, for example \ud83d\ude00"),
            ("fix", "write the missing half, or remove the escape"),
        ),
    )


def not_text(key: str) -> Problem:
    """Return the problem of a value that holds bytes which are not UTF-8."""
    return Problem(
        "value-not-text",
        f"the value for {shown(key)} is not Unicode text",
        (
            ("where", f"key {shown(key)}"),
            ("expected", "UTF-8 in the environment and in mounted files"),
            ("fix", "encode the value as UTF-8 where it is set"),
        ),
    )
