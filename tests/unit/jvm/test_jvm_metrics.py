from __future__ import annotations

import re

import pytest
from hsperf_file import build

from entrypoint.jvm.heap_info import HeapInfo, Space
from entrypoint.jvm.hsperfdata import PerfData, parse
from entrypoint.jvm.metrics import JVM_METRICS, NO_ANSWERS, VOCABULARIES, samples

Values = dict[str, int | str]
Found = dict[tuple[str, str], float]

COMMON: Values = {
    "sun.os.hrt.frequency": 1_000_000_000,
    "sun.rt.createVmBeginTime": 1_000_000,
    "java.property.java.version": "17.0.15",
    "java.property.java.vm.vendor": "Debian",
    "java.property.java.vm.name": "OpenJDK 64-Bit Server VM",
    "java.property.java.vm.specification.version": "17",
    "java.threads.live": 12, "java.threads.daemon": 11, "java.threads.livePeak": 13,
    "java.threads.started": 14,
    "java.cls.loadedClasses": 174, "java.cls.sharedLoadedClasses": 652,
    "java.cls.unloadedClasses": 20, "java.cls.sharedUnloadedClasses": 8,
    "java.ci.totalTime": 2_500_000_000,
    "sun.rt.safepoints": 3, "sun.rt.safepointTime": 500_000_000,
    "sun.rt.safepointSyncTime": 1_000_000,
    "sun.gc.metaspace.used": 0, "sun.gc.metaspace.capacity": 0,
    "sun.gc.metaspace.maxCapacity": 1 << 30,
    "sun.gc.compressedclassspace.used": 0, "sun.gc.compressedclassspace.capacity": 0,
    "sun.gc.compressedclassspace.maxCapacity": 1 << 30,
}  # fmt: skip


def space(generation: int, number: int, used: int, capacity: int, most: int) -> Values:
    prefix = f"sun.gc.generation.{generation}.space.{number}"
    return {f"{prefix}.used": used, f"{prefix}.capacity": capacity, f"{prefix}.maxCapacity": most}


def collector(number: int, count: int, name: str = "x") -> Values:
    prefix = f"sun.gc.collector.{number}"
    return {
        f"{prefix}.invocations": count,
        f"{prefix}.time": count * 1_000_000,
        f"{prefix}.name": name,
    }


SERIAL: Values = {
    **COMMON, "sun.gc.policy.name": "Copy:MSC", "sun.os.hrt.ticks": 5_000_000_000,
    **space(0, 0, 100, 1000, 2000), **space(0, 1, 0, 50, 60), **space(0, 2, 30, 50, 60),
    **space(1, 0, 400, 4000, 8000), **collector(0, 3), **collector(1, 1),
}  # fmt: skip
G1: Values = {
    **COMMON, "sun.gc.policy.name": "GarbageFirst",
    **space(0, 0, 100, 1008, 9008), **space(0, 1, 0, 8, 8), **space(0, 2, 30, 58, 9008),
    **space(1, 0, 400, 4008, 9008),
    **collector(0, 3), **collector(1, 1), **collector(2, 6),
}  # fmt: skip
ZGC_17: Values = {
    **COMMON, **space(1, 0, 400, 4000, 9000), "sun.gc.generation.1.name": "old",
    **collector(2, 9, "Z concurrent cycle pauses"),
}  # fmt: skip
ZGC_21: Values = {
    **COMMON, **space(0, 0, 0, 100, 9000), **space(1, 0, 0, 100, 9000),
    **collector(0, 4, "ZGC minor collection pauses"),
    **collector(2, 9, "ZGC major collection pauses"),
}  # fmt: skip
ZGC_11: Values = {
    **COMMON, **space(1, 0, 0, 100, 9000), "sun.gc.generation.1.name": "old",
    "sun.gc.generation.1.space.0.name": "space",
}  # fmt: skip
SHENANDOAH: Values = {
    **COMMON, **space(1, 0, 0, 9000, 9000),
    **collector(0, 0, "Shenandoah partial"), **collector(1, 49, "Shenandoah full"),
}  # fmt: skip
ALL = (SERIAL, G1, ZGC_11, ZGC_17, ZGC_21, SHENANDOAH)


def found(
    values: Values | None,
    answers: HeapInfo = NO_ANSWERS,
    now: float = 1010.0,
    vocabulary: str = "client-java-1",
) -> Found:
    data = None if values is None else parse(build(values))
    return {
        (name, ",".join(value for _, value in labels)): figure
        for _, rows in samples(data, answers, now, vocabulary)
        for name, labels, figure in rows
    }


def test_numbers_of_every_collector() -> None:
    for values in ALL:
        shown = found(values)
        assert shown["jvm_threads_current", ""] == 12
        assert shown["jvm_threads_daemon", ""] == 11
        assert shown["jvm_threads_peak", ""] == 13
        assert shown["jvm_threads_started_total", ""] == 14
        assert shown["jvm_classes_currently_loaded", ""] == 798
        assert shown["jvm_classes_loaded_total", ""] == 826
        assert shown["jvm_classes_unloaded_total", ""] == 28
        assert shown["jvm_compilation_time_seconds_total", ""] == 2.5
        assert shown["jvm_safepoint_seconds_total", ""] == 0.5
        assert ("jvm_runtime_info", "17.0.15,Debian,OpenJDK 64-Bit Server VM") in shown


def test_uptime_is_the_jvms_own_clock_or_else_the_time_since_it_began() -> None:
    assert found(SERIAL)["jvm_uptime_seconds", ""] == 5
    assert found(G1)["jvm_uptime_seconds", ""] == 10
    assert found(G1, now=900.0)["jvm_uptime_seconds", ""] == 0


def test_serial() -> None:
    shown = found(SERIAL)
    assert shown["jvm_memory_pool_used_bytes", "Eden Space"] == 100
    assert shown["jvm_memory_pool_used_bytes", "Survivor Space"] == 30
    assert shown["jvm_memory_pool_used_bytes", "Tenured Gen"] == 400
    assert shown["jvm_memory_used_bytes", "heap"] == 530
    assert shown["jvm_memory_committed_bytes", "heap"] == 5050
    assert shown["jvm_memory_max_bytes", "heap"] == 10060
    assert shown["jvm_gc_collection_seconds_count", "Copy"] == 3
    assert shown["jvm_gc_collection_seconds_sum", "MarkSweepCompact"] == 0.001


def test_parallel_has_limits_that_move() -> None:
    values = SERIAL | {
        "sun.gc.policy.name": "ParScav:MSC", "sun.gc.generation.0.maxCapacity": 3000,
        "sun.gc.generation.1.maxCapacity": 8000,
    }  # fmt: skip
    shown = found(values)
    assert shown["jvm_memory_pool_max_bytes", "PS Eden Space"] == 3000 - 2 * 50
    assert shown["jvm_memory_pool_max_bytes", "PS Survivor Space"] == 50
    assert shown["jvm_memory_max_bytes", "heap"] == 11000 - 60


def test_cms_counts_nothing_that_its_bean_counts() -> None:
    shown = found(SERIAL | {"sun.gc.policy.name": "ParNew:CMS"} | collector(2, 5))
    assert {label for name, label in shown if "gc" in name} == {"ParNew"}
    assert ("jvm_memory_pool_used_bytes", "CMS Old Gen") in shown


def test_without_a_sampler_used_is_asked_for_or_left_out() -> None:
    values = {name: value for name, value in SERIAL.items() if name != "sun.os.hrt.ticks"}
    shown = found(values)
    assert ("jvm_memory_used_bytes", "heap") not in shown
    assert not any(name == "jvm_memory_pool_used_bytes" for name, _ in shown if "Eden" in _)
    assert shown["jvm_memory_committed_bytes", "heap"] == 5050
    answers = HeapInfo(eden=Space(700, 1000), survivor=Space(0, 50), old=Space(401, 4000))
    assert found(values, answers)["jvm_memory_used_bytes", "heap"] == 1101


def test_g1() -> None:
    shown = found(G1)
    assert shown["jvm_memory_pool_committed_bytes", "G1 Eden Space"] == 1000
    assert shown["jvm_memory_pool_used_bytes", "G1 Survivor Space"] == 30
    assert shown["jvm_memory_pool_max_bytes", "G1 Old Gen"] == 9000
    assert ("jvm_memory_pool_max_bytes", "G1 Eden Space") not in shown
    assert shown["jvm_memory_used_bytes", "heap"] == 530
    assert shown["jvm_memory_max_bytes", "heap"] == 9000
    assert ("jvm_gc_collection_seconds_count", "G1 Concurrent GC") not in shown
    newer = found(G1 | {"java.property.java.vm.specification.version": "21"})
    assert newer["jvm_gc_collection_seconds_count", "G1 Concurrent GC"] == 6


def test_g1_before_its_first_collection() -> None:
    values = G1 | collector(0, 0) | collector(1, 0) | collector(2, 0)
    values["sun.gc.generation.1.space.0.used"] = 0
    shown = found(values)
    assert ("jvm_memory_pool_used_bytes", "G1 Old Gen") not in shown
    assert ("jvm_memory_used_bytes", "heap") not in shown
    assert found(values, HeapInfo(heap=Space(777, 5000)))["jvm_memory_used_bytes", "heap"] == 777


@pytest.mark.parametrize(
    ("values", "gcs"),
    [
        (ZGC_11, {}),
        (ZGC_17, {"ZGC Pauses": 9}),
        (ZGC_21, {"ZGC Minor Pauses": 4, "ZGC Major Pauses": 9}),
    ],
)
def test_zgc(values: Values, gcs: dict[str, float]) -> None:
    shown = found(values)
    assert {label: v for (name, label), v in shown.items() if name.endswith("_count")} == gcs
    assert ("jvm_memory_used_bytes", "heap") not in shown
    assert shown["jvm_memory_max_bytes", "heap"] == 9000
    asked = found(values, HeapInfo(heap=Space(555, 6000, 9000)))
    assert asked["jvm_memory_used_bytes", "heap"] == 555
    assert asked["jvm_memory_committed_bytes", "heap"] == 6000
    generational = values is ZGC_21
    assert (("jvm_memory_pool_used_bytes", "ZHeap") in asked) != generational
    assert not any("Generation" in label for name, label in asked if "used" in name)


def test_shenandoah() -> None:
    shown = found(SHENANDOAH)
    assert not any(name.startswith("jvm_gc") for name, _ in shown)
    assert ("jvm_memory_used_bytes", "heap") not in shown
    asked = found(SHENANDOAH, HeapInfo(heap=Space(555, 6000, 9000)))
    assert asked["jvm_memory_pool_used_bytes", "Shenandoah"] == 555
    assert asked["jvm_memory_pool_committed_bytes", "Shenandoah"] == 6000
    generational = SHENANDOAH | {"java.rt.vmArgs": "-XX:ShenandoahGCMode=generational"}
    assert not any("Shenandoah" in label for name, label in found(generational) if "used" in name)


def test_the_metaspace_is_that_of_the_last_collection_or_asked_for() -> None:
    counted: Values = {"sun.gc.metaspace.used": 300, "sun.gc.compressedclassspace.used": 40}
    assert found(SERIAL | counted)["jvm_memory_pool_used_bytes", "Metaspace"] == 300
    fresh = SERIAL | counted | collector(0, 0) | collector(1, 0)
    assert ("jvm_memory_pool_used_bytes", "Metaspace") not in found(fresh)
    answers = HeapInfo(metaspace=Space(500, 600), class_space=Space(50, 60))
    shown = found(fresh, answers)
    assert shown["jvm_memory_pool_used_bytes", "Metaspace"] == 500
    assert shown["jvm_memory_pool_max_bytes", "Compressed Class Space"] == 1 << 30
    assert ("jvm_memory_pool_max_bytes", "Metaspace") not in shown
    assert ("jvm_memory_used_bytes", "nonheap") not in shown
    code = HeapInfo(
        metaspace=Space(500, 600),
        class_space=Space(50, 60),
        code=(("CodeCache", Space(7, 8, 9)),),
    )
    shown = found(fresh, code)
    assert shown["jvm_memory_used_bytes", "nonheap"] == 557
    assert shown["jvm_memory_pool_max_bytes", "CodeCache"] == 9


def test_without_compressed_class_pointers_there_is_no_such_pool() -> None:
    shown = found(SERIAL | {"sun.gc.compressedclassspace.maxCapacity": 0})
    assert not any(label == "Compressed Class Space" for _, label in shown)


def test_without_counters_the_answers_are_all() -> None:
    assert found(None) == {}
    shown = found(None, HeapInfo(heap=Space(5, 6, 7)))
    assert shown == {
        ("jvm_memory_used_bytes", "heap"): 5,
        ("jvm_memory_committed_bytes", "heap"): 6,
    }


def test_counters_that_are_not_there_are_left_out_one_by_one() -> None:
    for values in ALL:
        for missing in values:
            rest = {name: value for name, value in values.items() if name != missing}
            assert found(rest).keys() <= found(values).keys(), missing


def test_counters_of_the_wrong_type_break_nothing() -> None:
    for values in ALL:
        for name, value in values.items():
            wrong: int | str = "x" if isinstance(value, int) else 5
            found(values | {name: wrong})
    for version in ("", "1", "1.", "1.8", "٣", "99999999999", "8-ea"):
        found(G1 | {"java.property.java.vm.specification.version": version})
    found(SERIAL | {"sun.os.hrt.frequency": 0})
    found(SERIAL | {"sun.os.hrt.frequency": -5})


def test_other_vocabularies() -> None:
    old = found(SERIAL, vocabulary="client-java-0")
    assert old["jvm_memory_bytes_used", "heap"] == 530
    assert old["jvm_memory_pool_bytes_max", "Tenured Gen"] == 8000
    assert ("jvm_info", "17.0.15,Debian,OpenJDK 64-Bit Server VM") in old
    micrometer = found(SERIAL, vocabulary="micrometer")
    assert micrometer["jvm_memory_used_bytes", "heap,Tenured Gen"] == 400
    assert ("jvm_memory_used_bytes", "heap") not in micrometer
    assert micrometer["jvm_threads_live_threads", ""] == 12
    assert micrometer["jvm_compilation_time_ms_total", ""] == 2500
    assert micrometer["jvm_gc_pause_seconds_count", "Copy"] == 3
    with pytest.raises(ValueError, match="not in"):
        found(SERIAL, vocabulary="none")


def test_names_follow_the_rules_of_prometheus() -> None:
    for number, _ in enumerate(VOCABULARIES):
        named = [(metric.names[number], metric) for metric in JVM_METRICS if metric.names[number]]
        assert len({name for name, _ in named}) == len(named)
        for name, metric in named:
            assert re.fullmatch(r"(jvm|process)(_[a-z]+)+", name)
            assert name.endswith("_total") == (metric.kind == "counter")
            assert name.endswith("_info") == (metric.kind == "info")
            assert metric.help.endswith(".")


def test_nothing_is_published_of_a_data_set_that_is_empty() -> None:
    assert list(samples(PerfData({}), NO_ANSWERS, 0.0, "client-java-1")) == []
