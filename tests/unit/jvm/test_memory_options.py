from __future__ import annotations

import pytest

from entrypoint.jvm.memory_options import MIB, MemoryOptions, heap_of, read


def options(text: str, *more: tuple[str, str]) -> MemoryOptions:
    return read([*((word, "JAVA_OPTIONS") for word in text.split()), *more])


@pytest.mark.parametrize(
    ("option", "field", "amount"),
    [
        ("-Xmx1g", "heap", 1 << 30),
        ("-XX:MaxHeapSize=0x10000000", "heap", 1 << 28),
        ("-Xms64m", "initial_heap", 64 * MIB),
        ("-Xss512k", "stack", 512 * 1024),
        ("-XX:ThreadStackSize=512", "stack", 512 * 1024),
        ("-XX:MaxMetaspaceSize=128m", "metaspace", 128 * MIB),
        ("-XX:ReservedCodeCacheSize=64m", "code_cache", 64 * MIB),
        ("-Xmaxjitcodesize32m", "code_cache", 32 * MIB),
        ("-XX:MaxDirectMemorySize=16m", "direct", 16 * MIB),
        ("-XX:MaxRAM=2g", "memory", 2 << 30),
        ("-XX:MaxRAMPercentage=75.0", "share", 75),
        ("-XX:MaxRAMFraction=4", "share", 25),
        ("-XX:MinRAMPercentage=60", "small_share", 60),
        ("-XX:ActiveProcessorCount=3", "processors", 3),
        ("-XX:+UseG1GC", "collector", 1),
        ("-XX:+AggressiveHeap", "aggressive", 1),
    ],
)
def test_every_option_that_sets_memory_is_read(option: str, field: str, amount: float) -> None:
    found = options(option)
    given = getattr(found, field)
    assert (given.amount, given.option, given.origin) == (amount, option, "JAVA_OPTIONS")
    assert [name for name in found.__slots__ if getattr(found, name)] == [field]


@pytest.mark.parametrize(
    "option", ["-Xmx", "-XX:MaxHeapSize=x", "-XX:-AggressiveHeap", "-XX:-UseG1GC", "-Xmn64m"]
)
def test_what_sets_nothing_that_we_count_is_left_alone(option: str) -> None:
    assert options(option) == MemoryOptions()


def test_the_last_one_wins() -> None:
    found = options("-Xmx1g -Xmx2g", ("-XX:MaxHeapSize=3g", "_JAVA_OPTIONS"))
    assert found.heap is not None
    assert str(found.heap) == "_JAVA_OPTIONS -XX:MaxHeapSize=3g"


@pytest.mark.parametrize(
    ("text", "memory", "expected"),
    [
        ("-Xmx300m", 1024, 300),
        ("-Xmx300m -XX:MaxRAMPercentage=75.0", 1024, 300),
        ("-XX:MaxRAMPercentage=75.0 -Xmx300m", 1024, 300),
        ("-XX:MaxRAMPercentage=75.0", 1024, 768),
        ("-XX:MaxRAM=512m", 1024, 128),
        ("-XX:MaxRAM=512m -XX:MaxRAMPercentage=50", 1024, 256),
        ("-XX:MaxRAM=8g", 1024, 256),
        ("-XX:MaxRAMPercentage=75", 200, 100),  # below 250 MB it is MinRAMPercentage that counts
        ("-XX:MinRAMPercentage=60", 200, 120),
        ("-XX:MinRAMPercentage=60", 1024, 256),
        ("-XX:+AggressiveHeap", 1024, 512),
        ("-XX:+AggressiveHeap", 256, 96),
    ],
)
def test_the_heap_is_what_the_jvm_makes_of_the_options(
    text: str, memory: int, expected: int
) -> None:
    heap = heap_of(options(text), memory * MIB)
    assert heap is not None
    assert heap.bytes // MIB == expected


def test_without_an_option_the_heap_is_ours_to_compute() -> None:
    assert heap_of(options("-Xms64m -XX:+UseG1GC -Xss1m"), 1 << 30) is None
