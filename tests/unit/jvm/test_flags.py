"""The table of options, against our measurements of five JDKs and rule by rule."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrypoint.jvm import flag_table, flag_types
from entrypoint.jvm.flags import (
    Drop,
    Keep,
    Refuse,
    Replace,
    Unknown,
    is_legacy_gc_log,
    judge,
    parse_size,
)
from entrypoint.jvm.release import JdkRange

if TYPE_CHECKING:
    from entrypoint.jvm.flags import Verdict

FEATURES = (8, 11, 17, 21, 25)
TABLE = Path(__file__).parents[2] / "data" / "jvm-options.tsv"
EFFECTS = {"ok": "works", "depr": "warns", "warn": "warns", "ignored": "ignored", "FATAL": "fatal"}

with TABLE.open() as file:
    SINGLE = tuple(
        (row["option"], feature, row[f"jdk{feature}"])
        for row in csv.DictReader(file, delimiter="\t")
        for feature in FEATURES
        if " " not in row["option"]
    )

# Warnings about the value or this machine's memory, not about the option.
VALUE_WARNS = ("--add-opens=java.base/no.such", "--add-opens=no.such", "-XX:+UseLargePages")
# Not warnings: with -version alone these print at exit on 8.
PRINTS_ON_8 = (
    "-XX:+PrintGCDetails",
    "-XX:+PrintGCApplicationConcurrentTime",
    "-XX:+PrintSafepointStatistics",
    "-XX:+UseGCLogFileRotation",
)


def effect_of(verdict: Verdict) -> str:
    match verdict:
        case Refuse():
            return "fatal"
        case Unknown():
            return "unknown"
        case Keep() | Drop() | Replace():
            return verdict.effect


@pytest.mark.parametrize(("option", "feature", "measured"), SINGLE)
def test_the_table_says_what_was_measured(option: str, feature: int, measured: str) -> None:
    verdict = judge(option, feature)
    exempt = measured == "warn" and option.startswith(VALUE_WARNS + PRINTS_ON_8)
    if not isinstance(verdict, Unknown) and not exempt:
        assert effect_of(verdict) == EFFECTS[measured]


@pytest.mark.parametrize(("option", "feature", "measured"), SINGLE)
def test_nothing_that_ends_the_jvm_is_kept(option: str, feature: int, measured: str) -> None:
    if measured == "FATAL":
        assert not isinstance(judge(option, feature), Keep)
    if measured == "ignored":
        assert isinstance(judge(option, feature), Drop)


def test_every_measured_option_is_known_but_those_that_cannot_be() -> None:
    unknown = {
        option for option, feature, _ in SINGLE if isinstance(judge(option, feature), Unknown)
    }
    assert unknown == {
        "-XX:+NoSuchFlagEver", "-Xnosuch", "-nosuch", "@/nonexistent", "-XX:Flags=/nonexistent",
        "-XX:VMOptionsFile=/nonexistent", "-XX:+UseShenandoahGC", "-XX:+UseJVMCICompiler",
        "-XX:+UseRTMLocking", "-XX:+UnlockCommercialFeatures", "-XX:+CMSIncrementalMode",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("option", "feature", "instead"),
    [
        ("-XX:+UseConcMarkSweepGC", 11, ("-XX:+UseG1GC",)),
        ("-XX:+UseConcMarkSweepGC", 17, ("-XX:+UseG1GC",)),
        ("-XX:+UseParallelOldGC", 17, ("-XX:+UseParallelGC",)),
        ("-Xincgc", 8, ("-XX:+UseConcMarkSweepGC",)),
        ("-Xconcgc", 17, ("-XX:+UseG1GC",)),
        ("-XX:MaxRAMFraction=1", 17, ("-XX:MaxRAMPercentage=100.0",)),
        ("-XX:MaxRAMFraction=2", 25, ("-XX:MaxRAMPercentage=50.0",)),
        ("-XX:MaxRAMFraction=3", 11, ("-XX:MaxRAMPercentage=33.3333",)),
        ("-XX:InitialRAMFraction=8", 25, ("-XX:InitialRAMPercentage=12.5",)),
        ("-XX:MaxRAMPercentage=75", 8, ("-XX:MaxRAMPercentage=75.0",)),
        ("-XX:+UseZGC", 11, ("-XX:+UnlockExperimentalVMOptions", "-XX:+UseZGC")),
        ("-XX:G1NewSizePercent=5", 17, ("-XX:+UnlockExperimentalVMOptions", "-XX:G1NewSizePercent=5")),
        ("-Xloggc:/x.log", 17, ("-Xlog:gc:file=/x.log:uptime,level,tags",)),
        ("-XX:+PrintGCDetails", 11, ("-Xlog:gc*:stdout:uptime,level,tags",)),
        ("-Xlog:gc:file=/x.log", 8, (
            "-Xloggc:/x.log", "-XX:+PrintGC", "-XX:+UseGCLogFileRotation", "-XX:NumberOfGCLogFiles=5",
            "-XX:GCLogFileSize=20m")),
        ("-Xrunjdwp:transport=dt_socket,address=5005", 21,
         ("-agentlib:jdwp=transport=dt_socket,address=5005",)),
    ],
)  # fmt: skip
def test_translations(option: str, feature: int, instead: tuple[str, ...]) -> None:
    verdict = judge(option, feature)
    assert isinstance(verdict, Replace)
    assert verdict.options == instead
    assert verdict.reason


@pytest.mark.parametrize(
    ("option", "feature"),
    [
        ("-XX:PermSize=96m", 8), ("-XX:MaxPermSize=256m", 17), ("-XX:+CMSParallelRemarkEnabled", 11),
        ("-XX:+UseFastAccessorMethods", 11), ("-XX:-UseBiasedLocking", 17), ("-XX:+UseBiasedLocking", 21),
        ("--add-opens=java.base/java.lang=ALL-UNNAMED", 8), ("-XX:+ZGenerational", 25),
        ("-Xnoagent", 25), ("-Djava.ext.dirs=/x", 11), ("-XX:ThreadPriorityPolicy=42", 11),
        ("-Xlog:class+load:file=/x", 8), ("-XX:-PrintGCDetails", 17),
        ("-Djava.security.manager=allow", 25), ("-XX:PermSize=banana", 17),
    ],
)  # fmt: skip
def test_dropped_with_a_reason(option: str, feature: int) -> None:
    verdict = judge(option, feature)
    assert isinstance(verdict, Drop)
    assert verdict.reason


@pytest.mark.parametrize(
    ("option", "feature"),
    [
        ("-XX:+UseConcMarkSweepGC", 8), ("-Xdebug", 8), ("-XX:+UseBiasedLocking", 17),
        ("-XX:MaxRAMPercentage=75", 11), ("-XX:MaxRAMPercentage=75.0", 8), ("-XX:+UseZGC", 15),
        ("-XX:ThreadPriorityPolicy=1", 11), ("-Djava.security.manager=allow", 17), ("-Dany=thing", 8),
        ("-Xss256k", 8), ("-Xss160k", 11), ("-XX:MaxTenuringThreshold=15", 8), ("-Xmx64t", 25),
        ("-XX:TieredStopAtLevel=1", 21), ("-XX:TieredStopAtLevel=5", 8), ("-Xmx1m", 8),
    ],
)  # fmt: skip
def test_kept(option: str, feature: int) -> None:
    assert isinstance(judge(option, feature), Keep)


@pytest.mark.parametrize(
    ("option", "feature"),
    [
        ("-Xmx100x", 17), ("-Xmx", 17), ("-Xmx1.5g", 17), ("-Xmx64mb", 17), ("-Xmx0x1000000", 8),
        ("-Xmx1m", 17), ("-Xmx0", 8), ("-Xms-1", 17), ("-Xss160k", 8), ("-Xss2g", 17),
        ("-XX:MaxHeapSize=banana", 8), ("-XX:MaxMetaspaceSize=", 17), ("-XX:UseG1GC", 17),
        ("-XX:UseG1GC=true", 17), ("-XX:+MaxHeapSize", 17), ("-XX:-HeapDumpPath", 17),
        ("-XX:MaxTenuringThreshold=31", 8), ("-XX:MaxTenuringThreshold=31", 25),
        ("-XX:MaxTenuringThreshold=-1", 17), ("-XX:TieredStopAtLevel=5", 17),
        ("-XX:MaxRAMPercentage=101", 17), ("-XX:MaxRAMPercentage=-5", 17), ("-XX:MaxRAMPercentage=x", 8),
        ("-XX:MaxRAMPercentage=101.0", 8), ("-XX:MaxRAMFraction=0", 17), ("-XX:SurvivorRatio=0", 17),
        ("-XX:ParallelGCThreads=two", 17), ("-XX:NativeMemoryTracking=all", 17),
        ("-XX:+UseZGC", 8), ("-Xbootclasspath/p:/x", 11), ("-Djava.security.manager", 25),
        ("-Djava.security.manager=com.example.Mine", 25), ("--add-modules=java.xml.bind", 11),
        ("@/options", 8), ("-Xloggc:/a:b", 8), ('-Xlog:gc:file="/a:b"', 8),
        ("-d32", 17), ("--module-path=/x", 8),
    ],
)  # fmt: skip
def test_refused_with_what_to_do(option: str, feature: int) -> None:
    verdict = judge(option, feature)
    assert isinstance(verdict, Refuse)
    assert verdict.reason
    assert verdict.fix or verdict.expected


def test_legacy_gc_logging_is_of_9_and_later() -> None:
    assert not is_legacy_gc_log("-Xloggc:/x", 8)
    assert is_legacy_gc_log("-Xloggc:/x", 9)
    assert is_legacy_gc_log("-XX:NumberOfGCLogFiles=3", 17)
    assert not is_legacy_gc_log("-Xlog:gc", 17)


def test_table_is_well_formed() -> None:
    actions = {
        "keep", "drop", "replace", "refuse", "ask", "unlock", "fraction", "decimal", "jdwp", "gc-log",
        "legacy-log",
    }  # fmt: skip
    for pattern, jdks, effect, action, text, reason in flag_table.RULES:
        JdkRange.parse(jdks)
        assert effect in EFFECTS.values(), pattern
        assert action in actions, pattern
        assert bool(text) == (action in {"replace", "refuse", "unlock", "fraction"}), pattern
        assert bool(reason) or action == "keep", pattern
        assert reason or effect in {"works"}, pattern


def test_no_two_rows_of_one_pattern_speak_for_the_same_jdk() -> None:
    for feature in range(8, 31):
        seen = [
            pattern
            for pattern, jdks, *_ in flag_table.RULES
            if JdkRange.parse(jdks).contains(feature)
        ]
        assert sorted(set(seen)) == sorted(seen)


def test_every_jdk_has_a_row_once_an_option_is_named() -> None:
    """An option that some row names on some JDK is known on all, so no gap is left by mistake."""
    for pattern in {row[0] for row in flag_table.RULES if row[0].startswith("-XX:±")}:
        option = pattern.replace("±", "+").rstrip("*")
        if pattern.endswith("*"):
            continue
        for feature in range(8, 26):
            asked = any(row[0] == pattern and row[3] == "ask" for row in flag_table.RULES)
            assert asked or not isinstance(judge(option, feature), Unknown), (option, feature)


def test_types_are_well_formed() -> None:
    names = [name for row in flag_types.TYPED for name in row[3].split() if row[1] == "8-"]
    assert sorted(set(names)) == sorted(names)
    for _, jdks, unlock, _ in flag_types.TYPED:
        JdkRange.parse(jdks)
        assert unlock in {"", "experimental", "diagnostic"}


@pytest.mark.parametrize(
    ("text", "size"),
    [("512m", 512 << 20), ("1G", 1 << 30), ("0x100k", 256 << 10), ("7", 7), ("1.5g", None), ("", None),
     ("m", None), ("1mb", None), ("-1", None), ("9" * 40, None), ("010", 10)],
)  # fmt: skip
def test_parse_size(text: str, size: int | None) -> None:
    assert parse_size(text) == size
