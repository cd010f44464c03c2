"""Where records from any thread meet the worker's loop: staging, bound, wake-up."""

from __future__ import annotations

import asyncio
import threading
from typing import Final

from ._errors import DeliveryError
from ._events import SIZE_BYTES, STREAM, TIMESTAMP_MS, LogEvent, Lost, Receipt, total_bytes
from ._ledger import Ledger, Statistics

# How often staged records are taken over while records flow. One wake-up per record costs more
# than the record does, and one per loop turn still does at low rates.
DRAIN_SECONDS: Final = 0.01
# The share of the buffer that is kept for ERROR and above.
_RESERVE: Final = 8


class Inbox:
    """Stages events, bounded in bytes until they are answered for, and books their fates.

    ``put`` may be called from any thread, any task, with or without a loop, also while another
    ``put`` runs in the same thread (a signal handler or ``__del__`` that logs): hence the RLock.
    Records are kept before the first ``open`` and dropped, counted, after a ``close``.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.closed_because = ""
        self.reset()

    def reset(self) -> None:
        """Start anew with nothing logged: also what a forked child does with its copy.

        What was closed stays closed.
        """
        # A new lock: in a forked child the old one may be held by a thread that is not there.
        self._lock = threading.RLock()
        self._ledger = Ledger()
        self._staged: list[LogEvent] = []
        self._overflow: dict[str, _Overflow] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: asyncio.Queue[list[LogEvent]] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._awake = False
        self._set_closed(self.closed_because)

    @property
    def is_open(self) -> bool:
        """Whether a worker takes what is put."""
        return self._loop is not None and not self._loop.is_closed()

    def put(self, event: LogEvent, urgent: bool) -> None:
        """Take one event, or drop it when the buffer is full. Never blocks, never raises.

        ``urgent`` events (ERROR and above) may use the last eighth of the buffer.
        """
        size_bytes = event[SIZE_BYTES]
        with self._lock:
            ledger = self._ledger
            ledger.logged += 1
            room = self._urgent_room if urgent else self._room
            if ledger.pending_bytes + size_bytes > room:
                self._no_room(event)
            else:
                ledger.pending_bytes += size_bytes
                self._staged.append(event)
            if self._awake or self._loop is None:
                return
            self._awake = True
            loop = self._loop
        try:
            loop.call_soon_threadsafe(self._tick)
        except RuntimeError:
            self._loop_is_gone(loop)

    def _set_closed(self, because: str) -> None:
        """Say why records are dropped at once, or "" to take them."""
        self.closed_because = because
        # Without room there is nothing more that put() has to ask.
        self._urgent_room = -1 if because else self._max_bytes
        self._room = -1 if because else self._max_bytes - self._max_bytes // _RESERVE

    def _no_room(self, event: LogEvent) -> None:
        """Book a record that found no room; what is known of it is when and how large."""
        self._ledger.drop(self.closed_because or "buffer_full", 1)
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
            self._staged = self._abandoned() + self._staged
            self._loop = loop
            self._queue = asyncio.Queue()
            self._set_closed("")
            self._awake = True
        loop.call_soon(self._tick)
        return self._queue

    def _abandoned(self) -> list[LogEvent]:
        """Return what a loop that was closed inside its block has left in the queue.

        What its worker had taken from there is lost with the loop, and booked as such.
        """
        left: list[LogEvent] = []
        while self._queue is not None and not self._queue.empty():
            left += self._queue.get_nowait()
        kept = left + self._staged
        lost = self._ledger.pending - len(kept)
        if lost:
            kept_bytes = total_bytes(kept)
            self._ledger.drop("abandoned", lost, self._ledger.pending_bytes - kept_bytes)
        return left

    def close(self, reason: str) -> None:
        """Take no more; hand what is staged to the queue. To be called on the loop."""
        with self._lock:
            self._set_closed(reason)
            self._loop = None
            if self._timer is not None:
                self._timer.cancel()
        self.hand_over()

    def hand_over(self) -> None:
        """Put what is staged into the queue now. To be called on the loop.

        An empty list tells the worker to look around: that it is to stop, or of an overflow.
        """
        with self._lock:
            staged, self._staged = self._staged, []
            queue = self._queue
        if queue is not None:
            queue.put_nowait(staged)

    def _tick(self) -> None:
        """Take over every few milliseconds while records flow; then sleep until the next one."""
        with self._lock:
            loop = self._loop
            if loop is None:
                return
            if not self._staged and not self._overflow:
                # In this order with put(): nobody appends between the look and the flag.
                self._awake = False
                return
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_later(DRAIN_SECONDS, self._tick)
        self.hand_over()

    def _loop_is_gone(self, loop: asyncio.AbstractEventLoop) -> None:
        """Keep records as before entry: the loop was closed without leaving the block."""
        with self._lock:
            if self._loop is loop:
                self._loop = None
                self._awake = False

    def take_overflow(self) -> dict[str, Lost]:
        """Return what has been dropped for want of room since the last call, by stream."""
        with self._lock:
            overflow, self._overflow = self._overflow, {}
        return {stream: found.lost(stream) for stream, found in overflow.items()}

    @property
    def is_roomy(self) -> bool:
        """Whether at least half of the buffer is free."""
        return self._ledger.pending_bytes * 2 <= self._max_bytes

    def settle(self, receipt: Receipt) -> None:
        """Book the fates of one batch and give its bytes back."""
        with self._lock:
            self._ledger.settle(receipt)

    def note_error(self, error: DeliveryError) -> None:
        """Remember the latest failure for the statistics."""
        with self._lock:
            self._ledger.note_error(error)

    def drop_all(self, reason: str) -> int:
        """Book everything that is pending as lost. Returns how many records that were."""
        with self._lock:
            count = self._ledger.pending
            if count:
                self._ledger.drop(reason, count, self._ledger.pending_bytes)
            self._staged = []
            return count

    def statistics(self) -> Statistics:
        """Return the counters, consistent with each other."""
        with self._lock:
            return self._ledger.snapshot()


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
