"""Pure batching: events in, batches that PutLogEvents accepts out.

No clock and no I/O: ``now`` is an argument, in seconds of any monotonic clock. The rules are
those of PutLogEvents (see ``_limits``): at most 1 048 576 bytes counted as UTF-8 plus 26 per
event, at most 10 000 events, oldest first, at most 24 hours from first to last.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, islice
from operator import itemgetter
from typing import Final

from ._events import SIZE_BYTES, STREAM, TIMESTAMP_MS, Batch, LogEvent
from ._limits import MAX_BATCH_BYTES, MAX_BATCH_COUNT, MAX_BATCH_SPAN_MS

_timestamp: Final[Callable[[LogEvent], int]] = itemgetter(TIMESTAMP_MS)
_size: Final[Callable[[LogEvent], int]] = itemgetter(SIZE_BYTES)


class Batcher:
    """Holds the events of all streams until they are cut into batches.

    At most one batch per stream is out at a time: ``next_batch`` cuts it, ``finish`` says that it
    has met its fate. That keeps each stream's order and makes ``seal`` exact.
    """

    def __init__(
        self,
        *,
        max_age: float,
        max_batch_bytes: int = MAX_BATCH_BYTES,
        max_batch_count: int = MAX_BATCH_COUNT,
    ) -> None:
        self._max_age = max_age
        self._max_bytes = max_batch_bytes
        self._max_count = max_batch_count
        self._queues: dict[str, _StreamQueue] = {}
        self._out: dict[str, list[int]] = {}
        self._seals = 0
        self._unmet: Counter[int] = Counter()

    def feed(self, events: Iterable[LogEvent], now: float) -> None:
        """Take events in logging order; ``now`` is when the first of them was logged."""
        by_stream: defaultdict[str, list[LogEvent]] = defaultdict(list)
        for event in events:
            by_stream[event[STREAM]].append(event)
        for stream, arrived in by_stream.items():
            queue = self._queues.get(stream)
            if queue is None:
                queue = self._queues[stream] = _StreamQueue()
            queue.add(arrived, now)

    def streams(self) -> list[str]:
        """Return the streams that have events waiting and no batch out."""
        return [stream for stream in self._queues if stream not in self._out]

    def is_due(self, stream: str, now: float) -> bool:
        """Return whether the stream's next batch should be cut: full, old enough, or sealed."""
        queue = self._queues.get(stream)
        return (
            queue is not None
            and stream not in self._out
            and (
                queue.size_bytes >= self._max_bytes
                or queue.count >= self._max_count
                or queue.is_sealed
                or now >= queue.since + self._max_age
            )
        )

    def due_at(self) -> float | None:
        """Return when the oldest waiting event reaches its age, or None when none waits."""
        waiting = [self._queues[stream].since for stream in self.streams()]
        return min(waiting) + self._max_age if waiting else None

    def next_batch(self, stream: str) -> Batch | None:
        """Cut the stream's next batch, whether it is due or not; None when nothing can be cut."""
        queue = self._queues.get(stream)
        if queue is None or stream in self._out:
            return None
        events, met = queue.cut(self._max_bytes, self._max_count)
        self._out[stream] = met
        if not queue.count:
            del self._queues[stream]
        return Batch(stream, events)

    def finish(self, stream: str) -> None:
        """Say that the stream's batch has met its fate: the next one may be cut."""
        for seal in self._out.pop(stream):
            self._meet(seal)

    def restore(self, batch: Batch) -> None:
        """Put a batch back whose fate is still open, in front of its stream."""
        queue = self._queues.get(batch.stream)
        if queue is None:
            queue = self._queues[batch.stream] = _StreamQueue()
        queue.put_back(list(batch.events), self._out.pop(batch.stream))

    def seal(self) -> int:
        """Mark everything fed so far; it becomes due at once. Returns a number for ``is_met``."""
        self._seals += 1
        for stream in {*self._queues, *self._out}:
            queue = self._queues.get(stream)
            self._unmet[self._seals] += 1
            if queue is None:
                self._out[stream].append(self._seals)
            else:
                queue.seal(self._seals)
        return self._seals

    def is_met(self, seal: int) -> bool:
        """Return whether everything fed before that ``seal()`` has met its fate."""
        return seal not in self._unmet

    def drain(self) -> Iterator[LogEvent]:
        """Hand out what is still waiting, to be given up. Batches that are out stay out."""
        queues, self._queues = self._queues, {}
        for stream, queue in queues.items():
            for segment in queue.segments:
                yield from segment.events
                if stream in self._out:
                    # Whoever sealed these waits for the batch that was cut before them, too.
                    self._out[stream] += segment.seals
                    continue
                for seal in segment.seals:
                    self._meet(seal)

    def _meet(self, seal: int) -> None:
        self._unmet[seal] -= 1
        if not self._unmet[seal]:
            del self._unmet[seal]


class _Segment:
    """Events between two seals, always in chronological order; equal times in logging order."""

    def __init__(self) -> None:
        self.events: list[LogEvent] = []
        self.seals: list[int] = []

    def add(self, events: list[LogEvent]) -> None:
        """Merge newer arrivals in. Cheap when they are later than what is here, as they mostly are.

        Sorting only the overlap keeps this within a fraction of a millisecond for threads whose
        records arrive a little out of order, even when an outage has left many waiting.
        """
        events.sort(key=_timestamp)
        overlap = bisect_right(self.events, events[0][TIMESTAMP_MS], key=_timestamp)
        if overlap < len(self.events):
            events = self.events[overlap:] + events
            events.sort(key=_timestamp)
            del self.events[overlap:]
        self.events += events

    def fitting(self, max_bytes: int, max_count: int) -> int:
        """Return how many events from the front fit into one batch: at least one."""
        candidates = self.events[:max_count]
        sizes = list(accumulate(map(_size, candidates)))
        end = candidates[0][TIMESTAMP_MS] + MAX_BATCH_SPAN_MS
        by_size = bisect_right(sizes, max_bytes)
        by_span = bisect_right(candidates, end, key=_timestamp)
        return max(1, min(by_size, by_span))


class _StreamQueue:
    """What waits for one stream: sealed segments first, the open one last."""

    def __init__(self) -> None:
        self.segments: deque[_Segment] = deque([_Segment()])
        self.size_bytes = 0
        self.count = 0
        # Arrivals as (now, number of events), to know since when the oldest waits.
        self._arrivals: deque[tuple[float, int]] = deque()

    @property
    def is_sealed(self) -> bool:
        """Return whether a flush waits for what is in front."""
        return bool(self.segments[0].seals)

    @property
    def since(self) -> float:
        """Return when the event that waits longest came.

        Exact while events come in chronological order; those that come late go out early.
        """
        return self._arrivals[0][0]

    def add(self, events: list[LogEvent], now: float) -> None:
        """Take events in logging order."""
        if self.segments[-1].seals:
            self.segments.append(_Segment())
        self._count_in(events)
        self._arrivals.append((now, len(events)))
        self.segments[-1].add(events)

    def put_back(self, events: list[LogEvent], seals: list[int]) -> None:
        """Take back what was cut before, as its own segment in front."""
        segment = _Segment()
        segment.events = events
        segment.seals = seals
        self.segments.appendleft(segment)
        if not self.segments[-1].events:
            self.segments.pop()
        self._count_in(events)
        self._arrivals.appendleft((float("-inf"), len(events)))

    def _count_in(self, events: Sequence[LogEvent]) -> None:
        self.size_bytes += sum(map(_size, events))
        self.count += len(events)

    def seal(self, number: int) -> None:
        """Close the open segment under that number."""
        self.segments[-1].seals.append(number)

    def cut(self, max_bytes: int, max_count: int) -> tuple[list[LogEvent], list[int]]:
        """Remove the next batch; also return the seals that are met once it has its fate."""
        self._merge_front(max_bytes, max_count)
        segment = self.segments[0]
        fitting = segment.fitting(max_bytes, max_count)
        events = segment.events[:fitting]
        del segment.events[:fitting]
        self.size_bytes -= sum(map(_size, events))
        self.count -= fitting
        self._leave(fitting)
        if segment.events:
            return events, []
        self.segments.popleft()
        return events, segment.seals

    def _merge_front(self, max_bytes: int, max_count: int) -> None:
        """Join leading segments while one batch holds them, so that flushing often stays cheap."""
        while len(self.segments) > 1:
            first, second = self.segments[0], self.segments[1]
            if len(first.events) + len(second.events) > max_count:
                return
            if sum(map(_size, first.events)) + sum(map(_size, second.events)) > max_bytes:
                return
            # Else a seal on the older events would have to wait for the younger ones' batch.
            if _span(first.events, second.events) > MAX_BATCH_SPAN_MS:
                return
            self.segments.popleft()
            second.events = first.events + second.events
            second.events.sort(key=_timestamp)
            second.seals = first.seals + second.seals

    def _leave(self, count: int) -> None:
        while count:
            now, arrived = self._arrivals.popleft()
            if arrived > count:
                self._arrivals.appendleft((now, arrived - count))
                return
            count -= arrived


def _span(first: Sequence[LogEvent], second: Sequence[LogEvent]) -> int:
    """Return the milliseconds that two chronological, non-empty runs of events cover together."""
    begin = min(first[0][TIMESTAMP_MS], second[0][TIMESTAMP_MS])
    return max(first[-1][TIMESTAMP_MS], second[-1][TIMESTAMP_MS]) - begin


def sliced(events: Iterable[LogEvent], size: int) -> Iterator[list[LogEvent]]:
    """Yield ``events`` in lists of at most ``size``."""
    iterator = iter(events)
    while part := list(islice(iterator, size)):
        yield part
