"""The end of a block as the sender sees it: pauses that end early, tries that still fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import anyio

# A try that has less time than this is not worth its connection.
_SHORTEST_TRY: Final = 0.25
# Who has not answered by then, while a block is being left, may answer the next try.
_PATIENT_TRY: Final = 3.0


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
        self._tries: set[anyio.CancelScope] = set()
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
        for scope in self._tries:
            scope.deadline = anyio.current_time() + self.try_timeout(float("inf"))

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

    @contextmanager
    def limited_try(self) -> Iterator[anyio.CancelScope]:
        """Cancel what is done here when it is under way as the block is left, and hangs.

        It gets what a try that begins then would get, so that another one still fits.
        """
        with anyio.CancelScope() as scope:
            self._tries.add(scope)
            try:
                yield scope
            finally:
                self._tries.discard(scope)

    def try_timeout(self, longest: float) -> float:
        """Return how long one try may take.

        While the block is being left, half of what is left for each stream, unless that is little:
        the answer to one try may never come.
        """
        waves = max(1.0, self.open_lanes / self._max_in_flight)
        share = self.remaining / waves
        fair = min(share, max(share / 2, _PATIENT_TRY))
        return min(longest, max(_SHORTEST_TRY, fair))
