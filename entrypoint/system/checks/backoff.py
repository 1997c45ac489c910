"""How long to wait before asking again: exponential, with full jitter. No clock, no sleeping."""

from __future__ import annotations

# Not `random`: it pulls in hashlib and with it OpenSSL, for a generator that is this class.
from _random import Random

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

FIRST: Final = 0.2
LONGEST: Final = 5.0
SHORTEST: Final = 0.05
"""Full jitter may draw nearly nothing; below this a peer that is starting would be hammered."""


class Backoff:
    """Gives one delay in seconds after another: random, below a ceiling that doubles to `longest`.

    Jitter keeps the pods of a StatefulSet that start together from asking together. The same `seed`
    gives the same delays; without one the system's randomness is used.
    """

    __slots__ = ("_ceiling", "_longest", "_random")

    def __init__(
        self, first: float = FIRST, longest: float = LONGEST, seed: int | None = None
    ) -> None:
        self._ceiling = first
        self._longest = longest
        self._random = Random() if seed is None else Random(seed)

    def next(self) -> float:
        """Return the next delay and raise the ceiling."""
        ceiling = min(self._ceiling, self._longest)
        self._ceiling = ceiling * 2
        return max(SHORTEST, self._random.random() * ceiling)
