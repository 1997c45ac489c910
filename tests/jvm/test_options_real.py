"""What we say about options against the real JVM: what we emit it accepts, what we refuse it refuses.

The rows of tests/data/jvm-options.tsv are our own measurement; every JDK that is here runs them all.
"""

from __future__ import annotations

import csv
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from entrypoint.jvm import flag_types, flags
from entrypoint.jvm.command import JvmOptions, assemble
from entrypoint.jvm.options import COLLECTORS, collector, split
from entrypoint.jvm.release import Jdk, JdkRange, identify, parse_version_output
from lab.needs import need

FEATURES = (8, 11, 17, 21, 25)
DATA = Path(__file__).parents[1] / "data"
OTTER = (DATA / "otter-startup-options.txt").read_text()

with (DATA / "jvm-options.tsv").open() as file:
    ROWS = tuple(csv.DictReader(file, delimiter="\t"))

MORE = (
    OTTER,
    "-Xdebug -Xnoagent -Djava.compiler=NONE -Xrunjdwp:transport=dt_socket,address=0,server=y,suspend=n",
    (
        "-Xloggc:/tmp/a%p.log -XX:+PrintGCDetails -XX:+PrintGCDateStamps -XX:+PrintTenuringDistribution"
        " -XX:+PrintHeapAtGC -XX:+PrintAdaptiveSizePolicy -XX:+PrintReferenceGC -XX:+PrintPromotionFailure"
        " -XX:+PrintGCApplicationStoppedTime -XX:+UseGCLogFileRotation -XX:NumberOfGCLogFiles=3"
        " -XX:GCLogFileSize=10M"
    ),
    "-Xloggc:/tmp/a:b.log -verbose:gc",
    "-Xlog:gc*,safepoint:file=/tmp/gc.log:time,uptime,level,tags:filecount=5,filesize=10m",
    "-XX:MaxRAMFraction=3 -XX:MinRAMPercentage=50 -XX:InitialRAMPercentage=20",
    "-XX:+UseEpsilonGC -XX:+UnlockExperimentalVMOptions",
    "-XX:G1NewSizePercent=5 -XX:+UseG1GC",
    "-XX:+UseConcMarkSweepGC -XX:+UseParNewGC -XX:CMSInitiatingOccupancyFraction=70",
    "-XX:+UseParallelGC -XX:+UseParallelOldGC",
    "-XX:NewSize=32m -XX:MaxNewSize=64m -Xmx256m",
    "-Xss0x80000 -Xmx0x10000000",
    "--add-opens java.base/java.lang=ALL-UNNAMED --add-exports java.base/sun.nio.ch=ALL-UNNAMED",
    "-Xincgc",
    "-Xmx1m",
    "-Xmx1.5g",
    "-Xss2g",
    "-XX:MaxRAMPercentage=101.0",
    "-XX:TieredStopAtLevel=5",
    "-XX:InitiatingHeapOccupancyPercent=101",
    "-XX:UseG1GC=true",
    "-XX:NativeMemoryTracking=some",
    "-XX:MaxDirectMemorySize=64mb",
    "-XX:ParallelGCThreads=two",
    "-Xms900m -XX:MaxHeapSize=100m",
    "-XX:MaxHeapSize=0x10000000",
    "-XX:CMSInitiatingOccupancyFraction=101",
    "-Xmx0",
    "-d32",
)
STRICTER = {(8, "-XX:MaxRAMPercentage=101.0")}
"""What we refuse although the JVM starts: 8 takes a heap that is larger than the memory."""


@pytest.fixture(params=FEATURES, ids="jdk{}".format)
def jdk(request: pytest.FixtureRequest) -> Jdk:
    home = need(f"jdk{request.param}")
    java = str(home / "bin" / "java")
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=True, env={})
    found = identify(str(home), java, "", shown.stderr)
    assert found is not None
    assert found.feature == request.param
    return found


def start(jdk: Jdk, options: tuple[str, ...], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [jdk.java, *options, "-version"]
    environment = {"PATH": os.defpath, "HOME": str(folder)}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
        timeout=120,
    )


def cases(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for row in ROWS:
        yield row["option"].replace("/tmp", str(folder)), row
    for text in MORE:
        yield text.replace("/tmp", str(folder)), {}


def complaint(jdk: Jdk, text: str, row: dict[str, str], folder: Path) -> str:
    """Return how the real JVM disagrees with us about a line of options, or an empty string."""
    words = split(text)
    ours = assemble(jdk, (("JAVA_OPTIONS", words),), {})
    if ours.problems:
        real = start(jdk, words, folder)
        accepted = real.returncode == 0 and (jdk.feature, text) not in STRICTER
        return f"refused, yet accepted: {text}" if accepted else ""
    real = start(jdk, ours.argv, folder)
    measured = row.get(f"jdk{jdk.feature}", "")
    if ours.needs_dry_run:
        agrees = not measured or (real.returncode != 0) == (measured == "FATAL")
        return "" if agrees else f"measured {measured}, not so now: {text}"
    if real.returncode != 0:
        return f"emitted, yet refused: {text} as {ours.argv}: {real.stdout}{real.stderr}"
    if warnings_of(real) and not may_warn(ours, jdk, text, measured):
        return f"warned: {text} as {ours.argv}: {real.stderr}"
    return ""


def warnings_of(real: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in real.stderr.splitlines() if "warning" in line.lower()]


def may_warn(ours: JvmOptions, jdk: Jdk, text: str, measured: str) -> bool:
    verdicts = [flags.judge(option, jdk.feature) for option in ours.argv]
    said = any(isinstance(verdict, flags.Keep) and verdict.reason for verdict in verdicts)
    # Rows such as a wrong package in --add-opens warn because of their value, which we do not read.
    return said or (" ".join(ours.argv) == text and measured == "warn")


def test_the_jvm_agrees_with_every_verdict(jdk: Jdk, tmp_path: Path) -> None:
    rows = list(cases(tmp_path))
    plain = [text for text, row in rows if is_plain(jdk, text, row)]
    together = start(jdk, tuple(word for text in plain for word in split(text)), tmp_path)
    if together.returncode == 0 and not warnings_of(together):
        rows = [(text, row) for text, row in rows if text not in plain]
    with ThreadPoolExecutor(2) as threads:
        complaints = threads.map(lambda case: complaint(jdk, *case, tmp_path), rows)
        assert [said for said in complaints if said] == []


def is_plain(jdk: Jdk, text: str, row: dict[str, str]) -> bool:
    """Tell whether an option stays as it is and fits into one line with others: one start for all."""
    ours = assemble(jdk, (("JAVA_OPTIONS", split(text)),), {})
    unchanged = ours.argv == split(text) and not (ours.notes or ours.problems or ours.needs_dry_run)
    solo = ("-Xm", "-Xs", "-XX:-UseCompressedClass")
    alone = any(collector(option) or option.startswith(solo) for option in ours.argv)
    return unchanged and not alone and row.get(f"jdk{jdk.feature}") == "ok"


def test_the_jvm_takes_every_common_flag_that_we_keep_unseen(jdk: Jdk, tmp_path: Path) -> None:
    options = tuple(
        sample(value_type, name, tmp_path)
        for value_type, jdks, unlock, names in flag_types.TYPED
        for name in names.split()
        if not unlock and JdkRange.parse(jdks).contains(jdk.feature) and name not in ALONE
    )
    for option in options:
        assert not isinstance(flags.judge(option, jdk.feature), flags.Refuse | flags.Unknown), (
            option
        )
    ours = assemble(jdk, (("JAVA_OPTIONS", options),), {})
    assert ours.problems == ()
    assert ours.needs_dry_run is False
    real = start(jdk, ours.argv, tmp_path)
    assert real.returncode == 0, (ours.argv, real.stdout, real.stderr)


# Not in one line with the others: they choose a collector or a mode, end the JVM, or need a file.
ALONE = frozenset({
    *COLLECTORS, "AggressiveHeap", "SharedArchiveFile", "ArchiveClassesAtExit", "CompileCommandFile",
    "AutoCreateSharedArchive", "AOTCache", "AOTConfiguration", "AOTCacheOutput", "AOTMode",
    "MaxRAM", "UseLargePages", "LargePageSizeInBytes", "UseCompactObjectHeaders", "PrintCompilation",
    "FlightRecorderOptions", "StartFlightRecording", "PrintFlagsFinal", "PrintCodeCache",
})  # fmt: skip
SAMPLES = {
    "MaxHeapSize": "256m", "InitialHeapSize": "64m", "MinHeapSize": "32m", "SoftMaxHeapSize": "128m",
    "MaxNewSize": "64m", "NewSize": "32m", "CompressedClassSpaceSize": "64m", "TLABSize": "256k",
    "ReservedCodeCacheSize": "128m", "InitialCodeCacheSize": "32m", "MetaspaceSize": "32m",
    "G1HeapRegionSize": "1m", "HeapBaseMinAddress": "2g", "ThreadStackSize": "512",
    "CompilerThreadStackSize": "1024", "VMThreadStackSize": "1024", "CICompilerCount": "3",
    "PerfDataMemorySize": "65536", "ObjectAlignmentInBytes": "8", "StringTableSize": "65536",
    "MaxHeapFreeRatio": "70", "NativeMemoryTracking": "summary", "CompileCommand": "quiet",
    "CompileThreshold": "1000", "GCPauseIntervalMillis": "200",
}  # fmt: skip


def sample(value_type: str, name: str, folder: Path) -> str:
    if value_type == "bool":
        return f"-XX:+{name}"
    simple = {"size": "64m", "percent": "50.0", "text": str(folder / name)}
    return f"-XX:{name}={SAMPLES.get(name) or simple.get(value_type, '2')}"


def test_the_version_text_of_every_jdk_is_read(jdk: Jdk) -> None:
    shown = subprocess.run([jdk.java, "-version"], capture_output=True, text=True, check=True)
    release = parse_version_output(shown.stderr)
    assert release is not None
    assert (release.feature, release.vm) == (jdk.feature, "HotSpot")


def test_what_the_variables_add_is_judged_as_the_jvm_judges_it(jdk: Jdk, tmp_path: Path) -> None:
    for variable in ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"):
        for text in ("'-Dgreeting=a b'", "-XX:MaxPermSize=64m", "-XX:+UseParallelGC", '"-Dopen=a'):
            ours = assemble(jdk, (("profile", ("-XX:+UseG1GC",)),), {variable: text})
            environment = {"PATH": os.defpath, variable: text}
            real = subprocess.run(
                [jdk.java, *ours.argv, "-version"],
                capture_output=True,
                check=False,
                env=environment,
            )
            ignored = variable == "JDK_JAVA_OPTIONS" and jdk.feature == 8
            accepted = not ours.problems or ignored
            assert accepted == (real.returncode == 0), (variable, text, real.stdout, real.stderr)
