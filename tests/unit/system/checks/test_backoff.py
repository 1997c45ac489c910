from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entrypoint.system.checks.backoff import SHORTEST, Backoff


@given(st.integers(min_value=0), st.floats(0.1, 10), st.floats(0.1, 60))
def test_every_delay_is_below_a_ceiling_that_doubles(
    seed: int, first: float, longest: float
) -> None:
    backoff = Backoff(first, longest, seed)
    for n in range(20):
        assert SHORTEST <= backoff.next() <= max(SHORTEST, min(first * 2**n, longest))


def test_the_same_seed_gives_the_same_delays() -> None:
    one, other = Backoff(seed=7), Backoff(seed=7)
    assert [one.next() for _ in range(9)] == [other.next() for _ in range(9)]


def test_different_processes_draw_different_delays() -> None:
    one, other = Backoff(), Backoff()
    assert [one.next() for _ in range(9)] != [other.next() for _ in range(9)]


def test_jitter_is_full_not_only_a_fraction() -> None:
    """Of the last ceiling all parts are drawn, near nothing and near all."""
    backoff = Backoff(first=5, longest=5, seed=1)
    drawn = [backoff.next() for _ in range(300)]
    assert min(drawn) < 0.5
    assert max(drawn) > 4.5


def test_it_never_overflows() -> None:
    backoff = Backoff(seed=1)
    assert all(backoff.next() <= 5 for _ in range(5000))
