"""Who is expected to end, and who waits for it; with real processes it is in test_supervisor."""

from __future__ import annotations

import threading

import pytest

from entrypoint.system.expected import Expectations, Expected
from entrypoint.system.process import Ended


@pytest.mark.parametrize("code", [0, 78, None])
def test_who_waits_for_a_process_hears_of_its_end(code: int | None) -> None:
    expected = Expected(0)
    threading.Thread(target=expected.end, args=(code,)).start()
    assert expected.wait(60) == code
    assert Expected(0).wait(0.01) is None


def test_what_ends_while_something_is_spawned_is_told_once_it_is_known() -> None:
    woken: list[bool] = []
    expectations = Expectations(lambda: woken.append(True))
    both = (Ended(7, 3), Ended(8, 0))

    def spawn() -> int:
        assert not list(expectations.settle(both))
        return 7

    expected = expectations.add(spawn)
    assert woken
    assert list(expectations.settle()) == [(both[0], expected), (both[1], None)]
    assert expected.wait(0) == 3
    assert not list(expectations.settle())


def test_what_ends_while_a_spawn_fails_is_an_orphan() -> None:
    expectations = Expectations(lambda: None)

    def spawn() -> int:
        assert not list(expectations.settle([Ended(7, 0)]))
        raise BlockingIOError

    with pytest.raises(BlockingIOError):
        expectations.add(spawn)
    assert list(expectations.settle()) == [(Ended(7, 0), None)]
