from __future__ import annotations

import threading
from queue import Empty, SimpleQueue

import pytest

from entrypoint.plan.model import CheckPlan
from entrypoint.system.checks.periodic import CheckLoop
from entrypoint.system.checks.result import CheckResult
from entrypoint.system.checks.run import Kept

LONG = 3600.0


def plan(interval: float, *roles: str) -> CheckPlan:
    return CheckPlan("http-8080", "http", "x", (), roles=roles, interval=interval)


def ended(loop: CheckLoop) -> None:
    """Wait until its thread has ended."""
    loop._thread.join(20)
    assert not loop._thread.is_alive()


class Asked:
    """Says ok after `failures` failures; counts how often it was asked."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.times = 0

    def ask(self, check: CheckPlan, kept: Kept) -> CheckResult:
        self.times += 1
        return CheckResult(self.times > self.failures, str(self.times), 0.0)


def test_the_first_question_comes_at_once_and_every_result_is_posted() -> None:
    posted: SimpleQueue[tuple[str, CheckResult]] = SimpleQueue()
    loop = CheckLoop(plan(0.01), lambda *told: posted.put(told), Asked(failures=2).ask)
    loop.start()
    told = [posted.get(timeout=20) for _ in range(5)]
    loop.stop()
    ended(loop)
    assert [name for name, _ in told] == ["http-8080"] * 5
    assert [(result.detail, result.ok) for _, result in told] == [
        ("1", False),
        ("2", False),
        ("3", True),
        ("4", True),
        ("5", True),
    ]


def test_stop_does_not_wait_for_the_interval() -> None:
    posted: SimpleQueue[CheckResult] = SimpleQueue()
    asked = Asked()
    loop = CheckLoop(plan(LONG), lambda _, result: posted.put(result), asked.ask)
    loop.start()
    posted.get(timeout=20)
    loop.stop()
    ended(loop)
    assert asked.times == 1


def test_an_answer_that_comes_after_the_stop_is_dropped() -> None:
    posted: SimpleQueue[CheckResult] = SimpleQueue()
    asking, answer = threading.Event(), threading.Event()

    def ask(check: CheckPlan, kept: Kept) -> CheckResult:
        asking.set()
        answer.wait(20)
        return CheckResult(True, "ok", 0.0)

    loop = CheckLoop(plan(0.01), lambda _, result: posted.put(result), ask)
    loop.start()
    assert asking.wait(20)
    loop.stop()
    answer.set()
    ended(loop)
    with pytest.raises(Empty):
        posted.get_nowait()


def test_stop_before_start_asks_nothing() -> None:
    asked = Asked()
    loop = CheckLoop(plan(0.01), lambda *_: None, asked.ask)
    loop.stop()
    loop.start()
    ended(loop)
    assert asked.times == 0


@pytest.mark.parametrize(
    ("roles", "interval", "pauses"),
    [
        (("startup", "readiness"), 10.0, [1.0, 1.0, 10.0, 10.0]),
        (("startup",), 0.5, [0.5, 0.5, 0.5, 0.5]),
        (("readiness",), 10.0, [10.0, 10.0, 10.0, 10.0]),
        (("liveness",), 10.0, [10.0, 10.0, 10.0, 10.0]),
    ],
)
def test_only_a_startup_check_is_hurried_until_it_passes(
    roles: tuple[str, ...], interval: float, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    loop = CheckLoop(plan(interval, *roles), lambda *_: None, Asked(failures=2).ask)

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 4:
            loop.stop()

    monkeypatch.setattr(loop._stopped, "wait", wait)
    loop.start()
    ended(loop)
    assert waited == pauses


def test_the_session_of_a_loop_is_kept_and_closed() -> None:
    seen: set[int] = set()
    closed = threading.Event()
    posted: SimpleQueue[CheckResult] = SimpleQueue()

    class Session:
        def close(self, deadline: object) -> None:
            closed.set()

    def ask(check: CheckPlan, kept: Kept) -> CheckResult:
        seen.add(id(kept))
        kept.session = kept.session or Session()  # type: ignore[assignment]
        return CheckResult(True, "ok", 0.0)

    loop = CheckLoop(plan(0.01), lambda _, result: posted.put(result), ask)
    loop.start()
    for _ in range(3):
        posted.get(timeout=20)
    loop.stop()
    ended(loop)
    assert len(seen) == 1
    assert closed.is_set()
