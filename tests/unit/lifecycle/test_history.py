from __future__ import annotations

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.lifecycle.history import (
    NAMES,
    POINTS,
    RESOLUTION,
    History,
    JvmSample,
    downsample,
    window,
)


def filled(*samples: JvmSample) -> History:
    history = History()
    for sample in samples:
        history.add(sample)
    return history


def test_nothing_is_known_before_the_first_sample() -> None:
    history = History()
    assert history.latest is None
    assert history.series("heap", 1000.0) == (None,) * POINTS


def test_the_newest_value_is_the_last() -> None:
    history = filled(JvmSample(100.0, heap_used=1.0), JvmSample(110.0, heap_used=2.0))
    assert history.series("heap", 112.0, 4) == (None, None, 1.0, 2.0)


def test_a_slot_without_a_sample_is_a_gap_and_not_zero() -> None:
    history = filled(JvmSample(100.0, heap_used=1.0), JvmSample(130.0, heap_used=4.0))
    assert history.series("heap", 130.0, 4) == (1.0, None, None, 4.0)


def test_what_was_not_measured_is_a_gap_in_its_own_series_alone() -> None:
    history = filled(JvmSample(100.0, heap_used=1.0, rss=7.0), JvmSample(110.0, rss=8.0))
    assert history.series("heap", 110.0, 2) == (1.0, None)
    assert history.series("rss", 110.0, 2) == (7.0, 8.0)


def test_a_thread_that_wakes_a_little_early_or_late_stays_in_its_slot() -> None:
    times = (100.0, 109.2, 120.9, 129.6, 144.9)
    history = filled(*(JvmSample(at, heap_used=at) for at in times))
    assert None not in history.series("heap", 140.0, 5)


def test_of_two_samples_in_one_slot_the_later_counts() -> None:
    history = filled(JvmSample(100.0, heap_used=1.0), JvmSample(102.0, heap_used=2.0))
    assert history.series("heap", 102.0, 2) == (None, 2.0)


def test_the_time_after_the_last_sample_is_a_gap() -> None:
    """java ended, or the machine slept: the graph goes on without it."""
    history = filled(JvmSample(100.0, heap_used=1.0))
    assert history.series("heap", 109.9, 2) == (None, 1.0)
    assert history.series("heap", 130.0, 4) == (1.0, None, None, None)


def test_a_sample_from_the_past_is_dropped() -> None:
    history = filled(JvmSample(100.0, heap_used=1.0), JvmSample(90.0, heap_used=9.0))
    assert history.series("heap", 100.0, 2) == (None, 1.0)


def test_rates_come_from_totals() -> None:
    history = filled(
        JvmSample(100.0, gc_seconds=1.0, cpu_seconds=10.0, full_gcs=1),
        JvmSample(110.0, gc_seconds=1.5, cpu_seconds=25.0, full_gcs=3),
    )
    assert history.series("gc", 110.0, 2) == pytest.approx((None, 0.05))
    assert history.series("cpu", 110.0, 2) == (None, 1.5)
    assert history.series("full_gcs", 110.0, 2) == (None, 2.0)


def test_over_a_gap_a_rate_is_the_mean() -> None:
    history = filled(JvmSample(100.0, cpu_seconds=0.0), JvmSample(140.0, cpu_seconds=20.0))
    assert history.series("cpu", 140.0, 2) == (None, 0.5)


@pytest.mark.parametrize("after", [None, 4.0])
def test_a_total_that_is_unknown_or_has_fallen_gives_no_rate(after: float | None) -> None:
    history = filled(JvmSample(100.0, cpu_seconds=5.0), JvmSample(110.0, cpu_seconds=after))
    assert history.series("cpu", 110.0, 2) == (None, None)


def test_gc_is_never_more_than_all_of_the_time() -> None:
    history = filled(JvmSample(100.0, gc_seconds=0.0), JvmSample(110.0, gc_seconds=10.2))
    assert history.series("gc", 110.0, 1) == (1.0,)


def test_after_an_hour_the_oldest_goes() -> None:
    history = filled(*(JvmSample(10.0 * i, heap_used=i) for i in range(POINTS + 7)))
    series = history.series("heap", 10.0 * (POINTS + 6))
    assert series == tuple(float(i) for i in range(7, POINTS + 7))


def test_after_a_pause_longer_than_an_hour_nothing_old_comes_back() -> None:
    history = filled(*(JvmSample(10.0 * i, heap_used=i) for i in range(POINTS)))
    history.add(JvmSample(10.0 * 5 * POINTS, heap_used=1.0))
    assert history.series("heap", 10.0 * 5 * POINTS) == (None,) * (POINTS - 1) + (1.0,)


def test_it_stays_as_small_as_it_is() -> None:
    history = History()
    sizes = set()
    for i in range(4 * POINTS):
        history.add(JvmSample(RESOLUTION * i, *(float(i) for _ in range(9))))
        sizes.add(sum(sys.getsizeof(ring) for ring in history._rings.values()))
    assert sizes == {sum(sys.getsizeof(ring) for ring in history._rings.values())}
    assert sizes.pop() < 16 * 1024


@given(st.lists(st.floats(0, 20_000), max_size=60), st.integers(1, 50))
def test_any_sequence_of_times_gives_series_of_the_length_asked_for(
    times: list[float], points: int
) -> None:
    history = History(points=40)
    for at in sorted(times):
        history.add(JvmSample(at, heap_used=at, cpu_seconds=at))
    for name in NAMES:
        series = history.series(name, 20_000, points)
        assert len(series) == points
        assert all(value is None or math.isfinite(value) for value in series)


@pytest.mark.parametrize(
    ("age", "points"), [(0, 60), (600, 60), (601, 180), (1800, 180), (1801, 360), (1e6, 360)]
)
def test_a_young_run_gets_a_shorter_window(age: float, points: int) -> None:
    assert window(age) == points


def test_down_sampling_keeps_the_peak_of_each_part() -> None:
    assert downsample((1, 9, 2, 3, 8, 4), 3) == (9, 3, 8)


def test_down_sampling_keeps_a_gap_a_gap() -> None:
    assert downsample((1, 2, None, None, None, 6), 3) == (2, None, 6)


def test_a_series_that_fits_is_left_alone() -> None:
    assert downsample((1, None), 2) == (1, None)
    assert downsample((), 5) == ()


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=1, max_size=400),
    st.integers(1, 100),
)
def test_no_peak_is_lost(values: list[float | None], width: int) -> None:
    found = downsample(values, width)
    assert len(found) == min(len(values), width)
    known = [value for value in values if value is not None]
    assert max((value for value in found if value is not None), default=None) == max(
        known, default=None
    )
