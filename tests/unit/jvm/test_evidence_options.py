"""Where a JVM is told to leave what tells why it died, and which names are therefore ours."""

from __future__ import annotations

import pytest

from entrypoint.jvm.evidence import (
    gc_log_options,
    is_our_file,
    is_our_folder,
    kept_name,
    options,
)
from entrypoint.jvm.flags import Keep, judge

STAMP = "2026-11-24T03-12-44Z"


def test_crash_logs_and_dumps_go_into_the_folder() -> None:
    assert options("/d", heap_dump=True) == (
        "-XX:ErrorFile=/d/hs_err_pid%p.log",
        "-XX:+HeapDumpOnOutOfMemoryError",
        "-XX:HeapDumpPath=/d",
    )
    assert options("/d", heap_dump=False) == ("-XX:ErrorFile=/d/hs_err_pid%p.log",)


@pytest.mark.parametrize("feature", [8, 11, 17, 21, 25])
@pytest.mark.parametrize("target", ["off", "stdout", "file"])
def test_the_gc_log_is_said_in_this_jdks_language(feature: int, target: str) -> None:
    said = gc_log_options(target, "/d", feature)
    assert bool(said) == (target != "off")
    assert [option for option in said if not isinstance(judge(option, feature), Keep)] == []
    assert ("/d/gc-%t.log" in " ".join(said)) == (target == "file")
    assert ("10m" in " ".join(said)) == (target == "file")


@pytest.mark.parametrize(
    "name",
    [
        "hs_err_pid8.log", f"hs_err_pid8-{STAMP}.log", "java_pid123.hprof",
        f"java_pid123-{STAMP}.hprof", "gc-2026-11-24_03-12-44.log", "gc-2026-11-24_03-12-44.log.4",
        "gc-2026-11-24_03-12-44.log.0.current", "gc.log", "gc.log.12",
    ],
)  # fmt: skip
def test_names_that_are_ours(name: str) -> None:
    assert is_our_file(name)


@pytest.mark.parametrize(
    "name",
    [
        "hs_err_pid.log", "hs_err_pid8.log.bak", "java_pid8.hprof.gz", "my-java_pid8.hprof", "gcs.log",
        "gc-notes.txt", "meta.properties", "", ".", "gc-a/b.log", "java_pid٣.hprof", "gc.log\n",
    ],
)  # fmt: skip
def test_names_that_are_not(name: str) -> None:
    assert not is_our_file(name)


def test_a_folder_of_ours_has_a_date_for_a_name() -> None:
    assert is_our_folder(STAMP)
    assert not is_our_folder(STAMP + "x")
    assert not is_our_folder("2026-11-24")


def test_a_name_that_the_next_jvm_would_use_gets_the_time() -> None:
    assert kept_name("java_pid8.hprof", STAMP) == f"java_pid8-{STAMP}.hprof"
    assert kept_name("hs_err_pid8.log", STAMP) == f"hs_err_pid8-{STAMP}.log"
    assert is_our_file(kept_name("java_pid8.hprof", STAMP))
    for name in (f"java_pid8-{STAMP}.hprof", "gc-1.log", "java_pid8.hprof.gz"):
        assert kept_name(name, STAMP) == ""
