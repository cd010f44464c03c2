"""How long to wait after a failure: full-jitter exponential back-off. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Backoff(NamedTuple):
    """Full-jitter exponential back-off, in seconds.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    Attributes:
        random: Returns a float in [0, 1).
        first: Ceiling of the first pause.
        cap: Ceiling of every later pause.
        floor: Shortest pause. Full jitter may draw a pause close to zero, which would be a hot loop.
    """

    random: Callable[[], float]
    first: float = 0.2
    cap: float = 60.0
    floor: float = 0.05

    def pause(self, failures: int) -> float:
        """Return how long to wait after the ``failures``-th failure in a row (from 1)."""
        ceiling = min(self.cap, self.first * 2.0 ** min(failures - 1, 32))
        return max(self.floor, self.random() * ceiling)
