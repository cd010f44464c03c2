"""The end of a block as the sender sees it: pauses that end early, tries that still fit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import anyio

from aiowatchtower._core.errors import DeliveryError, from_endpoint
from aiowatchtower._core.phase import Lifecycle

# A try that has less time than this is not worth its connection; before the first answer it is
# not known how long those take.
_SHORTEST_TRY: Final = 0.5
_FIRST_TRY: Final = 1.0
# How much longer than the last answer the next may take.
_SLOWER: Final = 3.0
# While a block is being left, give up a request after so long, so that another try still fits in.
_PATIENT_TRY: Final = 3.0


class TimeBudget:
    """How long pauses and tries may take while the block is open, and while it is being left.

    Made for one loop and one block. The streams that wait for their last try share the time that is
    left; each stream's lane says with ``lane()`` that it is one of them.
    """

    def __init__(
        self, lifecycle: Lifecycle, clock: Callable[[], float], max_in_flight: int
    ) -> None:
        self._lifecycle = lifecycle
        self._clock = clock
        self._max_in_flight = max_in_flight
        self._pauses: set[asyncio.Future[None]] = set()
        self._tries: set[anyio.CancelScope] = set()
        self._least = _FIRST_TRY
        self._lanes = 0

    @property
    def is_leaving(self) -> bool:
        """Whether the block is being left."""
        return not self._lifecycle.takes_records

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; infinite while the block is not being left."""
        return self._lifecycle.deadline - self._clock()

    def shorten(self) -> None:
        """End every pause and limit the tries under way; called when the block is being left."""
        for ended in self._pauses:
            _end(ended)
        for scope in self._tries:
            scope.deadline = anyio.current_time() + self.try_seconds

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than until the block is left; then at most half of what is left.

        Halving makes the tries come closer together towards the deadline, so that each batch has
        a last one.
        """
        if self.is_leaving:
            await anyio.sleep(max(0.05, min(seconds, self.remaining / 2)))
            return
        # A future and a timer take a third of the time of a cancel scope, and streams by the hundred
        # may pause.
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(seconds, _end, ended)
        self._pauses.add(ended)
        try:
            await ended
        finally:
            timer.cancel()
            self._pauses.discard(ended)

    @contextmanager
    def lane(self) -> Iterator[None]:
        """Count as one of the streams that share the time that is left."""
        self._lanes += 1
        try:
            yield
        finally:
            self._lanes -= 1

    @contextmanager
    def limited_try(self, action: str, resource: str, endpoint: str = "") -> Iterator[None]:
        """Raise DeliveryError when a call hangs that is under way while the block is being left.

        Such a call gets as much time as leaves some for another try. How long the tries so far took
        decides how long the next ones may take.
        """
        began = self._clock()
        with anyio.CancelScope() as scope:
            if self.is_leaving:
                scope.deadline = anyio.current_time() + self.try_seconds
            self._tries.add(scope)
            try:
                yield
            finally:
                self._tries.discard(scope)
        took = self._clock() - began
        if scope.cancelled_caught:
            self._least = max(self._least, 2 * took)
            raise unanswered(action, resource, endpoint)
        self._least = max(_SHORTEST_TRY, _SLOWER * took)

    @property
    def try_seconds(self) -> float:
        """How long one try may take; infinite while the block is not being left.

        While it is, a try gets half of its stream's share of the time, or three seconds if the share has
        them: the answer to one try may never come, and another should fit in. It gets no less than
        an answer is known to take, if that too leaves time for another try.
        """
        waves = max(1.0, self._lanes / self._max_in_flight)
        share = self.remaining / waves
        fair = min(share, max(share / 2, _PATIENT_TRY))
        return max(self._least / 2, min(self._least, self.remaining / 2), fair)


def _end(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)


def unanswered(action: str, resource: str, endpoint: str = "") -> DeliveryError:
    """Return what to say of a call that was given up before its answer came."""
    text = f"no answer{from_endpoint(endpoint)} until the time for it was over"
    return DeliveryError(action, "Timeout", text, resource=resource, maybe_accepted=True)
