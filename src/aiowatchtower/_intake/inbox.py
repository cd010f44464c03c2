"""Where records from any thread meet the worker's loop: staging, bound, wake-up."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from itertools import repeat, starmap
from typing import Final

from aiowatchtower._core.events import SIZE_BYTES, STREAM, LogEvent
from aiowatchtower._core.events import total_bytes as size_of
from aiowatchtower._core.gaps import Overflow
from aiowatchtower._core.ledger import Ledger, Statistics
from aiowatchtower._core.phase import Lifecycle, Phase
from aiowatchtower._core.room import Room
from aiowatchtower._diagnostics.guards import guards
from aiowatchtower._spool.values import Taken
from aiowatchtower._spool.writer import Writer

from .arrivals import Arrivals
from .spill import Spill

# How often staged records are handed over while records flow. A wake-up of the loop for each record
# costs more than the record does, and one for each turn of the loop still does at low rates.
DRAIN_SECONDS: Final = 0.02
# Taking over so many events costs about a quarter of a millisecond of the loop's time; then others get
# their turn.
_SLICE_EVENTS: Final = 5_000
# What records are counted under that are logged after their block.
_AFTER_EXIT: Final = "after_exit"
_ERROR: Final = logging.ERROR


class Inbox:
    """Stages events, bounded in bytes until they are answered for.

    ``put`` may be called from any thread, any task, with or without a loop, also while another ``put``
    runs in the same thread (a signal handler or ``__del__`` that logs). While a block is open it takes
    no lock unless the buffer is short: appending to a deque is atomic, and records are counted when they
    are handed over. Records are kept before the first block, and dropped and counted after one.

    So that it need not add up what the buffer holds for each record, ``put`` uses up a grant of bytes.
    Each hand-over renews the grant, and so does the first record for which it is too small.

    The inbox makes the changes of the handler's ``lifecycle``, because each goes together with what
    becomes of the staged records.

    Attributes:
        put: Takes one event, or drops it when the buffer is full; never blocks. Its arguments are the
            stream, the time in milliseconds, the text, its size as AWS counts it, and the record's
            level: ERROR and above may use the last eighth of the buffer. Returns whether no block runs
            that could deliver the event. This is the one place where the event of a record is made.
    """

    def __init__(self, max_bytes: int, ledger: Ledger, lifecycle: Lifecycle) -> None:
        self._max_bytes = max_bytes
        self._ledger = ledger
        self._lifecycle = lifecycle
        # Directories in which earlier blocks have left records that are pending still.
        self.left_behind: set[str] = set()
        self._set_up()

    def _set_up(self) -> None:
        self._lock = threading.RLock()
        self._staged: deque[LogEvent] = deque()
        self._room = Room(self._max_bytes)
        # What is left of the grant, and what the grant was when nothing was staged.
        self._easy_bytes = self._granted_bytes = 0
        self._grant(0)
        # Taken from the staging area, and counted in, but not handed over: empty but for an exception.
        self._in_hand: list[LogEvent] = []
        self._counted: list[LogEvent] = []
        self._spill = Spill(self._ledger)
        self._spool: Writer | None = None
        # Chosen once, so that no record has to ask whether there is a spool.
        self.put: Callable[[str, int, str, int, int], bool] = self._put_in_memory
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_lost_loop = False
        self._arrivals: Arrivals | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._context = contextvars.Context()
        # False: no drain is scheduled, and the next put() has to see to what it has staged.
        self._is_drain_scheduled = False

    def fork(self) -> None:
        """Start anew with nothing staged, as a forked child does. The ledger is the caller's to reset."""
        self._lifecycle.fork()
        if self._spool is not None:
            self._spool.forget()
        self.left_behind = set()
        # With a new lock: the old one may be held by a thread that is not there.
        self._set_up()

    @property
    def is_open(self) -> bool:
        """Whether a worker takes what is put."""
        loop = self._loop
        return self._lifecycle.phase is Phase.OPEN and loop is not None and not loop.is_closed()

    @property
    def is_keeping(self) -> bool:
        """Whether records are kept for a block that has yet to come."""
        return self._lifecycle.takes_records and not self.is_open

    @property
    def was_never_left(self) -> bool:
        """Whether a block was entered and nobody has begun to leave it, also when its loop is closed."""
        return self._has_lost_loop or self._lifecycle.phase is Phase.OPEN

    @property
    def has_overflowed(self) -> bool:
        """Whether records have been dropped for want of room that no worker has been told of yet."""
        return self._spill.has_overflowed

    def note_held(self, held: dict[str, int], overhead_bytes: int) -> None:
        """Take note of how many bytes each stream holds, and of what keeping that many streams costs."""
        with self._lock:
            self._room.note_held(held, overhead_bytes)
            self._grant(self._staged_bytes)

    @property
    def _staged_bytes(self) -> int:
        return self._granted_bytes - self._easy_bytes

    def _grant(self, staged_bytes: int) -> None:
        """Let ``put`` take as many bytes as the buffer has left, ``staged_bytes`` being staged now."""
        easy_bytes = self._room.easy_bytes - self._ledger.pending_bytes - staged_bytes
        self._easy_bytes = easy_bytes
        self._granted_bytes = easy_bytes + staged_bytes

    def _put_in_memory(
        self, stream: str, timestamp_ms: int, message: str, size_bytes: int, level: int
    ) -> bool:
        easy_bytes = self._easy_bytes - size_bytes
        if easy_bytes < 0:
            return self._put_tight((stream, timestamp_ms, message, size_bytes, 0), level)
        # Threads may overwrite each other's sum. It has to hold until the events themselves are counted.
        self._easy_bytes = easy_bytes
        self._staged.append((stream, timestamp_ms, message, size_bytes, 0))
        return False if self._is_drain_scheduled else self._see_to_staged()

    def _put_in_both(
        self, stream: str, timestamp_ms: int, message: str, size_bytes: int, level: int
    ) -> bool:
        is_urgent = level >= _ERROR
        easy_bytes = self._easy_bytes - size_bytes
        if easy_bytes < 0 or self._spool is None:
            return self._put_tight((stream, timestamp_ms, message, size_bytes, 0), level)
        # The spool's thread has the record before the worker may: what is done with is in there.
        event = (stream, timestamp_ms, message, size_bytes, self._spool.next_number())
        self._spool.tee(event)
        self._easy_bytes = easy_bytes
        self._staged.append(event)
        if is_urgent or not self._spool.is_awake:
            self._spool.wake()
        return False if self._is_drain_scheduled else self._see_to_staged()

    def _put_tight(self, event: LogEvent, level: int) -> bool:
        """Put an event for which the grant is too small: the buffer is short, or was not looked at lately."""
        is_urgent, size_bytes = level >= _ERROR, event[SIZE_BYTES]
        with self._lock:
            self._grant(self._staged_bytes)
            easy_bytes = self._easy_bytes - size_bytes
            total = self._room.easy_bytes - easy_bytes
            stream = event[STREAM]
            if easy_bytes >= 0 or self._room.takes(stream, size_bytes, total, urgent=is_urgent):
                self._easy_bytes = easy_bytes
                self._staged.append(self._spooled(event))
                if self._spool is not None and (is_urgent or not self._spool.is_awake):
                    self._spool.wake()
            elif self._lifecycle.takes_records:
                # The spool takes it, or it is dropped.
                self._spill.put(event, self._spool)
            else:
                self._ledger.count_unbuffered(self._lifecycle.reason)
        return False if self._is_drain_scheduled else self._see_to_staged()

    def _see_to_staged(self) -> bool:
        """Have handed over what was staged while no drain is scheduled. Return whether no block runs."""
        self._schedule_drain()
        with self._lock:
            if self._loop is not None or not self._lifecycle.takes_records:
                return False
            # Also after the loop was lost: so each record is seen to, and its handler warns.
            self._is_drain_scheduled = False
            return True

    def _schedule_drain(self) -> None:
        with self._lock:
            if not self._lifecycle.takes_records:
                self._refuse_staged()
                return
            loop = self._loop
            if self._is_drain_scheduled or loop is None:
                return
            self._is_drain_scheduled = True
        try:
            loop.call_soon_threadsafe(self._drain, context=self._context)
        except RuntimeError:
            self.keep_without(loop)

    def keep_without(self, loop: asyncio.AbstractEventLoop) -> None:
        """Keep records as before entry: the loop was closed, or has stopped, without leaving the block."""
        with self._lock:
            if self._loop is loop and self._lifecycle.phase is Phase.OPEN:
                self._lifecycle.lose_loop()
                self._loop = None
                self._has_lost_loop = True
        guards.forget_closed_loops()

    def _refuse_staged(self) -> None:
        """Drop records whose threads have seen an open handler, and staged them after it was closed."""
        late = [self._staged.popleft() for _ in range(len(self._staged))]
        self._grant(self._staged_bytes - size_of(late))
        if late:
            self._ledger.count_unbuffered(self._lifecycle.reason, len(late))

    def enter(self, loop: asyncio.AbstractEventLoop, spool: Writer | None = None) -> Arrivals:
        """Let the loop's worker have what is staged from now on, and what was kept before.

        From now on ``spool`` gets each record, too. To be called on the loop, in the context in which the block is entered.
        """
        with self._lock:
            if self._lifecycle.phase is Phase.OPEN:
                # The loop was closed inside the block before, and nobody has logged since.
                self._lifecycle.lose_loop()
            elif self._lifecycle.phase is Phase.LEAVING:
                self._lifecycle.end()
            left = self._abandoned()
            self._lifecycle.enter()
            self._loop = loop
            self._has_lost_loop = False
            self._arrivals = Arrivals(asyncio.Queue(), asyncio.Event())
            if spool is not None and spool is not self._spool:
                self._spool = spool
                self.put = self._put_in_both
                self._staged.extend(
                    [self._spooled(self._staged.popleft()) for _ in range(len(self._staged))]
                )
            # Not the context of the request that happens to log: timers would keep it alive for as
            # long as records flow.
            self._context = contextvars.copy_context()
            self._is_drain_scheduled = True
        for events in left:
            self._arrivals.records.put_nowait(events)
        loop.call_soon(self._drain, context=self._context)
        return self._arrivals

    def _spooled(self, event: LogEvent) -> LogEvent:
        """Give the event to the spool, where there is one, and return it with its number there."""
        if self._spool is not None:
            event = (*event[:4], self._spool.next_number())
            self._spool.tee(event)
        return event

    def _abandoned(self) -> list[list[LogEvent]]:
        """Return what a loop that was closed inside its block has left in the queue.

        What its worker had taken from there is lost with the loop, and booked as such.
        """
        left = [self._counted] if self._counted else []
        self._counted = []
        while self._arrivals is not None and not self._arrivals.records.empty():
            left.append(self._arrivals.records.get_nowait())
        count = self._ledger.pending - sum(map(len, left))
        size_bytes = self._ledger.pending_bytes - sum(map(size_of, left))
        self._ledger.drop("abandoned", count, size_bytes)
        return left

    def leave(self, deadline: float) -> None:
        """Take no more; hand what is staged to the worker. To be called on the loop."""
        with self._lock:
            self._lifecycle.leave(deadline, _AFTER_EXIT)
            # From here on, each put() that comes too late sees to its own record.
            self._is_drain_scheduled = False
            if self._timer is not None:
                self._timer.cancel()
            self.hand_over()
        if self._arrivals is not None:
            self._arrivals.news.set()

    def hurry(self, deadline: float) -> None:
        """Let the block be left by ``deadline``, which is earlier than was planned."""
        with self._lock:
            self._lifecycle.hurry(deadline)

    def is_being_left_on(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether a worker on this loop has yet to end."""
        return self._lifecycle.phase is Phase.LEAVING and self._loop is loop

    def end(self) -> None:
        """Say that the worker has ended, after ``leave``."""
        with self._lock:
            self._lifecycle.end()
            self._loop = self._arrivals = None
            self._spill.count_cold()
            self._context = contextvars.Context()

    def hand_over(self, at_most: int = sys.maxsize) -> None:
        """Give the worker what is staged, up to ``at_most`` events. To be called on the loop."""
        arrivals = self._arrivals
        if arrivals is None:
            return
        with self._lock:
            self._spill.count_cold()
            left = min(at_most, len(self._staged) + len(self._in_hand))
            while left > 0 or self._counted:
                left -= self._hand_over_slice(arrivals, min(left, _SLICE_EVENTS))

    def _hand_over_slice(self, arrivals: Arrivals, count: int) -> int:
        """Hand over about ``count`` events; return how many were taken.

        Where an exception comes in between (no memory, a signal handler that raises), what was taken
        stays for the next time, and is counted once.
        """
        if not self._counted:
            # One call takes them all, and no signal handler runs in it.
            self._in_hand.extend(
                starmap(self._staged.popleft, repeat((), count - len(self._in_hand)))
            )
            size_bytes = size_of(self._in_hand)
            self._ledger.count_in(len(self._in_hand), size_bytes)
            self._counted, self._in_hand = self._in_hand, []
            # With nothing staged the sum is zero, however much unsynchronised additions made it drift.
            self._grant(self._staged_bytes - size_bytes if self._staged else 0)
        taken, before = self._counted, arrivals.records.qsize()
        try:
            arrivals.records.put_nowait(taken)
        finally:
            if arrivals.records.qsize() > before:
                self._counted = []
        arrivals.news.set()
        return len(taken)

    def _drain(self) -> None:
        """Hand over every few milliseconds while records flow; then sleep until the next one."""
        with self._lock:
            loop = self._loop
            if loop is None or self._lifecycle.phase is not Phase.OPEN:
                return
            if not self._has_news:
                self._is_drain_scheduled = False
                # Look again: a put() may have appended just before it would have seen False.
                if not self._has_news:
                    return
                self._is_drain_scheduled = True
            if self._timer is not None:
                self._timer.cancel()
        try:
            self.hand_over(_SLICE_EVENTS)
            if self._spill.has_overflowed and self._arrivals is not None:
                self._arrivals.news.set()
        finally:
            # Also after an exception, such as the one of a signal handler: otherwise nothing would
            # ever be handed over again.
            delay = 0 if self._staged else DRAIN_SECONDS
            self._timer = loop.call_later(delay, self._drain, context=self._context)

    @property
    def _has_news(self) -> bool:
        return bool(self._staged or self._in_hand or self._counted or self._spill.has_overflowed)

    @property
    def spool(self) -> Writer | None:
        """The spool that gets each record, from the first block on that has one."""
        return self._spool

    def take_back(self, taken: Taken) -> None:
        """Give the worker what was on the disk alone; book what has been lost there. On the loop."""
        if self._arrivals is None:
            return
        with self._lock:
            self._spill.take_back(taken)
            self._grant(self._staged_bytes)
        for events in filter(None, (list(taken.cold), list(taken.recovered))):
            self._arrivals.records.put_nowait(events)
        self._arrivals.news.set()

    def take_overflow(self) -> dict[str, Overflow]:
        """Return, by stream, what found no room since the last call, and book it as dropped."""
        with self._lock:
            return self._spill.take_overflow()

    @property
    def is_roomy(self) -> bool:
        """Whether at least half of the buffer is free."""
        return self._room.is_roomy(self._ledger.pending_bytes + self._staged_bytes)

    def statistics(self) -> Statistics:
        """Return the counters, consistent with each other."""
        with self._lock:
            staged = len(self._staged) + len(self._in_hand)
            spool_bytes = 0 if self._spool is None else self._spool.size_bytes
            overflowed, cold = self._spill.overflow_count, self._spill.cold_count
            return self._ledger.snapshot(staged, self._staged_bytes, overflowed, cold, spool_bytes)
