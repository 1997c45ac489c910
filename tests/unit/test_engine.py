"""The engine beside the loop, without one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from entrypoint.engine import Engine
from entrypoint.lifecycle import events as on
from entrypoint.system import channel


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
