"""Answers as the JDKs printed them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.jvm.heap_info import HeapInfo, Space, parse_heap_info

K, M = 1 << 10, 1 << 20

METASPACE_8 = """\
 Metaspace       used 3933K, capacity 4680K, committed 4864K, reserved 1056768K
  class space    used 432K, capacity 499K, committed 512K, reserved 1048576K
"""
METASPACE_17 = """\
 Metaspace       used 816K, committed 1024K, reserved 1114112K
  class space    used 75K, committed 192K, reserved 1048576K
"""
SERIAL_17 = """\
 def new generation   total 39296K, used 23602K [0xf8000000, 0xfaaa0000, 0xfaaa0000)
  eden space 34944K,  67% used [0x00000000f8000000, 0x00000000f970c850, 0x00000000fa220000)
  from space 4352K,   0% used [0x00000000fa660000, 0x00000000fa660000, 0x00000000faaa0000)
  to   space 4352K,   0% used [0x00000000fa220000, 0x00000000fa220000, 0x00000000fa660000)
 tenured generation   total 87424K, used 1020K [0xfaaa0000, 0x100000000, 0x100000000)
   the space 87424K,   1% used [0x00000000faaa0000, 0x00000000fab9f3c8, 0x00000000fab9f400, 0x100000000)
"""
SERIAL_25 = """\
DefNew     total 39296K, used 11678K [0x00000000f8000000, 0x00000000faaa0000, 0x00000000faaa0000)
 eden space 34944K,  33% used [0x00000000f8000000, 0x00000000f8b678a0, 0x00000000fa220000)
 from space 4352K,   0% used [0x00000000fa220000, 0x00000000fa220000, 0x00000000fa660000)
 to   space 4352K,   0% used [0x00000000fa660000, 0x00000000fa660000, 0x00000000faaa0000)
Tenured    total 87424K, used 1166K [0x00000000faaa0000, 0x0000000100000000, 0x0000000100000000)
 the  space 87424K,   1% used [0x00000000faaa0000, 0x00000000fabc3ab8, 0x0000000100000000)
"""
PARALLEL = """\
 PSYoungGen      total 38400K, used 24245K [0xfd580000, 0x100000000, 0x100000000)
  eden space 33280K, 72% used [0x00000000fd580000,0x00000000fed2d550,0x00000000ff600000)
  from space 5120K, 0% used [0x00000000ffb00000,0x00000000ffb00000,0x0000000100000000)
  to   space 5120K, 0% used [0x00000000ff600000,0x00000000ff600000,0x00000000ffb00000)
 ParOldGen       total 87552K, used 880K [0xf8000000, 0xfd580000, 0xfd580000)
  object space 87552K, 1% used [0x00000000f8000000,0x00000000f80dc088,0x00000000fd580000)
"""
CMS = """\
  eden space 34944K,  26% used [0x00000000f8000000, 0x00000000f88e91a0, 0x00000000fa220000)
  from space 4352K,   0% used [0x00000000fa220000, 0x00000000fa220000, 0x00000000fa660000)
 concurrent mark-sweep generation total 87424K, used 704K [0xfaaa0000, 0x100000000, 0x100000000)
"""
SHENANDOAH = """\
Shenandoah Heap
 128M max, 128M soft max, 96M committed, 24622K used
 512 x 256K regions
Status: not cancelled
"""
CODE_25 = """\
CodeHeap 'non-profiled nmethods': size=120036Kb used=14Kb max_used=14Kb free=120021Kb
 bounds [0x00007f360fec7000, 0x00007f3610137000, 0x00007f3617400000]
CodeHeap 'non-nmethods': size=5692Kb used=1330Kb max_used=1330Kb free=4362Kb
 bounds [0x00007f360f938000, 0x00007f360fba8000, 0x00007f360fec7000]
CodeCache: size=245764Kb, used=1355Kb, max_used=1355Kb, free=244407Kb
 total_blobs=378, nmethods=31, adapters=253, full_count=0
"""
CODE_ONE_PIECE = """\
CodeCache: size=49152Kb used=1213Kb max_used=1213Kb free=47938Kb
 bounds [0x00007f0a25000000, 0x00007f0a25270000, 0x00007f0a28000000]
 total_blobs=352 nmethods=68 adapters=198
"""


@pytest.mark.parametrize(
    ("text", "eden", "old"),
    [
        (SERIAL_17, Space(0x170C850, 34944 * K), Space(0xFF3C8, 87424 * K)),
        (SERIAL_25, Space(0xB678A0, 34944 * K), Space(0x123AB8, 87424 * K)),
        (PARALLEL, Space(0x17AD550, 33280 * K), Space(0xDC088, 87552 * K)),
        (CMS, Space(0x8E91A0, 34944 * K), Space(704 * K, 87424 * K)),
    ],
    ids=["serial-17", "serial-25", "parallel", "cms"],
)
def test_generations(text: str, eden: Space, old: Space) -> None:
    found = parse_heap_info(text)
    assert (found.eden, found.old, found.heap) == (eden, old, None)
    assert found.survivor is not None and found.survivor.used == 0


@pytest.mark.parametrize(
    ("text", "heap"),
    [
        (" garbage-first heap   total 76800K, used 43542K [0xf8, 0x10)", (43542 * K, 76800 * K)),
        (
            "garbage-first heap   total reserved 131072K, committed 48128K, used 43715K [0x1, 0x2)",
            (43715 * K, 48128 * K),
        ),
        (" ZHeap           used 34M, capacity 96M, max capacity 128M", (34 * M, 96 * M, 128 * M)),
        (SHENANDOAH, (24622 * K, 96 * M, 128 * M)),
    ],
)
def test_whole_heaps(text: str, heap: tuple[int, ...]) -> None:
    assert parse_heap_info(text).heap == Space(*heap)


@pytest.mark.parametrize(
    ("text", "used", "committed"), [(METASPACE_8, 3933, 4864), (METASPACE_17, 816, 1024)]
)
def test_the_metaspace(text: str, used: int, committed: int) -> None:
    found = parse_heap_info(SERIAL_17 + text)
    assert found.metaspace == Space(used * K, committed * K)
    assert found.class_space is not None


def test_the_code_heaps() -> None:
    found = parse_heap_info(SERIAL_25, CODE_25).code
    assert dict(found) == {
        "CodeHeap 'non-profiled nmethods'": Space(14 * K, 0x270000, 120036 * K),
        "CodeHeap 'non-nmethods'": Space(1330 * K, 0x270000, 5692 * K),
    }
    assert parse_heap_info(CODE_ONE_PIECE).code == (
        ("CodeCache", Space(1213 * K, 0x270000, 49152 * K)),
    )


def test_impossible_sizes_are_left_out() -> None:
    text = (
        "eden space 1K, 1% used [0x2000, 0x1000, 0x3000)\nfrom space 1K, 1% used [0x0, 0xffff, 0x1)"
    )
    assert parse_heap_info(text) == HeapInfo()


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    assert parse_heap_info(text) == HeapInfo()


@given(st.data())
def test_any_mixture_of_lines_is_taken(data: st.DataObject) -> None:
    lines = (SERIAL_17 + PARALLEL + SHENANDOAH + METASPACE_8 + CODE_25).splitlines()
    picked = data.draw(st.lists(st.sampled_from(lines), max_size=10))
    cut = data.draw(st.integers(0, 80))
    found = parse_heap_info("\n".join(line[:cut] for line in picked), "\n".join(picked))
    spaces = (found.eden, found.old, found.metaspace, found.heap)
    assert all(space is None or space.used >= 0 for space in spaces)
