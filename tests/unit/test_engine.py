"""The engine beside the loop, without one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

import pytest

from entrypoint.engine import Engine
from entrypoint.lifecycle import events as on
from entrypoint.plan.model import ENDING_SECONDS, Launch
from entrypoint.system import channel, core_file
from lab.net import free_port


@pytest.fixture
def pipe() -> tuple[int, int]:
    """A pipe whose reading end the engine takes; the helper's end is closed by the test."""
    return os.pipe()


@pytest.fixture
def engine(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Engine, threading.Event]]:
    """An engine that reads the pipe, and what tells that something was posted to the loop."""
    before = threading.excepthook
    engine, posted = Engine(set(), 0, pipe[0], 0.0), threading.Event()
    monkeypatch.setattr(
        engine.supervisor, "post", lambda event: (events.append(event), posted.set())
    )
    events: list[on.Event] = []
    engine.supervisor.events = events  # type: ignore[attr-defined]
    engine._reader.start()
    yield engine, posted
    threading.excepthook = before


def test_the_loop_does_not_wait_for_the_helpers_last_words(
    engine: tuple[Engine, threading.Event], pipe: tuple[int, int]
) -> None:
    one, posted = engine
    one.helper_ended("exit code 1")
    assert not posted.is_set(), "its end of the pipe is open: more may come"
    os.close(pipe[1])
    assert posted.wait(60)
    (event,) = one.supervisor.events  # type: ignore[attr-defined]
    assert event == on.PrepareFailed(70, "the preparation ended without a result (exit code 1)")


def test_a_helper_that_said_how_it_went_is_not_judged(
    engine: tuple[Engine, threading.Event], pipe: tuple[int, int]
) -> None:
    one, posted = engine
    channel.send(pipe[1], on.PrepareEnded(0))
    assert posted.wait(60)
    one.helper_ended("exit code 0")
    os.close(pipe[1])
    one._reader.join(60)
    assert one.supervisor.events == [on.PrepareEnded(0)]  # type: ignore[attr-defined]


def test_who_cannot_hear_the_helper_any_more_says_so(
    engine: tuple[Engine, threading.Event], pipe: tuple[int, int]
) -> None:
    one, posted = engine
    channel.send(pipe[1], on.Registered((), "", (1,)))  # type: ignore[arg-type]
    assert posted.wait(60)
    failed = on.PrepareFailed(70, "a bug of entrypoint: TypeError")
    assert one.supervisor.events == [failed]  # type: ignore[attr-defined]
    os.close(pipe[1])


def test_a_slow_look_up_of_our_address_is_not_the_helpers_fault(
    engine: tuple[Engine, threading.Event],
    pipe: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, posted = engine
    begun, goes_on = threading.Event(), threading.Event()
    monkeypatch.setattr(one._port, "take", lambda _: (begun.set(), goes_on.wait(60)))
    launch = Launch("app", "0", "/bin/java", ("java",), "/", ())
    channel.send(pipe[1], launch)
    os.close(pipe[1])
    assert begun.wait(60)
    one._judge_helper("exit code 0", 0.0)
    assert not posted.is_set()
    goes_on.set()
    assert posted.wait(60)
    assert one.supervisor.events == [on.Prepared(launch)]  # type: ignore[attr-defined]


def test_a_name_is_not_looked_up_where_nobody_hears_signals(
    engine: tuple[Engine, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a DNS that hangs that is half a minute, in which a TERM would not be answered."""
    one, _ = engine
    monkeypatch.setenv("ENTRYPOINT_LISTEN", f"localhost:{free_port()}")
    one._port.open()
    assert not one._port.is_open
    monkeypatch.setenv("ENTRYPOINT_LISTEN", f"127.0.0.1:{free_port()}")
    one._port.open()
    assert one._port.is_open
    one._port.stop()


def test_the_loop_does_not_wait_for_what_looks_at_java(
    engine: tuple[Engine, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its imports take 0.2 s with a tenth of a processor, and a TERM may come right after java's start."""
    one, _ = engine
    returned, sampled = threading.Event(), threading.Event()
    monkeypatch.setattr(core_file, "leave_none", lambda: None)
    monkeypatch.setattr(one, "_sample", lambda *_: returned.wait(60) and sampled.set())
    one.launch = Launch("app", "0", "/bin/java", ("java",), "/", ())
    one.spawned(1)
    returned.set()
    assert sampled.wait(60)


def test_a_java_that_has_ended_already_is_not_looked_at(
    engine: tuple[Engine, threading.Event],
) -> None:
    one, _ = engine
    one._sample(1, Launch("app", "0", "/bin/java", ("java",), "/", ()))
    assert one._port.sampler is not None
    assert one._port.sampler.look_back(1.0, 0.0) == (None, None)


def test_a_disk_that_hangs_keeps_neither_the_end_nor_the_other_words(
    engine: tuple[Engine, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = engine
    now, told, hangs = [0.0], list[str](), threading.Event()

    class Thread:
        """Hangs where it is joined, for as long as it may."""

        def __init__(self, work: Callable[[], None]) -> None:
            told.append(work.__qualname__.rpartition(".")[2])

        def join(self, seconds: float) -> None:
            now[0] += seconds

    monkeypatch.setattr("entrypoint.engine.time.monotonic", lambda: now[0])
    monkeypatch.setattr(one, "_in_background", lambda work, _: Thread(work))
    monkeypatch.setattr(one, "_reader", Thread(hangs.wait))
    monkeypatch.setattr(
        one.log, "flush", lambda seconds: (told.append("flush"), left.append(seconds))
    )
    left: list[float] = []
    one.launch = Launch("app", "0", "/bin/java", ("java",), "/", ())
    one.finish(0)
    assert told == ["wait", "_stop_parts", "tell_death", "<lambda>", "flush"]
    assert left[0] > 0 and now[0] + left[0] == ENDING_SECONDS
