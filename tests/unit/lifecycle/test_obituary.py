"""A death in words, from values."""

from __future__ import annotations

from entrypoint.errors import format_problem
from entrypoint.lifecycle.history import JvmSample
from entrypoint.lifecycle.obituary import Death, obituary
from entrypoint.lifecycle.report import Outcome
from entrypoint.records import replace

MB = 1 << 20
SAMPLE = JvmSample(96.0, heap_used=300 * MB, heap_max=300 * MB, threads=212, metaspace=96 * MB)
OOM = Death(
    Outcome(None, 9, oom_killed=True), 100.0, False, (0, 1), 511 * MB, 512 * MB, SAMPLE, 96.0,
    "-Xmx300m", evidence=("/data/diagnosis/2026-11-24T03-12-44Z",),
)  # fmt: skip


def told(death: Death) -> str:
    problem = obituary(death)
    return "" if problem is None else format_problem(problem)


def test_an_oom_kill_has_the_figures_and_a_fix() -> None:
    text = told(OOM)
    assert text.startswith("entrypoint: java was killed by the kernel: out of memory")
    for part in (
        "oom_kill 0 → 1; usage 511 of 512 MiB",
        "300 of 300 MiB; last full GC seen 4s ago; metaspace 96; threads 212",
        "memory outside the heap",
        "raise the limit to 640 MiB, or lower -Xmx300m",
        "evidence  /data/diagnosis/2026-11-24T03-12-44Z",
    ):
        assert part in text


def test_without_a_heap_the_line_is_not_called_one() -> None:
    lines = told(replace(OOM, sample=JvmSample(96.0, threads=10), full_gc_at=None)).splitlines()
    assert "  java      threads 10 (looked at 4s ago)" in lines
    assert any(line.startswith("  heap      300 of 300 MiB") for line in told(OOM).splitlines())


def test_a_heap_near_the_limit_is_the_likely_cause() -> None:
    assert "93% of the limit" in told(replace(OOM, sample=replace(SAMPLE, heap_max=475 * MB)))


def test_more_threads_than_the_profile_expects_are_the_likely_cause() -> None:
    text = told(replace(OOM, threads=120))
    assert "memory outside the heap: 212 threads where the profile expects 120" in text
    assert "metaspace, threads, direct" in told(replace(OOM, threads=212))
    near = replace(SAMPLE, heap_max=475 * MB)
    assert "of the limit leaves too little" in told(replace(OOM, threads=120, sample=near))


def test_what_is_not_known_is_not_told() -> None:
    text = told(Death(Outcome(None, 9, oom_killed=True)))
    assert "usage" not in text and "heap      " not in text and "None MiB" not in text


def test_the_other_deaths() -> None:
    assert "not for want of memory" in told(Death(Outcome(None, 9), oom_kills=(1, 1)))
    assert "[java-not-stopped]" in told(Death(Outcome(None, 9, killed=True)))
    assert "SIGBUS" in told(Death(Outcome(None, 6), crash=("SIGBUS (0x7) at pc=0x1",)))
    assert "/d/java_pid7.hprof" in told(
        Death(Outcome(3), exits_on_oom=True, heap_dump="/d/java_pid7.hprof")
    )
    assert told(Death(Outcome(3))) == ""
    assert told(Death(Outcome(1))) == ""
