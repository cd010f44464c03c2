"""The end of a block as the sender sees it: pauses that end early, tries that still fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import anyio

from aiowatchtower._core.errors import DeliveryError

# A try that has less time than this is not worth its connection; before the first answer it is
# not known how long those take.
_SHORTEST_TRY: Final = 0.5
_FIRST_TRY: Final = 1.0
# How much longer than the last answer the next may take.
_SLOWER: Final = 3.0
# Who has not answered by then, while a block is being left, may answer the next try.
_PATIENT_TRY: Final = 3.0


class TimeBudget:
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
        self._least = _FIRST_TRY
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
            scope.deadline = anyio.current_time() + self.try_seconds

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
    def limited_try(self, action: str, resource: str) -> Iterator[None]:
        """Raise DeliveryError when this is under way as the block is left, or begins then, and hangs.

        It gets what leaves time for another one. How long tries take that are answered, and are
        not, is what the next ones are given.
        """
        began = self._clock()
        with anyio.CancelScope() as scope:
            if self.has_begun:
                scope.deadline = anyio.current_time() + self.try_seconds
            self._tries.add(scope)
            try:
                yield
            finally:
                self._tries.discard(scope)
        took = self._clock() - began
        if scope.cancelled_caught:
            self._least = max(self._least, 2 * took)
            raise unanswered(action, resource)
        self._least = max(_SHORTEST_TRY, _SLOWER * took)

    @property
    def try_seconds(self) -> float:
        """How long one try may take; infinite while the block is not being left.

        Then half of what is left for each stream, unless that is little: the answer to one try may
        never come. But no less than an answer takes, or none would come, if that leaves time for
        another one.
        """
        waves = max(1.0, self.open_lanes / self._max_in_flight)
        share = self.remaining / waves
        fair = min(share, max(share / 2, _PATIENT_TRY))
        return max(self._least / 2, min(self._least, self.remaining / 2), fair)


def unanswered(action: str, resource: str) -> DeliveryError:
    """Return what to say of a call that was given up before its answer came."""
    text = "no answer until the time for it was over"
    return DeliveryError(action, "Timeout", text, resource=resource, maybe_accepted=True)
