"""The end of a block as the sender sees it: pauses that end early, tries that still fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import anyio

# A try that has less time than this is not worth its connection.
_SHORTEST_TRY: Final = 0.25


class Shutdown:
    """Whether the block is being left, and until when that may take.

    Made for one loop and one block. ``open_lanes`` is how many streams wait for their last
    try; they share the time that is left.
    """

    def __init__(self, clock: Callable[[], float], max_in_flight: int) -> None:
        self._clock = clock
        self._max_in_flight = max_in_flight
        self._begun = anyio.Event()
        self._ends_at = float("inf")
        self.open_lanes = 0

    @property
    def has_begun(self) -> bool:
        """Whether the block is being left."""
        return self._begun.is_set()

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; infinite while the block is not being left."""
        return self._ends_at - self._clock()

    def begin(self, timeout: float) -> None:
        """Start leaving: every pause ends now, and all is over in ``timeout`` seconds."""
        self._ends_at = self._clock() + timeout
        self._begun.set()

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than until the block is left; then at most half of what is left.

        Halving makes the tries come closer together towards the deadline, so that each batch has
        a last one.
        """
        if not self.has_begun:
            with anyio.move_on_after(seconds):
                await self._begun.wait()
            return
        await anyio.sleep(max(0.05, min(seconds, self.remaining / 2)))

    def try_timeout(self, longest: float) -> float:
        """Return how long one try may take."""
        waves = max(1.0, self.open_lanes / self._max_in_flight)
        return min(longest, max(_SHORTEST_TRY, self.remaining / waves))
