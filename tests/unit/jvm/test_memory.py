from __future__ import annotations

import pytest

from entrypoint.jvm import memory
from entrypoint.jvm.collectors import choose, structures
from entrypoint.jvm.memory import Budget, Needs, budget, smallest_limit
from entrypoint.jvm.memory_options import MIB, MemoryOptions, read
from entrypoint.jvm.options import COLLECTORS

OTTER = Needs(classes=9000, threads=120, stack=512 * 1024, direct=64 * MIB)


def given(text: str = "") -> MemoryOptions:
    return read([(word, "JAVA_OPTIONS") for word in text.split()])


def divided(
    limit: int, text: str = "", needs: Needs = OTTER, cpus: float | None = 2, jdk: int = 17
) -> Budget:
    return budget(limit * MIB, cpus, jdk, needs, given(text))


def sizes(one: Budget) -> dict[str, int]:
    return {region.name: region.size // MIB for region in one.regions}


def origins(one: Budget) -> dict[str, str]:
    return {region.name: region.origin for region in one.regions}


# --- the sum ---


@pytest.mark.parametrize("jdk", [8, 11, 17, 21, 25])
@pytest.mark.parametrize("limit", [384, 512, 768, 1024, 1791, 1792, 2048, 3000, 4096, 16384, 65536])
@pytest.mark.parametrize("needs", [OTTER, Needs()], ids=["known", "unknown"])
def test_the_regions_fill_the_limit_and_never_exceed_it(jdk: int, limit: int, needs: Needs) -> None:
    one = divided(limit, needs=needs, jdk=jdk)
    assert one.fits
    assert one.sum + one.left_over == limit * MIB
    assert all(region.size % MIB == 0 for region in one.regions)
    headroom = sizes(one)["headroom"] * MIB
    if limit >= 1024:
        assert one.left_over + headroom <= 0.15 * limit * MIB
    assert one.heap <= 0.85 * limit * MIB


def test_a_limit_that_is_no_whole_mib_is_no_problem() -> None:
    one = budget(1_000_000_000, 2, 17, OTTER, given())
    assert one.fits
    assert 0 <= one.left_over < 3 * MIB


def test_the_heap_is_what_the_rest_leaves() -> None:
    one = divided(1024)
    assert sizes(one) == {
        "heap": 719, "collector": 8, "metaspace": 64, "code cache": 51, "direct": 64, "threads": 24,
        "JVM itself": 44, "entrypoint": 20, "headroom": 30,
    }  # fmt: skip
    assert one.left_over == 0
    assert origins(one)["heap"] == "computed: (1024 − 297 outside the heap) ÷ 1.01 Serial"


def test_more_of_anything_outside_leaves_a_smaller_heap() -> None:
    heap = divided(1024).heap
    for more in (
        Needs(classes=20000, threads=120, stack=512 * 1024, direct=64 * MIB),
        Needs(classes=9000, threads=300, stack=512 * 1024, direct=64 * MIB),
        Needs(classes=9000, threads=120, stack=512 * 1024, direct=128 * MIB),
        Needs(classes=9000, threads=120, stack=512 * 1024, direct=64 * MIB, code_cache=100 * MIB),
    ):
        assert divided(1024, needs=more).heap < heap


def test_what_nothing_is_known_of_is_assumed_by_the_limit() -> None:
    small, large = (origins(divided(limit, needs=Needs())) for limit in (256, 2048))
    assert small["metaspace"] == "assumed: about 8,000 classes, class space included"
    assert large["metaspace"] == "assumed: about 16,000 classes, class space included"
    assert small["threads"] == "assumed: 40 × 200 KiB of a 1 MiB stack"
    assert large["threads"] == "assumed: 200 × 200 KiB of a 1 MiB stack"
    assert sizes(divided(256, needs=Needs()))["direct"] == 16
    assert sizes(divided(2048, needs=Needs()))["direct"] == 64


def test_a_stack_smaller_than_what_threads_usually_touch_counts_whole() -> None:
    one = divided(1024, "-Xss128k", Needs(threads=80))
    assert sizes(one)["threads"] == 10
    assert (
        origins(one)["threads"]
        == "profile: 80 × 128 KiB of a 128 KiB stack (JAVA_OPTIONS -Xss128k)"
    )


# --- the user's own values ---


@pytest.mark.parametrize(
    ("option", "region", "size"),
    [
        ("-Xmx300m", "heap", 300),
        ("-XX:MaxRAMPercentage=50.0", "heap", 512),
        ("-XX:MaxMetaspaceSize=200m", "metaspace", 200),
        ("-XX:ReservedCodeCacheSize=100m", "code cache", 100),
        ("-XX:MaxDirectMemorySize=10m", "direct", 10),
    ],
)
def test_the_users_own_values_win_and_only_the_rest_is_computed(
    option: str, region: str, size: int
) -> None:
    plain, one = divided(1024), divided(1024, option)
    assert sizes(one)[region] == size
    assert origins(one)[region] == f"JAVA_OPTIONS {option}"
    key = option[4:].partition("=")[0]
    assert not [emitted for emitted in one.options if key in emitted]
    untouched = set(sizes(plain)) - {region, "heap", "collector"}
    assert {name: sizes(one)[name] for name in untouched} == {
        name: sizes(plain)[name] for name in untouched
    }
    assert one.fits


def test_all_options_are_emitted_when_nobody_said_anything() -> None:
    assert divided(1024).options == (
        "-Xms719m", "-Xmx719m", "-XX:+UseSerialGC", "-XX:MaxMetaspaceSize=64m",
        "-XX:ReservedCodeCacheSize=51m", "-XX:MaxDirectMemorySize=64m", "-Xss512k",
    )  # fmt: skip


def test_what_was_only_assumed_is_not_capped() -> None:
    text = " ".join(divided(1024, needs=Needs()).options)
    assert "Metaspace" not in text
    assert "Direct" not in text
    assert "-Xss" not in text


def test_the_users_initial_heap_stays_alone() -> None:
    assert [o for o in divided(1024, "-Xms100m").options if o.startswith("-Xm")] == ["-Xmx719m"]


def test_a_percentage_that_the_operator_set_replaces_the_computed_heap() -> None:
    needs = Needs(heap_percent=40.0, percent_origin="ENTRYPOINT_HEAP_PERCENT")
    one = divided(1000, needs=needs)
    assert one.options[:2] == ("-Xms400m", "-Xmx400m")
    assert origins(one)["heap"] == "ENTRYPOINT_HEAP_PERCENT: 40% of the limit"
    assert divided(1000, "-Xmx300m", needs).heap == 300 * MIB


# --- the file cache ---


def test_a_share_for_the_file_cache_comes_out_of_the_heap() -> None:
    needs = Needs(classes=9000, threads=120, direct=32 * MIB, file_cache=25, least_heap=128 * MIB)
    one = divided(1024, needs=needs)
    plain = divided(1024, needs=Needs(classes=9000, threads=120, direct=32 * MIB))
    assert sizes(one)["file cache"] == 256
    assert 256 - 4 <= (plain.heap - one.heap) // MIB <= 256
    assert one.fits


def test_the_file_cache_gives_way_to_the_smallest_heap() -> None:
    needs = Needs(classes=9000, threads=120, direct=32 * MIB, file_cache=25, least_heap=128 * MIB)
    one = divided(384, needs=needs)
    assert one.fits
    assert one.heap == 128 * MIB
    assert 0 < sizes(one)["file cache"] < 96
    assert "file cache" not in sizes(divided(256, needs=needs))


def test_no_file_cache_is_set_aside_where_somebody_sets_the_heap() -> None:
    needs = Needs(classes=9000, file_cache=25)
    assert "file cache" not in sizes(divided(1024, "-Xmx500m", needs))


# --- the collector ---


@pytest.mark.parametrize(
    ("limit", "cpus", "jdk", "text", "collector"),
    [
        (1791, 2, 17, "", "Serial"),
        (1792, 2, 17, "", "G1"),
        (1792, 1, 17, "", "Serial"),
        (1792, 1.5, 17, "", "G1"),  # a quota is rounded up
        (1792, None, 17, "", "G1"),
        (4096, 2, 8, "", "Parallel"),
        (4096, 1, 8, "", "Serial"),
        (4096, 4, 17, "-XX:ActiveProcessorCount=1", "Serial"),
        (4096, 4, 17, "-XX:MaxRAM=1g", "Serial"),
        (512, 1, 17, "-XX:+UseG1GC", "G1"),
        (512, 1, 17, "-XX:+UseParallelGC", "Parallel"),
        (4096, 4, 17, "-XX:+UseZGC", "ZGC"),
        (4096, 4, 17, "-XX:+AggressiveHeap", "Parallel"),
    ],
)
def test_the_collector_is_the_one_that_the_jvm_will_choose(
    limit: int, cpus: float | None, jdk: int, text: str, collector: str
) -> None:
    assert choose(limit * MIB, cpus, jdk, given(text)) == collector


def test_the_collector_is_named_unless_an_option_names_one() -> None:
    assert "-XX:+UseSerialGC" in divided(1024).options
    assert "-XX:+UseG1GC" in divided(4096).options
    assert "-XX:+UseParallelGC" in divided(4096, jdk=8).options
    for text in ("-XX:+UseZGC", "-XX:+UseG1GC", "-XX:+AggressiveHeap"):
        assert not [o for o in divided(4096, text).options if o.startswith("-XX:+")]


@pytest.mark.parametrize("collector", ["Parallel", "ConcMarkSweep", "G1", "Z", "Shenandoah"])
def test_other_collectors_leave_less_heap_than_serial(collector: str) -> None:
    assert divided(1024, f"-XX:+Use{collector}GC").heap < divided(1024).heap


def test_every_collector_that_an_option_can_name_is_known() -> None:
    for name in set(COLLECTORS.values()):
        assert structures(name, 17)[1] > 0


def test_g1_needs_less_from_jdk_20_on() -> None:
    assert divided(2048, jdk=21).heap > divided(2048, jdk=17).heap


# --- what does not fit ---


def test_too_little_room_for_a_heap_does_not_fit() -> None:
    one = divided(304)
    assert (one.heap, one.fits, one.hopeless) == (39 * MIB, False, True)
    assert divided(352).fits


def test_a_profile_may_ask_for_a_larger_least_heap() -> None:
    needs = Needs(classes=9000, threads=120, direct=64 * MIB, least_heap=128 * MIB)
    assert not divided(384, needs=needs).fits
    assert divided(512, needs=needs).fits


def test_a_given_heap_beyond_the_estimates_may_fit_and_far_beyond_cannot() -> None:
    tight, hopeless = divided(1024, "-Xmx800m"), divided(1024, "-Xmx1000m")
    assert (tight.fits, tight.hopeless) == (False, False)
    assert (hopeless.fits, hopeless.hopeless) == (False, True)
    assert divided(1024, "-XX:MaxRAMPercentage=75.0").hopeless is False


def test_the_smallest_limit_fits_and_one_step_less_does_not() -> None:
    for text in ("", "-Xmx800m", "-XX:+UseG1GC", "-XX:MaxDirectMemorySize=1g"):
        enough = smallest_limit(2, 17, OTTER, given(text), 128 * MIB)
        assert enough is not None
        assert enough % (16 * MIB) == 0
        assert budget(enough, 2, 17, OTTER, given(text)).fits
        assert not budget(enough - 16 * MIB, 2, 17, OTTER, given(text)).fits


def test_a_heap_of_all_memory_fits_nowhere() -> None:
    assert smallest_limit(2, 17, OTTER, given("-XX:MaxRAMPercentage=100.0"), 512 * MIB) is None


@pytest.mark.parametrize("limit", [0, 1, 4096, MIB, 64 * MIB])
def test_an_absurd_limit_is_refused_and_not_a_crash(limit: int) -> None:
    one = budget(limit, 1, 17, Needs(), given())
    assert one.hopeless
    assert one.heap == 0
    assert smallest_limit(1, 17, Needs(), given(), limit) is not None


def test_the_least_heap_is_documented() -> None:
    assert memory.LEAST_HEAP == 48 * MIB
