"""The puts that may be under way at the same time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio

# So many streams are remembered as healthy: those put to last.
_HEALTHY_STREAMS: Final = 10_000


class Slots:
    """At most ``max_in_flight`` puts at a time, one of which is kept for healthy streams.

    A stream is healthy when its last put was accepted. Calls that hang hold their slots for many
    seconds; they must not keep the records of other streams from delivery.
    """

    def __init__(self, max_in_flight: int) -> None:
        self._all = anyio.CapacityLimiter(max_in_flight)
        self._others = anyio.CapacityLimiter(max(1, max_in_flight - 1))
        self._healthy: dict[str, None] = {}

    @asynccontextmanager
    async def one(self, stream: str) -> AsyncIterator[None]:
        """Hold a slot for a put to that stream."""
        limiters = (self._all,) if stream in self._healthy else (self._others, self._all)
        holder, held = object(), []
        try:
            for limiter in limiters:
                await _acquire(limiter, holder)
                held.append(limiter)
            yield
        finally:
            for limiter in held:
                limiter.release_on_behalf_of(holder)

    def accepted(self, stream: str) -> None:
        """Count the stream among the healthy ones."""
        self._healthy.pop(stream, None)
        self._healthy[stream] = None
        if len(self._healthy) > _HEALTHY_STREAMS:
            del self._healthy[next(iter(self._healthy))]

    def failed(self, stream: str) -> None:
        """Count the stream among the others, until its next put is accepted."""
        self._healthy.pop(stream, None)


async def _acquire(limiter: anyio.CapacityLimiter, holder: object) -> None:
    """Acquire it at once where that is possible: anyio's own way takes two turns of the loop."""
    try:
        limiter.acquire_on_behalf_of_nowait(holder)
    except anyio.WouldBlock:
        await limiter.acquire_on_behalf_of(holder)
