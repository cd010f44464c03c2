"""Where records from any thread meet the worker's loop: staging, bound, wake-up."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections import deque
from typing import Final

from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.events import (
    SIZE_BYTES,
    STREAM,
    TIMESTAMP_MS,
    LogEvent,
    Lost,
    Receipt,
    total_bytes,
)
from aiowatchtower._core.ledger import Ledger, Statistics

# How often staged records are taken over while records flow. One wake-up per record costs more
# than the record does, and one per loop turn still does at low rates.
DRAIN_SECONDS: Final = 0.02
# A quarter of a millisecond of the loop's time.
_AT_MOST: Final = 5_000
# The share of the buffer that is kept for ERROR and above.
_RESERVE: Final = 8


class Inbox:
    """Stages events, bounded in bytes until they are answered for, and books their fates.

    ``put`` may be called from any thread, any task, with or without a loop, also while another
    ``put`` runs in the same thread (a signal handler or ``__del__`` that logs). It takes no lock
    unless it drops: appending to a deque is atomic, and what has been logged is counted when it
    is taken over. Records are kept before the first ``open`` and dropped, counted, after a
    ``close``.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.closed_because: str = ""
        self.reset()

    def reset(self) -> None:
        """Start anew with nothing logged: also what a forked child does with its copy.

        What was closed stays closed.
        """
        # A new lock: in a forked child the old one may be held by a thread that is not there.
        self._lock = threading.RLock()
        self._ledger = Ledger()
        self._staged: deque[LogEvent] = deque()
        self._staged_bytes = 0
        self._overflow: dict[str, _Overflow] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: asyncio.Queue[list[LogEvent]] | None = None
        self._timer: asyncio.TimerHandle | None = None
        # Not that of the request which happens to log: it would be kept for as long as records flow.
        self._context = contextvars.Context()
        # False only while there is a loop that sleeps.
        self._is_awake = True
        self._set_closed(self.closed_because)

    @property
    def is_open(self) -> bool:
        """Whether a worker takes what is put."""
        return self._loop is not None and not self._loop.is_closed()

    @property
    def has_overflowed(self) -> bool:
        """Whether records have been dropped for want of room that no worker has been told of yet."""
        return bool(self._overflow)

    def put(self, event: LogEvent, urgent: bool) -> None:
        """Take one event, or drop it when the buffer is full. Never blocks, never raises.

        ``urgent`` events (ERROR and above) may use the last eighth of the buffer.
        """
        staged_bytes = self._staged_bytes + event[SIZE_BYTES]
        room = self._urgent_room if urgent else self._room
        if staged_bytes + self._ledger.pending_bytes > room:
            self._drop(event)
        else:
            # Two threads may overwrite each other's sum here. It only has to hold for a few
            # milliseconds, until the events themselves are counted.
            self._staged_bytes = staged_bytes
            self._staged.append(event)
        if not self._is_awake:
            self._wake()

    def _wake(self) -> None:
        with self._lock:
            loop = self._loop
            if self._is_awake or loop is None:
                return
            self._is_awake = True
        try:
            loop.call_soon_threadsafe(self._tick, context=self._context)
        except RuntimeError:
            self._loop_is_gone(loop)

    def _loop_is_gone(self, loop: asyncio.AbstractEventLoop) -> None:
        """Keep records as before entry: the loop was closed without leaving the block."""
        with self._lock:
            if self._loop is loop:
                self._loop = None

    def _set_closed(self, because: str) -> None:
        """Say why records are dropped at once, or "" to take them."""
        self.closed_because = because
        # Without room there is nothing more that put() has to ask.
        self._urgent_room = -1 if because else self._max_bytes
        self._room = -1 if because else self._max_bytes - self._max_bytes // _RESERVE

    def _drop(self, event: LogEvent) -> None:
        """Book a record that found no room; what is known of it is when and how large."""
        with self._lock:
            self.count_dropped(self.closed_because or "buffer_full")
            if self.closed_because:
                return
            overflow = self._overflow.get(event[STREAM])
            if overflow is None:
                overflow = self._overflow[event[STREAM]] = _Overflow(event[TIMESTAMP_MS])
            overflow.add(event)

    def count_dropped(self, reason: str) -> None:
        """Book a record that is not even formatted: empty, or after the block was left."""
        with self._lock:
            self._ledger.logged += 1
            self._ledger.drop(reason, 1)

    def open(self, loop: asyncio.AbstractEventLoop) -> asyncio.Queue[list[LogEvent]]:
        """Let the loop's worker have what is staged from now on, and what was kept before.

        Returns the queue: one list per take-over. To be called on the loop.
        """
        with self._lock:
            left = self._abandoned()
            self._loop = loop
            self._queue = asyncio.Queue()
            self._set_closed("")
            self._is_awake = True
        if left:
            self._queue.put_nowait(left)
        loop.call_soon(self._tick, context=self._context)
        return self._queue

    def _abandoned(self) -> list[LogEvent]:
        """Return what a loop that was closed inside its block has left in the queue.

        What its worker had taken from there is lost with the loop, and booked as such.
        """
        left: list[LogEvent] = []
        while self._queue is not None and not self._queue.empty():
            left += self._queue.get_nowait()
        lost = self._ledger.pending - len(left)
        if lost:
            lost_bytes = self._ledger.pending_bytes - total_bytes(left)
            self._ledger.drop("abandoned", lost, lost_bytes)
        return left

    def close(self, reason: str) -> None:
        """Take no more; hand what is staged to the queue. To be called on the loop."""
        with self._lock:
            self._set_closed(reason)
            self._loop = None
            self._is_awake = True
            if self._timer is not None:
                self._timer.cancel()
        self.hand_over()

    def hand_over(self, at_most: int = sys.maxsize) -> None:
        """Put what is staged into the queue now. To be called on the loop.

        An empty list tells the worker to look around: that it is to stop, or of an overflow.
        """
        with self._lock:
            count = min(at_most, len(self._staged))
            take = self._staged.popleft
            taken = [take() for _ in range(count)]
            taken_bytes = total_bytes(taken)
            self._ledger.logged += count
            self._ledger.pending_bytes += taken_bytes
            # Nothing staged, nothing to sum: what threads have spoilt of the sum ends here.
            self._staged_bytes = self._staged_bytes - taken_bytes if self._staged else 0
            queue = self._queue
        if queue is not None:
            queue.put_nowait(taken)

    def _tick(self) -> None:
        """Take over every few milliseconds while records flow; then sleep until the next one."""
        with self._lock:
            loop = self._loop
            if loop is None:
                return
            if not self._staged and not self._overflow:
                self._is_awake = False
                # Looked at again: put() may have appended just before it saw the flag fall.
                if not self._staged and not self._overflow:
                    return
                self._is_awake = True
            if self._timer is not None:
                self._timer.cancel()
        self.hand_over(_AT_MOST)
        delay = 0 if self._staged else DRAIN_SECONDS
        self._timer = loop.call_later(delay, self._tick, context=self._context)

    def take_overflow(self) -> dict[str, Lost]:
        """Return what has been dropped for want of room since the last call, by stream."""
        with self._lock:
            overflow, self._overflow = self._overflow, {}
        return {stream: found.lost(stream) for stream, found in overflow.items()}

    @property
    def is_roomy(self) -> bool:
        """Whether at least half of the buffer is free."""
        return (self._ledger.pending_bytes + self._staged_bytes) * 2 <= self._max_bytes

    def settle(self, receipt: Receipt) -> None:
        """Book the fates of one batch and give its bytes back."""
        with self._lock:
            self._ledger.settle(receipt)

    def note_error(self, error: DeliveryError) -> None:
        """Remember the latest failure for the statistics."""
        with self._lock:
            self._ledger.note_error(error)

    def drop_all(self, reason: str) -> int:
        """Book everything that has been handed over and is pending as lost. Returns the count."""
        with self._lock:
            count = self._ledger.pending
            if count:
                self._ledger.drop(reason, count, self._ledger.pending_bytes)
            return count

    def statistics(self) -> Statistics:
        """Return the counters, consistent with each other."""
        with self._lock:
            return self._ledger.snapshot(len(self._staged), self._staged_bytes)


class _Overflow:
    """What found no room in one stream since it was last told. Changed for each such record."""

    def __init__(self, timestamp_ms: int) -> None:
        self._count = 0
        self._size_bytes = 0
        self._first_ms = self._last_ms = timestamp_ms

    def add(self, event: LogEvent) -> None:
        self._count += 1
        self._size_bytes += event[SIZE_BYTES]
        self._first_ms = min(self._first_ms, event[TIMESTAMP_MS])
        self._last_ms = max(self._last_ms, event[TIMESTAMP_MS])

    def lost(self, stream: str) -> Lost:
        return Lost(
            "buffer_full", stream, self._count, self._size_bytes, self._first_ms, self._last_ms
        )
