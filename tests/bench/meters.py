"""What is read while a client works: the loop's heartbeat, its callbacks, this process's memory."""

from __future__ import annotations

import asyncio
import asyncio.events
import contextlib
import os
import time
from array import array
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

BEAT = 0.001


class Heartbeat:
    """The gaps, in seconds, between the beats of a task that sleeps 1 ms at a time."""

    def __init__(self) -> None:
        self.gaps = array("d")

    @property
    def longest(self) -> float:
        """The longest gap."""
        return max(self.gaps)

    @property
    def p999(self) -> float:
        """The gap that one beat in a thousand exceeds."""
        return sorted(self.gaps)[int(len(self.gaps) * 0.999)]

    async def beat(self) -> None:
        """Beat until cancelled."""
        last = time.perf_counter()
        while True:
            await asyncio.sleep(BEAT)
            now = time.perf_counter()
            self.gaps.append(now - last)
            last = now


@contextlib.asynccontextmanager
async def heartbeat() -> AsyncIterator[Heartbeat]:
    """Beat inside the block, beginning with a beat that has already run."""
    heart = Heartbeat()
    task = asyncio.create_task(heart.beat())
    await asyncio.sleep(5 * BEAT)
    try:
        yield heart
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Callbacks:
    """The longest callback of the loop, in seconds of this thread's CPU time."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.culprit = ""

    def ran(self, seconds: float, handle: asyncio.Handle) -> None:
        """Keep the longest and what it was."""
        if seconds > self.longest:
            self.longest = seconds
            self.culprit = _name(handle)


def _name(handle: asyncio.Handle) -> str:
    """Name a callback; its `repr` would run, and with aiohttp disturb, what it is bound to."""
    callback: Any = getattr(handle, "_callback", None)
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        return f"task {getattr(owner.get_coro(), '__qualname__', '')}"
    return str(getattr(callback, "__qualname__", type(callback).__name__))


@contextlib.contextmanager
def callbacks() -> Iterator[Callbacks]:
    """Time each callback by wrapping `Handle._run`; uvloop has none of these."""
    seen = Callbacks()
    plain = asyncio.events.Handle._run

    def timed(self: asyncio.Handle) -> None:
        begun = time.thread_time()
        plain(self)
        seen.ran(time.thread_time() - begun, self)

    asyncio.events.Handle._run = timed  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        asyncio.events.Handle._run = plain  # type: ignore[method-assign]


def resident_bytes() -> int:
    """Give the memory this process holds now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
