"""What a look at java and a scrape leave behind in PID 1: nothing, however many there were.

A tuple that is made of a generator is made for ten and cut to its size; CPython keeps the memory of 2,000
cut ones of each size until a collection of all generations, which PID 1 hardly ever has: 1.4 MB of its 17.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from probe_jvm import COLLECTORS, running

from entrypoint.lifecycle.health import Snapshot
from entrypoint.plan.model import Launch
from entrypoint.sampler import make_look
from entrypoint.serve.metrics import Exporter
from entrypoint.system.log import Log
from entrypoint.watch import Watch

ROUNDS = 400


def left_by(work: Callable[[], object]) -> float:
    """Return how many blocks of memory each round leaves, once it has all that it keeps for good."""
    for _ in range(ROUNDS):
        work()
    gc.collect()  # what the rounds before have left would hide it: it is used again
    for _ in range(3):
        work()
    before = sys.getallocatedblocks()
    for _ in range(ROUNDS):
        work()
    return (sys.getallocatedblocks() - before) / ROUNDS


@pytest.mark.parametrize("collector", ["Serial", "G1"])
def test_looks_and_scrapes_leave_nothing(java17: Path, collector: str) -> None:
    with running(java17, COLLECTORS[collector]) as jvm:
        snapshot = Snapshot(
            "running", 0.0, (("running", 0.0),), "test", "test", "1", 0.0, 0.0, jvm.pid, child_alive=True
        )  # fmt: skip
        exporter = Exporter(lambda: snapshot, time.monotonic)
        watch = Watch(Log(), Launch("test", "test", "java", (), "/", ()), jvm.pid, lambda: snapshot)
        look = watch.watched(make_look(jvm.pid, exporter.look))
        assert left_by(lambda: look(time.monotonic())) < 2
        assert left_by(lambda: exporter.render("")) < 2
