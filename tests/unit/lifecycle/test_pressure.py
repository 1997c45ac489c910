"""When java is said to thrash or to hang, and when not."""

from __future__ import annotations

import pytest

from entrypoint.lifecycle.health import Snapshot, livez
from entrypoint.lifecycle.history import JvmSample
from entrypoint.lifecycle.pressure import Pressure, Signs, observe
from entrypoint.records import replace

MB = 1 << 20
RUNS = Signs("R")
SNAPSHOT = Snapshot(
    "running", 0.0, (("running", 0.0),), "x", "y", "1", 0.0, 0.0, child_pid=1, child_alive=True
)


def after(windows: int, *, full: float = 3, young: float = 0, old: float = 0.95, gc: float = 0.5,
          cpu: float = 1.0, signs: Signs = RUNS, start: Pressure | None = None) -> Pressure:  # fmt: skip
    """Return the pressure after so many windows of ten seconds that are all alike."""
    pressure = start or Pressure()
    last = pressure.sample or JvmSample(
        0.0, full_gcs=0, young_gcs=0, gc_seconds=0, cpu_seconds=0, old_used=0, old_max=100 * MB
    )
    if start is None:
        pressure = observe(pressure, last, signs)
    for _ in range(windows):
        last = replace(
            last,
            at=last.at + 10,
            full_gcs=(last.full_gcs or 0) + full,
            young_gcs=(last.young_gcs or 0) + young,
            gc_seconds=(last.gc_seconds or 0) + 10 * gc,
            cpu_seconds=(last.cpu_seconds or 0) + 10 * cpu,
            old_used=old * 100 * MB,
        )
        pressure = observe(pressure, last, signs)
    return pressure


def test_it_has_lasted_since_the_first_window_that_spoke_for_it() -> None:
    """And not since we are sure: a log line that says "since 0ms" tells nobody anything."""
    began = after(6).thrash
    assert began.since == 10.0
    assert after(20).thrash.since == 10.0
    healed = after(6, old=0.2, start=after(6))
    assert healed.thrash.since is None
    assert after(6, start=healed).thrash.since == 130.0


def test_a_minute_of_useless_full_collections_is_thrashing() -> None:
    assert not after(5).thrash.on
    assert after(6).thrash.on
    assert after(60).thrash.count == 1


@pytest.mark.parametrize(
    "healthy", [{"old": 0.8}, {"young": 15}, {"gc": 0.05}, {"full": 0}], ids=str
)
def test_each_condition_is_needed(healthy: dict[str, float]) -> None:
    assert not after(100, **healthy).thrash.on  # type: ignore[arg-type]


def test_one_good_window_does_not_end_an_episode_and_six_do() -> None:
    one = after(1, old=0.2, start=after(10))
    assert one.thrash.on
    assert after(10, start=one).thrash.count == 1
    assert not after(6, old=0.2, start=after(10)).thrash.on


def test_a_collector_without_full_collections_never_thrashes() -> None:
    pressure = Pressure()
    for second in range(20):
        pressure = observe(pressure, JvmSample(float(second), gc_seconds=second), Signs("R"))
    assert not pressure.thrash.on


def test_a_stopped_java_hangs_and_a_long_collection_does_not() -> None:
    assert after(3, signs=Signs("T")).hang.on
    assert after(3, cpu=0.0, signs=Signs("S", answered=False)).hang.on
    assert not after(10, cpu=1.0, signs=Signs("R", answered=False)).hang.on
    assert after(20, cpu=1.0, signs=Signs("R", answered=False)).hang.on
    assert not after(10, cpu=0.0, signs=Signs("S", answered=True)).hang.on
    assert not after(10, cpu=0.0, signs=Signs("S", answered=None)).hang.on


def test_a_java_that_waits_for_a_cpu_is_starved_not_hung() -> None:
    pressure = Pressure()
    for number in range(8):
        sample = JvmSample(number * 10.0, cpu_seconds=number * 0.1)
        pressure = observe(pressure, sample, Signs("S", answered=False, waited=number * 4.0))
        assert not pressure.hang.on
    for number in range(8, 12):
        # It waits for no CPU any more, and does not answer all the same.
        sample = JvmSample(number * 10.0, cpu_seconds=0.8)
        pressure = observe(pressure, sample, Signs("S", answered=False, waited=28.0))
    assert pressure.hang.on


def test_liveness_follows_only_by_choice() -> None:
    sick = replace(SNAPSHOT, pressure=after(6))
    assert livez(sick, 100.0).ok
    verdict = livez(replace(sick, fails_on_thrash=True), 100.0)
    assert [one.name for one in verdict.items if not one.ok] == ["thrashing"]
    assert livez(replace(SNAPSHOT, pressure=after(6, old=0.2), fails_on_thrash=True), 100.0).ok
