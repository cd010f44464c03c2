"""The events that wait for one stream, in chronological order, until they are cut. Pure.

A seal is a mark that a flush puts behind the last event: the events before it are one segment, which is
cut before anything that was logged later, whatever the events' times are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import Final

from .events import SIZE_BYTES, TIMESTAMP_MS, LogEvent, total_bytes
from .limits import MAX_BATCH_SPAN_MS

_timestamp: Final[Callable[[LogEvent], int]] = itemgetter(TIMESTAMP_MS)
# The arrival time of events that were cut before: they have waited long enough already.
_LONG_AGO: Final = float("-inf")
# Records of several threads arrive a few milliseconds out of order, replayed records hours or days.
_LATE_MS: Final = 10_000
_size: Final[Callable[[LogEvent], int]] = itemgetter(SIZE_BYTES)


class _Segment:
    """Events between two seals, always in chronological order; equal times in logging order."""

    def __init__(self) -> None:
        self.events: list[LogEvent] = []
        self.seals: list[int] = []

    def add(self, events: list[LogEvent]) -> bool:
        """Merge newer arrivals in; return whether some of them are much older than the events already here.

        Cheap when they are later than what is here, as they mostly are.

        Sorting only the overlap keeps this within a fraction of a millisecond for threads whose
        records arrive a little out of order, even when an outage has left many waiting.
        """
        if len(events) > 1:
            events.sort(key=_timestamp)
        first = events[0][TIMESTAMP_MS]
        is_late = False
        if self.events and first < self.events[-1][TIMESTAMP_MS]:
            is_late = first < self.events[-1][TIMESTAMP_MS] - _LATE_MS
            overlap = bisect_right(self.events, first, key=_timestamp)
            events = self.events[overlap:] + events
            events.sort(key=_timestamp)
            del self.events[overlap:]
        self.events += events
        return is_late

    def fitting(self, max_bytes: int, max_count: int) -> tuple[int, int]:
        """Return how many of the oldest events fit into one batch (at least one), and their size."""
        candidates = self.events[:max_count]
        sizes = list(accumulate(map(_size, candidates)))
        end = candidates[0][TIMESTAMP_MS] + MAX_BATCH_SPAN_MS
        by_size = bisect_right(sizes, max_bytes)
        by_span = bisect_right(candidates, end, key=_timestamp)
        count = max(1, min(by_size, by_span))
        return count, sizes[count - 1]


class StreamQueue:
    """The waiting events of one stream: sealed segments first, the open one last."""

    def __init__(self) -> None:
        self.segments: deque[_Segment] = deque([_Segment()])
        self.size_bytes = 0
        self.count = 0
        # Arrivals as (time of arrival, number of events): since when the oldest event has been waiting.
        self._arrivals: deque[tuple[float, int]] = deque()
        self._has_late = False

    @property
    def is_sealed(self) -> bool:
        """Return whether a flush waits for the first segment."""
        return bool(self.segments[0].seals)

    @property
    def since(self) -> float:
        """Return when the event arrived that has waited longest.

        Exact while events come in chronological order; else it may have gone, and what is here
        goes out early.
        """
        return self._arrivals[0][0]

    @property
    def oldest_ms(self) -> int:
        """Return the time of the oldest event."""
        return min(segment.events[0][TIMESTAMP_MS] for segment in self.segments if segment.events)

    @property
    def is_put_back(self) -> bool:
        """Return whether the oldest event was in a batch before, and therefore has waited long enough."""
        return self._arrivals[0][0] == _LONG_AGO

    def add(self, events: list[LogEvent], now: float) -> None:
        """Take events in logging order."""
        segment = self.segments[-1]
        if segment.seals:
            segment = _Segment()
            self.segments.append(segment)
        count = len(events)
        self.count += count
        self.size_bytes += total_bytes(events)
        self._arrivals.append((now, count))
        self._has_late |= segment.add(events)

    def put_back(self, events: list[LogEvent], seals: list[int]) -> None:
        """Take events of an earlier batch back, as a segment of their own, in front."""
        segment = _Segment()
        segment.events = events
        segment.seals = seals
        self.segments.appendleft(segment)
        if not self.segments[-1].events:
            self.segments.pop()
        self.size_bytes += total_bytes(events)
        self.count += len(events)
        self._arrivals.appendleft((_LONG_AGO, len(events)))

    def seal(self, number: int) -> None:
        """Seal the open segment with that number."""
        self.segments[-1].seals.append(number)

    def cut(self, max_bytes: int, max_count: int) -> tuple[list[LogEvent], int, list[int]]:
        """Remove the next batch.

        Returns it with its size, and the seals that are met once it has its fate.
        """
        self._merge_front(max_bytes, max_count)
        segment = self.segments[0]
        if self._is_one_batch(segment.events, max_bytes, max_count):
            fitting, size_bytes = self.count, self.size_bytes
        else:
            fitting, size_bytes = segment.fitting(max_bytes, max_count)
        events = segment.events[:fitting]
        del segment.events[:fitting]
        self.size_bytes -= size_bytes
        self.count -= fitting
        self._leave(fitting)
        if segment.events:
            return events, size_bytes, []
        self.segments.popleft()
        return events, size_bytes, segment.seals

    def _is_one_batch(self, events: Sequence[LogEvent], max_bytes: int, max_count: int) -> bool:
        """Return whether the segment holds all waiting events and fits into one batch, the usual case."""
        return (
            len(events) == self.count <= max_count
            and self.size_bytes <= max_bytes
            and _span(events, events) <= MAX_BATCH_SPAN_MS
        )

    def _merge_front(self, max_bytes: int, max_count: int) -> None:
        """Join leading segments that one batch holds, all at once, so that flushing often stays cheap."""
        number = self._segments_for_one_batch(max_bytes, max_count)
        if number > 1:
            several = [self.segments.popleft() for _ in range(number)]
            joined = _Segment()
            joined.events = [event for segment in several for event in segment.events]
            joined.events.sort(key=_timestamp)
            joined.seals = [seal for segment in several for seal in segment.seals]
            self.segments.appendleft(joined)

    def _segments_for_one_batch(self, max_bytes: int, max_count: int) -> int:
        """Return how many leading segments fit into one batch, or 1 when not even the first does."""
        if len(self.segments) == 1:
            return 1
        count = size_bytes = number = 0
        begin = self.segments[0].events[0][TIMESTAMP_MS]
        end = begin
        for segment in self.segments:
            events = segment.events
            count += len(events)
            if count > max_count:
                break
            size_bytes += total_bytes(events)
            begin = min(begin, events[0][TIMESTAMP_MS])
            end = max(end, events[-1][TIMESTAMP_MS])
            # Otherwise a flush of the older events would wait for the batch of the younger ones.
            if size_bytes > max_bytes or end - begin > MAX_BATCH_SPAN_MS:
                break
            number += 1
        return max(1, number)

    def _leave(self, count: int) -> None:
        """Forget the arrivals of ``count`` events that were cut: the first ones, or the last after a late arrival.

        Events that arrive late are older than the others, so they are cut first.
        """
        come, put_back = self._arrivals.popleft, self._arrivals.appendleft
        if self._has_late:
            come, put_back = self._arrivals.pop, self._arrivals.append
        while count:
            now, arrived = come()
            if arrived > count:
                put_back((now, arrived - count))
                return
            count -= arrived


def _span(first: Sequence[LogEvent], second: Sequence[LogEvent]) -> int:
    """Return the milliseconds that two chronological, non-empty runs of events cover together."""
    begin = min(first[0][TIMESTAMP_MS], second[0][TIMESTAMP_MS])
    return max(first[-1][TIMESTAMP_MS], second[-1][TIMESTAMP_MS]) - begin
