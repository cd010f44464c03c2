"""Records for which memory has no room: the spool alone has them, or nobody."""

from __future__ import annotations

from typing import Final

from aiowatchtower._core.events import SIZE_BYTES, STREAM, TIMESTAMP_MS, LogEvent, total_bytes
from aiowatchtower._core.gaps import Overflow
from aiowatchtower._core.ledger import Ledger
from aiowatchtower._spool.values import Taken
from aiowatchtower._spool.writer import Writer

# Overflows of so many streams are told apart; those of all others are added up in one.
_TOLD_APART: Final = 64
# The name under which they are added up, which is no stream's.
_OTHER_STREAMS: Final = ""


class Spill:
    """Counts them until the worker looks, and books what the spool gives back.

    Not thread-safe: the inbox holds its lock around each call.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._overflow: dict[str, Overflow] = {}
        # Dropped, and not yet booked.
        self.overflow_count = 0
        # In the spool alone, and not yet counted in.
        self.cold_count = 0

    @property
    def has_overflowed(self) -> bool:
        """Whether records have been dropped that no worker has been told of yet."""
        return bool(self._overflow)

    def put(self, event: LogEvent, spool: Writer | None) -> None:
        """Leave a record to the spool, or drop it: only its time and its size are remembered then."""
        if spool is not None and spool.put_cold((*event[:4], spool.next_number())):
            self.cold_count += 1
        else:
            self._add_overflow(event)

    def _add_overflow(self, event: LogEvent) -> None:
        stream, timestamp_ms = event[STREAM], event[TIMESTAMP_MS]
        overflow = self._overflow.get(stream)
        if overflow is None and len(self._overflow) >= _TOLD_APART:
            stream = _OTHER_STREAMS
            overflow = self._overflow.get(stream)
        if overflow is None:
            overflow = self._overflow[stream] = Overflow(timestamp_ms)
        overflow.add(timestamp_ms, event[SIZE_BYTES])
        self.overflow_count += 1

    def take_overflow(self) -> dict[str, Overflow]:
        """Return, by stream, what was dropped since the last call, and book it."""
        overflow, count = self._overflow, self.overflow_count
        self._overflow, self.overflow_count = {}, 0
        if count:
            self._ledger.count_unbuffered("buffer_full", count)
        return overflow

    def count_cold(self) -> None:
        """Count in what is in the spool alone."""
        count, self.cold_count = self.cold_count, 0
        if count:
            self._ledger.count_cold(count)

    def take_back(self, taken: Taken) -> None:
        """Book what was on the disk alone and is in memory now, and what has been lost there."""
        self.count_cold()
        for event in taken.lost:
            self._add_overflow(event)
        self._ledger.uncount_cold(len(taken.lost))
        self._ledger.lose_spooled("spool_damaged", taken.unreadable)
        self._ledger.read_back(len(taken.cold), total_bytes(taken.cold))
        # What an earlier block of this handler has left is pending here already.
        known = min(len(taken.recovered), self._ledger.spooled) if taken.is_own else 0
        self._ledger.read_back(known, 0)
        size_bytes = total_bytes(taken.recovered)
        self._ledger.recover(len(taken.recovered) - known, size_bytes, taken.in_doubt)
