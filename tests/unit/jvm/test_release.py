"""Release files and version texts of real JDKs, and ranges of JDKs."""

from __future__ import annotations

import pytest

from entrypoint.jvm.release import (
    Jdk,
    JdkRange,
    Release,
    identify,
    parse_release,
    parse_version_output,
)

DEBIAN_17 = 'IMPLEMENTOR="Debian"\nJAVA_RUNTIME_VERSION="17.0.15+6-Debian-1deb12u1"\nJAVA_VERSION="17.0.15"\n'
TEMURIN_25 = """IMPLEMENTOR="Eclipse Adoptium"
IMPLEMENTOR_VERSION="Temurin-25.0.3+9"
JAVA_VERSION="25.0.3"
JVM_VARIANT="Hotspot"
"""
SEMERU_11 = """IMPLEMENTOR="IBM Corporation"
JAVA_VERSION="11.0.27"
JVM_VARIANT="Openj9"
"""
OLD_8 = 'JAVA_VERSION="1.8.0_392"\nOS_NAME="Linux"\nSOURCE=""\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEBIAN_17, Release(17, "17.0.15", "Debian")),
        (TEMURIN_25, Release(25, "25.0.3", "Eclipse Adoptium")),
        (SEMERU_11, Release(11, "11.0.27", "IBM Corporation", "OpenJ9")),
        (OLD_8, Release(8, "8u392", "unknown")),
        ('JAVA_VERSION="25-ea"\n', Release(25, "25-ea", "unknown")),
        ('IMPLEMENTOR="N/A"\nJAVA_VERSION="21"\n', Release(21, "21", "unknown")),
        ('JAVA_VERSION="1.8.0"\n', Release(8, "8", "unknown")),
        ("JAVA_VERSION=17.0.1\n", Release(17, "17.0.1", "unknown")),
        ("", None),
        ('JAVA_VERSION=""\n', None),
        ('JAVA_VERSION="ours"\n', None),
        ("\0\xff" * 1000, None),
    ],
)
def test_release_file(text: str, expected: Release | None) -> None:
    assert parse_release(text) == expected


VERSION_TEXTS = [
    (
        (
            'openjdk version "1.8.0_504"\n'
            "OpenJDK Runtime Environment (build 1.8.0_504-8u504-ga-1-b01)\n"
            "OpenJDK 64-Bit Server VM (build 25.504-b01, mixed mode)\n"
        ),
        Release(8, "8u504", "OpenJDK"),
    ),
    (
        (
            'openjdk version "17.0.15" 2025-04-15\n'
            "OpenJDK Runtime Environment (build 17.0.15+6-Debian-1deb12u1)\n"
            "OpenJDK 64-Bit Server VM (build 17.0.15+6-Debian-1deb12u1, mixed mode, sharing)\n"
        ),
        Release(17, "17.0.15", "Debian"),
    ),
    (
        (
            "Picked up JAVA_TOOL_OPTIONS: -Xmx1g\n"
            'openjdk version "25.0.3" 2026-04-21 LTS\n'
            "OpenJDK Runtime Environment Temurin-25.0.3+9 (build 25.0.3+9-LTS)\n"
            "OpenJDK 64-Bit Server VM Temurin-25.0.3+9 (build 25.0.3+9-LTS, mixed mode, sharing)\n"
        ),
        Release(25, "25.0.3", "Eclipse Adoptium"),
    ),
    (
        (
            'openjdk version "11.0.27" 2025-04-15\n'
            "IBM Semeru Runtime Open Edition 11.0.27.0 (build 11.0.27+6)\n"
            "Eclipse OpenJ9 VM 11.0.27.0 (build openj9-0.51.0, JRE 11 Linux amd64-64-Bit, OpenJ9 - 31cf)\n"
        ),
        Release(11, "11.0.27", "IBM Semeru", "OpenJ9"),
    ),
    (
        (
            'java version "21.0.7" 2025-04-15 LTS\n'
            "Java(TM) SE Runtime Environment Oracle GraalVM 21.0.7+8.1 (build 21.0.7+8-LTS-jvmci-23.1)\n"
            "Java HotSpot(TM) 64-Bit Server VM Oracle GraalVM 21.0.7+8.1 (build 21.0.7+8, mixed mode)\n"
        ),
        Release(21, "21.0.7", "GraalVM"),
    ),
    ('openjdk version "25-ea" 2025-09-16\n', Release(25, "25-ea", "unknown")),
    ("Error: Could not create the Java Virtual Machine.\n", None),
    ('sh: java: not found, version "none"\n', None),
    ("", None),
]


@pytest.mark.parametrize(("text", "expected"), VERSION_TEXTS)
def test_version_text(text: str, expected: Release | None) -> None:
    assert parse_version_output(text) == expected


def test_identify_asks_the_release_file_first() -> None:
    found = identify("/jdk", "/jdk/bin/java", TEMURIN_25, VERSION_TEXTS[0][0])
    assert found == Jdk("/jdk", "/jdk/bin/java", 25, "25.0.3", "Eclipse Adoptium", "HotSpot")
    without_file = identify("/jdk", "/jdk/bin/java", "", VERSION_TEXTS[0][0])
    assert without_file is not None
    assert without_file.version == "8u504"
    assert identify("/jdk", "/jdk/bin/java", "", "") is None


@pytest.mark.parametrize(
    ("text", "inside", "outside", "shown"),
    [
        ("8", (8,), (7, 9, 17), "8"),
        ("8-13", (8, 11, 13), (7, 14), "8-13"),
        ("9-", (9, 99), (8,), "9 and later"),
        ("-17", (8, 17), (18,), "up to 17"),
        ("8,11,17-", (8, 11, 17, 25), (9, 16), "8, 11, 17 and later"),
        (" 8 , 11 ", (8, 11), (9,), "8, 11"),
        ("", (1, 8, 99), (), "any"),
    ],
)
def test_range(text: str, inside: tuple[int, ...], outside: tuple[int, ...], shown: str) -> None:
    jdks = JdkRange.parse(text)
    assert all(jdks.contains(feature) for feature in inside)
    assert not any(jdks.contains(feature) for feature in outside)
    assert str(jdks) == shown


@pytest.mark.parametrize("text", ["x", "8-x", "-", "13-8", "8,,9", "1.8", "8 11", ","])
def test_wrong_range_says_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match="not a range of JDKs"):
        JdkRange.parse(text)
