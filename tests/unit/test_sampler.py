from __future__ import annotations

import threading
import time

from entrypoint.lifecycle.history import JvmSample
from entrypoint.sampler import Sampler


class Looks:
    """Counts looks; the test waits for so many."""

    def __init__(self, fails: bool = False) -> None:
        self._fails = fails
        self._changed = threading.Condition()
        self.count = 0

    def __call__(self, now: float) -> JvmSample:
        with self._changed:
            self.count += 1
            self._changed.notify_all()
        if self._fails:
            raise ValueError("not now")
        return JvmSample(now, heap_used=float(self.count), cpu_seconds=float(self.count))

    def wait(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.count >= count, 60)


def start(sampler: Sampler) -> threading.Thread:
    thread = threading.Thread(target=sampler.run, daemon=True)
    thread.start()
    return thread


def test_it_looks_again_and_again_until_it_is_stopped() -> None:
    looks = Looks()
    sampler = Sampler(looks, interval=0.02)
    thread = start(sampler)
    looks.wait(4)
    sampler.stop()
    thread.join(60)
    assert not thread.is_alive()
    sample, series = sampler.look_back(time.monotonic(), 1.0)
    assert sample is not None and sample.heap_used == looks.count
    assert series is not None and looks.count in series["heap"]


def test_before_the_first_look_nothing_is_known() -> None:
    assert Sampler(Looks()).look_back(1.0, 0.0) == (None, None)


def test_the_first_rates_count_from_javas_start() -> None:
    looks = Looks()
    sampler = Sampler(looks, interval=0.05)
    thread = start(sampler)
    looks.wait(2)
    sampler.stop()
    thread.join(60)
    _, series = sampler.look_back(time.monotonic(), 1.0)
    assert series is not None
    first = next(value for value in series["cpu"] if value is not None)
    assert first > 0


def test_what_else_is_looked_at_neither_costs_a_sample_nor_needs_one() -> None:
    for fails in (False, True):
        looks, others, told = Looks(fails), Looks(fails=not fails), list[Exception]()
        sampler = Sampler(looks, 0.02, told.append, (lambda others=others: others(0.0),))  # type: ignore[misc]
        thread = start(sampler)
        looks.wait(3)
        others.wait(3)
        sampler.stop()
        thread.join(60)
        assert len(told) == 1
        _, series = sampler.look_back(time.monotonic(), 1.0)
        assert series is not None and (set(series["heap"]) == {None}) is fails


def test_a_look_that_fails_costs_that_sample_alone() -> None:
    looks = Looks(fails=True)
    sampler = Sampler(looks, interval=0.02)
    thread = start(sampler)
    looks.wait(3)
    sampler.stop()
    thread.join(60)
    _, series = sampler.look_back(time.monotonic(), 1.0)
    assert series is not None and set(series["heap"]) == {None}


def test_a_volume_that_hangs_does_not_keep_it_from_looking_at_java() -> None:
    looks, asked, answers = Looks(), threading.Semaphore(0), threading.Semaphore(0)

    def hangs() -> None:
        asked.release()
        answers.acquire()

    sampler = Sampler(looks, interval=0.02, also=(hangs,))
    thread = start(sampler)
    assert asked.acquire(timeout=60)
    looks.wait(5)
    assert not asked.acquire(blocking=False), "one at a time"
    answers.release()
    assert asked.acquire(timeout=60), "it is asked again when it has answered"
    sampler.stop()
    answers.release(2)
    thread.join(60)
    assert not thread.is_alive()
