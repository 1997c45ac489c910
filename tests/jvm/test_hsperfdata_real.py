"""Our numbers against the JVM's own tools: jstat, and the MXBeans that its own clients publish.

The program is idle while it is read, so that what we read before and after encloses what the tool says
in between; a GC of a concurrent collector in between makes the comparison void, and it is repeated.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from probe_jvm import COLLECTORS, PAIRS, Beans, ProbeJvm, running

from entrypoint.jvm.hsperfdata import PerfData
from entrypoint.serve.jvm import JvmReader
from entrypoint.system.attach import attach
from entrypoint.system.hsperf import Reader
from lab.needs import need

ATTEMPTS = 40
"""JDK 11 has a safepoint every second, ZGC more: a comparison has to fall in between."""
KIB, MIB = 1 << 10, 1 << 20

Samples = dict[tuple[str, str], float]


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: f"jdk{pair[0]}-{pair[1]}")
def pair(request: pytest.FixtureRequest) -> tuple[int, str, Path]:
    major, collector = request.param
    return major, collector, need(f"jdk{major}")


@pytest.fixture(scope="module")
def jvm(pair: tuple[int, str, Path]) -> Iterator[ProbeJvm]:
    """One JVM for the tests of a pair, which therefore come in the order of its life."""
    _, collector, home = pair
    flags = COLLECTORS[collector]
    tried = subprocess.run(
        [home / "bin" / "java", *flags, "-version"], capture_output=True, check=False
    )
    if tried.returncode != 0:
        pytest.skip(f"{home} was built without {collector}")
    with running(home, flags) as probe:
        yield probe


def read(reader: JvmReader, pid: int) -> Samples:
    reading = reader.read(pid)
    assert reading.has_counters and reading.has_answered
    return {
        (name, labels[0][1] if len(labels) == 1 else ""): value
        for _, rows in reading.metrics
        for name, labels, value in rows
    }


def collections(found: Samples, jvm: ProbeJvm) -> list[object]:
    """Return what changes with every GC, also of those collectors that we publish no count of."""
    data = Reader(jvm.pid).read()
    raw = [data.number(f"sun.gc.collector.{number}.invocations") for number in range(3)]
    return [*raw, found["jvm_safepoints_total", ""]]


def enclosed(jvm: ProbeJvm) -> tuple[Samples, Beans, Samples]:
    """Return our samples, the beans, and our samples again, without a GC in between."""
    reader = JvmReader()
    for _ in range(ATTEMPTS):
        before = read(reader, jvm.pid)
        count = collections(before, jvm)
        beans = jvm.beans()
        after = read(reader, jvm.pid)
        if collections(after, jvm) == count:
            return before, beans, after
    pytest.fail("a GC in every comparison")


def expected(beans: Beans) -> Iterator[tuple[str, str, float, float]]:
    """Yield (metric, label, the bean's figure, how exact it is)."""
    for (kind, name), figures in beans.items():
        match kind:
            case "area" | "pool":
                prefix = "jvm_memory_" if kind == "area" else "jvm_memory_pool_"
                for metric, figure in zip(("used", "committed", "max"), figures, strict=True):
                    if figure >= 0:
                        yield f"{prefix}{metric}_bytes", name, figure, exactness(metric, name)
            case "gc":
                count, milliseconds = figures
                yield "jvm_gc_collection_seconds_count", name, count, 0
                # Some beans cut each collection to whole milliseconds, some begin a little earlier.
                off = 0.002 * (count + 1) + milliseconds / 4000
                yield "jvm_gc_collection_seconds_sum", name, milliseconds / 1000, off
            case "threads":
                names = "current", "daemon", "peak", "started_total"
                for metric, figure in zip(names, figures, strict=True):
                    yield f"jvm_threads_{metric}", "", figure, 0
            case "classes":
                names = "currently_loaded", "loaded_total", "unloaded_total"
                for metric, figure in zip(names, figures, strict=True):
                    yield f"jvm_classes_{metric}", "", figure, 0
            case "compilation":
                yield "jvm_compilation_time_seconds_total", "", figures[0] / 1000, 0.005


def exactness(metric: str, name: str) -> int:
    if metric != "used":
        return 0
    if name.startswith(("ZHeap", "heap", "Shenandoah")):
        return 3 * MIB  # ZGC prints whole MiB and moves pages of 2 MiB, Shenandoah its regions.
    # The compiler adds and drops code while we look.
    return 128 * KIB if name.startswith(("Code", "nonheap")) else KIB


def known_gaps(major: int, collector: str) -> set[str]:
    """Return names of pools, areas and collectors that we leave out, wholly or in part."""
    gaps = {"Code Cache", "nonheap"} if major == 8 else set()
    return gaps | {
        "CMS": {"ConcurrentMarkSweep"},
        "ZGC": {
            "ZGC", "ZGC Cycles", "ZGC Minor Cycles", "ZGC Major Cycles", "ZGC Young Generation",
            "ZGC Old Generation",
        },
        "ZGC-generational": {
            "ZGC Minor Cycles", "ZGC Major Cycles", "ZGC Young Generation", "ZGC Old Generation",
        },
        "Shenandoah": {"Shenandoah Pauses", "Shenandoah Cycles"},
        "Shenandoah-generational": {
            "Shenandoah Pauses", "Shenandoah Cycles", "Shenandoah Young Gen",
            "Shenandoah Old Gen",
        },
    }.get(collector, set())  # fmt: skip


def test_a_jvm_that_has_just_started_has_no_false_zero(jvm: ProbeJvm) -> None:
    beans = jvm.beans()
    found = read(JvmReader(), jvm.pid)
    zeros = [
        (name, label)
        for (name, label), value in found.items()
        if name.endswith("used_bytes")
        and value == 0
        and beans[("area" if label in {"heap", "nonheap"} else "pool", label)][0] > MIB
    ]
    assert zeros == []
    assert found["jvm_memory_used_bytes", "heap"] > 0
    assert found["jvm_memory_pool_used_bytes", "Metaspace"] > 0


def test_what_we_say_is_what_the_beans_say(pair: tuple[int, str, Path], jvm: ProbeJvm) -> None:
    major, collector, _ = pair
    for line in ("allocate 40", "gc", "allocate 5"):
        jvm.ask(line)
    before, beans, after = enclosed(jvm)
    missing, wrong = set(), []
    for metric, name, figure, off in expected(beans):
        key = metric, name
        if key not in before or key not in after:
            missing.add(name or metric)
        elif not min(before[key], after[key]) - off <= figure <= max(before[key], after[key]) + off:
            wrong.append((metric, name, before[key], figure, after[key]))
    assert wrong == []
    assert missing == known_gaps(major, collector) & {name for _, name in beans}
    named = {name for _, name in before if name} - {"heap", "nonheap"}
    assert named <= {name for _, name in beans}


CELLS: dict[str, tuple[str, ...]] = {
    "S0C": ("generation.0.space.1.capacity",), "S0U": ("generation.0.space.1.used",),
    "S1C": ("generation.0.space.2.capacity",), "S1U": ("generation.0.space.2.used",),
    "EC": ("generation.0.space.0.capacity",), "EU": ("generation.0.space.0.used",),
    "OC": ("generation.1.space.0.capacity",), "OU": ("generation.1.space.0.used",),
    "MC": ("metaspace.capacity",), "MU": ("metaspace.used",),
    "CCSC": ("compressedclassspace.capacity",), "CCSU": ("compressedclassspace.used",),
    "YGC": ("collector.0.invocations",), "YGCT": ("collector.0.time",),
    "FGC": ("collector.1.invocations",), "FGCT": ("collector.1.time",),
    "CGC": ("collector.2.invocations",), "CGCT": ("collector.2.time",),
    "GCT": ("collector.0.time", "collector.1.time", "collector.2.time"),
}  # fmt: skip


def cell(data: PerfData, name: str) -> float | None:
    numbers = [data.number(f"sun.gc.{counter}") for counter in CELLS[name]]
    known = [number for number in numbers if number is not None]
    if not known:
        return None
    if name.endswith("T"):
        return sum(known) / (data.number("sun.os.hrt.frequency") or 1)
    return sum(known) / (1 if name.endswith("GC") else KIB)


def test_we_read_what_jstat_reads(pair: tuple[int, str, Path], jvm: ProbeJvm) -> None:
    own = pair[2] / "bin" / "jstat"
    jstat = own if own.exists() else need("jstat")
    jvm.ask("allocate 5")
    reader = Reader(jvm.pid)
    for _ in range(ATTEMPTS):
        before = reader.read()
        shown = subprocess.run(
            [jstat, "-gc", str(jvm.pid)], capture_output=True, text=True, check=True
        )
        after = reader.read()
        head, values = (line.split() for line in shown.stdout.splitlines())
        quiet = before.values.get("sun.rt.safepoints") == after.values.get("sun.rt.safepoints")
        if quiet:
            break
    else:
        pytest.fail("a safepoint in every comparison")
    compared = 0
    for name, text in zip(head, values, strict=True):
        low, high = cell(before, name), cell(after, name)
        if text == "-" or low is None or high is None:
            continue
        off = 0.00051 if name.endswith("T") else 0.051
        assert min(low, high) - off <= float(text) <= max(low, high) + off, (name, low, text, high)
        compared += 1
    assert compared >= 6


@pytest.mark.parametrize("major", [8, 11, 17, 21, 25])
def test_heap_info_is_what_jcmd_prints(major: int) -> None:
    jcmd = shutil.which("jcmd") or str(need("jcmd"))
    with running(need(f"jdk{major}"), COLLECTORS["Serial"]) as jvm:
        jvm.ask("gc")
        JvmReader().read(jvm.pid)  # the Attach Listener is a thread more from now on
        shown = subprocess.run(
            [jcmd, str(jvm.pid), "GC.heap_info"], capture_output=True, text=True, check=True
        )
        ours = attach(jvm.pid).jcmd("GC.heap_info", timeout=60)
    generations = [line for line in ours.splitlines() if " total " in line]
    # What grew in between is eden; the head of each line says which generation, and its size.
    assert len(generations) == 2
    assert all(line.split(", used")[0].strip() in shown.stdout for line in generations)
