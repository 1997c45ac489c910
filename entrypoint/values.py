"""Small values that all parts share: secrets, origins, and text with units.

Here: `Secret`, its digest, `Origin`, text from outside on one line, and parse/print pairs for durations,
sizes, ports and addresses. No input or output. Parsers raise `ValueError` whose message says what was
expected; callers add the place.
"""

from __future__ import annotations

from entrypoint.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MASK: Final = "●●●●●●"


class Secret:
    """Text that hides itself in repr, str and format; only `.reveal()` gives it out."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret text; call it only where the secret is written or sent."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (self._text,)


@record
class SecretDigest:
    """What a secret is known again by, and nobody can have it from: salted, and always as long."""

    salt: bytes
    digest: bytes

    @classmethod
    def of(cls, text: str, salt: bytes) -> SecretDigest:
        """Return the digest of a text; the salt has at most 64 bytes."""
        from _blake2 import blake2b  # noqa: PLC0415 - hashlib loads OpenSSL

        data = text.encode("latin-1", "replace")
        return cls(salt, blake2b(data, key=salt, digest_size=32).digest())

    def fits(self, text: str) -> bool:
        """Tell whether this is the text, in a time that does not tell how much of it is."""
        from _operator import _compare_digest as same  # noqa: PLC0415 - `hmac` imports hashlib

        return same(SecretDigest.of(text, self.salt).digest, self.digest)


def reveal(value: str | Secret) -> str:
    """Return the text of a value, secret or not: for writing and sending, never for showing."""
    return value.reveal() if isinstance(value, Secret) else value


@record
class Origin:
    """Where a value comes from: `kind` is a step of the precedence ladder, `place` the exact spot.

    Kinds, lowest to highest: profile, registration, image file, mounted file, secret file,
    environment, command line. "computed" is for values that we derive.
    """

    kind: str
    place: str

    def __str__(self) -> str:
        return f"{self.kind} {self.place}"


PRECEDENCE: Final = (
    "profile",
    "registration",
    "image file",
    "mounted file",
    "secret file",
    "environment",
    "command line",
)

_DURATION_MS: Final = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "min": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
}
_SIZE_SHIFT: Final = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


def parse_duration(text: str, unit: str = "s") -> float:
    """Return seconds for "20s", "500ms", "1h30m"; a bare number counts in `unit`."""
    rest = text.strip().lower()
    if not rest:
        raise ValueError("a duration such as 20s, 500ms or 1h30m")
    total = 0.0
    while rest:
        number, rest = _leading(rest, "0123456789.")
        name, rest = _leading(rest, "abcdefghijklmnopqrstuvwxyz")
        scale = _DURATION_MS.get(name or unit)
        if number.count(".") > 1 or number in {"", "."} or scale is None:
            raise ValueError("a duration such as 20s, 500ms or 1h30m")
        total += float(number) * scale
        if total > 365 * 86_400_000:
            raise ValueError("a duration of at most one year")
    return total / 1000


def format_duration(seconds: float) -> str:
    """Return a short text such as 850ms, 5.3s, 1m30s, 5h47m or 3d4h."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    if seconds < 60:
        return f"{seconds:.1f}".rstrip("0").rstrip(".") + "s"
    whole = int(seconds)
    for big, big_name, small, small_name in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "m"),
        (60, "m", 1, "s"),
    ):
        if whole >= big:
            rest = whole % big // small
            return f"{whole // big}{big_name}" + (f"{rest}{small_name}" if rest else "")
    raise AssertionError("unreachable")


def duration_in(seconds: float, unit: str) -> str:
    """Return the duration as a whole number of `unit`, as config files want it."""
    return str(round(seconds * 1000 / _DURATION_MS[unit]))


def parse_size(text: str) -> int:
    """Return bytes for "64m", "64MiB", "64Mi", "1g" or "65536"; k, m, g, t are powers of 1024 as in Java."""
    number, suffix = _leading(text.strip().lower(), "0123456789")
    suffix = suffix.strip().removesuffix("b")
    suffix = suffix.removesuffix("i") if len(suffix) > 1 else suffix
    if not number or len(number) > 18 or suffix not in _SIZE_SHIFT:
        raise ValueError("a size such as 64m, 512MiB, 1g or 65536")
    return int(number) << _SIZE_SHIFT[suffix]


def format_size(size: int) -> str:
    """Return a size as people say it: 512 MiB, 1.5 GiB, 300 B."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024 or (unit == "MiB" and amount < 10240 and not (amount / 1024).is_integer()):
            return f"{amount:.1f}".removesuffix(".0") + f" {unit}"
        amount /= 1024
    return f"{amount:.1f}".removesuffix(".0") + " GiB"


def one_line(text: str, limit: int = 300) -> str:
    """Return text that came from outside as one line without control characters, cut at `limit`."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def parse_port(text: str) -> int:
    """Return a TCP port, 1 to 65535."""
    if not text.strip().isascii() or not text.strip().isdigit() or not 1 <= int(text[:9]) <= 65535:
        raise ValueError("a port from 1 to 65535")
    return int(text)


def parse_address(text: str, default_port: int | None = None) -> tuple[str, int]:
    """Return (host, port) for "host:port" or "[v6]:port"."""
    text = text.strip()
    host, colon, port = text.rpartition(":")
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        colon, port = (":", port[1:]) if bracket and port.startswith(":") else ("", "")
    elif not colon:
        host = text
    if not colon and default_port is not None:
        port = str(default_port)
    if (
        not host
        or any(c.isspace() or c in "/@,;" for c in host)
        or (":" in host and text[0] != "[")
    ):
        raise ValueError("an address such as host:2181")
    try:
        return host, parse_port(port)
    except ValueError:
        raise ValueError("an address such as host:2181") from None


def _leading(text: str, alphabet: str) -> tuple[str, str]:
    end = len(text) - len(text.lstrip(alphabet))
    return text[:end], text[end:]
