"""What JDK this is: its release file, its `-version` text, and ranges of JDKs.

Here: text in, records out. Finding a JDK and running java belong to `system/`.
"""

from __future__ import annotations

import re

from entrypoint.records import record

OLDEST_FEATURE = 8
LATEST_MEASURED = 25
"""The newest JDK whose options were measured: for later ones the JVM itself has the last word."""

_VERSION = re.compile(
    r"""(?:1\.(?P<old>[5-8])(?:\.0)?(?:_(?P<update>\d+))?)      # 1.8.0_504
      | (?:(?P<feature>\d{1,3})(?P<rest>(?:\.\d+)*))            # 17.0.15
    """,
    re.VERBOSE,
)
_BANNER = re.compile(r'^(?P<vendor>\S+) version "(?P<version>[^"\s]{1,64})"', re.MULTILINE)
_RANGE = re.compile(r"(?P<low>\d{1,3})?(?P<dash>-)?(?P<high>\d{1,3})?")
_ASSIGNMENT = re.compile(r'^([A-Z_]+)="?([^"\n]*)"?\s*$', re.MULTILINE)
_MAX_TEXT = 64 * 1024
_MAX_VERSION = 64

# Who builds it, as the third line of `java -version` or IMPLEMENTOR names it; the first hit counts.
_VENDORS = (
    ("Semeru", "IBM Semeru"),
    ("Temurin", "Eclipse Adoptium"),
    ("GraalVM", "GraalVM"),
    ("Corretto", "Amazon Corretto"),
    ("Zulu", "Azul Zulu"),
    ("Liberica", "BellSoft Liberica"),
    ("SapMachine", "SapMachine"),
    ("Microsoft", "Microsoft"),
    ("Red_Hat", "Red Hat"),
    ("Debian", "Debian"),
    ("Ubuntu", "Ubuntu"),
    ("OpenJ9", "Eclipse OpenJ9"),
    ("Java(TM)", "Oracle"),
    ("OpenJDK", "OpenJDK"),
)


@record
class Jdk:
    """A JDK at hand: `java` is the executable; `version` is as people say it (8u504, 17.0.15)."""

    home: str
    java: str
    feature: int
    version: str
    vendor: str
    vm: str = "HotSpot"


@record
class Release:
    """What a JDK says about itself; `vm` is HotSpot or OpenJ9."""

    feature: int
    version: str
    vendor: str
    vm: str = "HotSpot"

    def at(self, home: str, java: str) -> Jdk:
        """Return the JDK with this release at a place."""
        return Jdk(home, java, self.feature, self.version, self.vendor, self.vm)


@record
class JdkRange:
    """A set of JDKs by feature number: inclusive (low, high) pairs; high None has no end."""

    parts: tuple[tuple[int, int | None], ...] = ()

    @classmethod
    def parse(cls, text: str) -> JdkRange:
        """Read `8`, `8-13`, `9-`, `-17` or `8,11,17-`; empty means any JDK.

        A ValueError tells what is wrong and what is expected.
        """
        if not text.strip():
            return cls()
        return cls(tuple(_parse_part(part.strip()) for part in text.split(",")))

    def contains(self, feature: int) -> bool:
        """Tell whether a JDK of this feature number is in the range."""
        if not self.parts:
            return True
        return any(low <= feature and (high is None or feature <= high) for low, high in self.parts)

    def __str__(self) -> str:
        return ", ".join(_part_text(low, high) for low, high in self.parts) or "any"


def parse_release(text: str) -> Release | None:
    """Read `$JAVA_HOME/release`; None when it does not tell the version (Debian's 8 has no file)."""
    values = dict(_ASSIGNMENT.findall(text[:_MAX_TEXT]))
    version = _parse_version(values.get("JAVA_VERSION", "")[:_MAX_VERSION])
    if version is None:
        return None
    vm = "OpenJ9" if "j9" in values.get("JVM_VARIANT", "").lower() else "HotSpot"
    named = " ".join(values.get(key, "") for key in ("IMPLEMENTOR_VERSION", "JAVA_RUNTIME_VERSION"))
    vendor = values.get("IMPLEMENTOR") or _vendor_in(named)
    return Release(*version, vendor if vendor not in ("", "N/A") else "unknown", vm)


def parse_version_output(text: str) -> Release | None:
    """Read what `java -version` writes to stderr; None when no line of it names a version.

    Lines before the banner are skipped: the JVM first says what it picked up from JAVA_TOOL_OPTIONS.
    """
    text = text[:_MAX_TEXT]
    banner = _BANNER.search(text)
    version = _parse_version(banner["version"]) if banner else None
    if banner is None or version is None:
        return None
    vm = "OpenJ9" if "OpenJ9" in text or "IBM J9" in text else "HotSpot"
    return Release(*version, _vendor_in(text[banner.start() :]) or "unknown", vm)


def identify(home: str, java: str, release_text: str, version_text: str) -> Jdk | None:
    """Return the JDK at a place from its release file, else from its `-version` text."""
    release = parse_release(release_text) or parse_version_output(version_text)
    return release.at(home, java) if release else None


def _parse_version(text: str) -> tuple[int, str] | None:
    found = _VERSION.match(text)
    if found is None:
        return None
    if found["old"]:
        feature = int(found["old"])
        return feature, f"{feature}u{found['update']}" if found["update"] else str(feature)
    ending = "-ea" if text[found.end() :].startswith(("-ea", "-internal", "-beta")) else ""
    return int(found["feature"]), found["feature"] + found["rest"] + ending


def _vendor_in(text: str) -> str:
    return next((vendor for word, vendor in _VENDORS if word in text), "")


def _parse_part(part: str) -> tuple[int, int | None]:
    found = _RANGE.fullmatch(part)
    if found is None or not (found["low"] or found["high"]):
        raise ValueError(f"not a range of JDKs: {part[:40]!r}; expected such as 8, 8-13, 9- or -17")
    low = int(found["low"] or 0)
    high = int(found["high"]) if found["high"] else None
    if not found["dash"]:
        return int(part), int(part)
    if high is not None and high < low:
        raise ValueError(f"not a range of JDKs: {part[:40]!r} ends before it begins")
    return low, high


def _part_text(low: int, high: int | None) -> str:
    if high is None:
        return f"{low} and later"
    if low == high:
        return str(low)
    return f"{low}-{high}" if low else f"up to {high}"
