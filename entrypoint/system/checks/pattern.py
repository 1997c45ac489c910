"""The `contains` argument of checks: plain text, or a regular expression between slashes."""

from __future__ import annotations


def contains(data: bytes, wanted: str) -> bool:
    """Return whether `data` holds `wanted`: text as it is, or `/regular expression/`.

    A regular expression sees UTF-8 text line by line (`^` and `$` match at line ends); one that does
    not compile is a ValueError.
    """
    if len(wanted) < 3 or wanted[0] != "/" or wanted[-1] != "/":
        return wanted.encode() in data
    # Only here: `re` costs PID 1 a megabyte that most checks never need.
    import re  # noqa: PLC0415

    try:
        expression = re.compile(wanted[1:-1], re.MULTILINE)
    except re.error as error:
        raise ValueError(f"a regular expression between slashes ({error})") from None
    return expression.search(data.decode("utf-8", "replace")) is not None
