"""Pure batching: events in, batches that PutLogEvents accepts out.

No clock and no I/O: ``now`` is an argument, in seconds of any monotonic clock. The rules are
those of PutLogEvents (see ``_limits``): at most 1 048 576 bytes counted as UTF-8 plus 26 per
event, at most 10 000 events, oldest first, at most 24 hours from first to last.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import islice
from operator import itemgetter
from typing import Final, NamedTuple
from zlib import crc32

from .events import STREAM, TIMESTAMP_MS, Batch, LogEvent
from .limits import MAX_BATCH_BYTES, MAX_BATCH_COUNT
from .stream_queue import StreamQueue

_stream: Final[Callable[[LogEvent], str]] = itemgetter(STREAM)
# How many names of streams to remember as existing in CloudWatch Logs: the ones used most recently.
_KNOWN_STREAMS: Final = 10_000
# Room in the buffer is kept for known streams that have logged something so recently.
_IDLE_SECONDS: Final = 600.0
# The calendar keeps outdated entries of streams that were cut since; above this many, remove those.
_STALE_ENTRIES: Final = 1_000


class _Out(NamedTuple):
    """A batch that was cut and is being sent."""

    seals: list[int]
    size_bytes: int
    oldest_ms: int
    # When its oldest event was fed.
    since: float


class Batcher:
    """Holds the events of all streams until they are cut into batches.

    At most one batch per stream is out at a time: ``next_batch`` cuts it, ``finish`` says that it
    has met its fate. That keeps each stream's order and makes ``seal`` exact.

    Where nothing makes it due earlier, a stream's batch is cut at the next of its points of time,
    which are ``max_age`` apart; that is the longest that an event waits. ``phase`` returns where
    these points lie for a stream: an offset, as a fraction of ``max_age`` from 0 up to 1. Ten
    thousand processes that were started by one deployment have different offsets, or they would
    call CloudWatch Logs in step for ever.
    """

    def __init__(
        self,
        *,
        max_age: float,
        phase: Callable[[str], float],
        max_batch_bytes: int = MAX_BATCH_BYTES,
        max_batch_count: int = MAX_BATCH_COUNT,
    ) -> None:
        self._max_age = max_age
        self._phase = phase
        self._max_bytes = max_batch_bytes
        self._max_count = max_batch_count
        self._queues: dict[str, StreamQueue] = {}
        self._out: dict[str, _Out] = {}
        # The streams to cut now, and the times at which the others become due. The worker asks at every turn, so a
        # thousand waiting streams must cost no more than one does. Streams to which a batch was delivered
        # before are apart from those that may have to be created first: each with the time when the oldest
        # event of its last batch was fed.
        self._known: dict[str, float] = {}
        self._ready: dict[str, None] = {}
        self._ready_new: dict[str, None] = {}
        self._is_hurried = False
        self._calendar: list[tuple[float, str]] = []
        self._seals = 0
        self._unmet: Counter[int] = Counter()
        self._is_fed_since_seal = False

    def feed(self, events: Sequence[LogEvent], now: float) -> None:
        """Take events in logging order; ``now`` is when the first of them was logged."""
        self._is_fed_since_seal = True
        if len(set(map(_stream, events))) == 1:
            self._feed_one(events[0][STREAM], list(events), now)
            return
        by_stream: defaultdict[str, list[LogEvent]] = defaultdict(list)
        for event in events:
            by_stream[event[STREAM]].append(event)
        for stream, arrived in by_stream.items():
            self._feed_one(stream, arrived, now)

    def _feed_one(self, stream: str, events: list[LogEvent], now: float) -> None:
        queue = self._queues.get(stream)
        if queue is None:
            queue = self._queues[stream] = StreamQueue()
            queue.add(events, now)
            self._schedule(stream, queue)
            return
        queue.add(events, now)
        if self._is_full(queue) and stream not in self._out:
            self._make_ready(stream)

    def _make_ready(self, stream: str) -> None:
        ready = self._ready if stream in self._known else self._ready_new
        ready[stream] = None

    def _is_full(self, queue: StreamQueue) -> bool:
        return queue.size_bytes >= self._max_bytes or queue.count >= self._max_count

    def _schedule(self, stream: str, queue: StreamQueue) -> None:
        """Note when to cut a stream that has events waiting and no batch being sent."""
        if stream in self._out:
            return
        if self._is_hurried or queue.is_sealed or self._is_full(queue):
            self._make_ready(stream)
            return
        heappush(self._calendar, (self._due_at(stream, queue), stream))
        if len(self._calendar) > 2 * len(self._queues) + _STALE_ENTRIES:
            self._calendar = [entry for entry in self._calendar if self._is_current(entry)]
            heapify(self._calendar)

    def _is_current(self, entry: tuple[float, str]) -> bool:
        due_at, stream = entry
        queue = self._queues.get(stream)
        return (
            queue is not None and stream not in self._out and self._due_at(stream, queue) == due_at
        )

    def _due_at(self, stream: str, queue: StreamQueue) -> float:
        """Return when the stream is due: the first time of its own phase after its oldest event arrived."""
        if not self._max_age or queue.is_put_back:
            return queue.since
        phase_seconds = self._phase(stream) * self._max_age
        return queue.since + self._max_age - (queue.since - phase_seconds) % self._max_age

    def streams(self) -> list[str]:
        """Return the streams that have events waiting and no batch being sent."""
        return [stream for stream in self._queues if stream not in self._out]

    def hurry(self) -> None:
        """Let every stream be due from now on."""
        if self._is_hurried:
            return
        self._is_hurried = True
        for stream in self.streams():
            self._make_ready(stream)

    def due(
        self, now: float, at_most: int = sys.maxsize, at_most_new: int = sys.maxsize
    ) -> list[str]:
        """Return the streams whose next batch should be cut: full, old enough, or sealed.

        Those that are known to exist come first, up to ``at_most`` of them; then come those that may
        have to be created, up to ``at_most_new``.
        """
        while self._calendar and self._calendar[0][0] <= now:
            entry = heappop(self._calendar)
            if self._is_current(entry):
                self._make_ready(entry[1])
        return [*islice(self._ready, at_most), *islice(self._ready_new, at_most_new)]

    def is_due(self, stream: str, now: float) -> bool:
        """Return whether that stream is among those ``due``."""
        queue = self._queues.get(stream)
        if queue is None or stream in self._out:
            return False
        return (
            stream in self._ready or stream in self._ready_new or now >= self._due_at(stream, queue)
        )

    def due_at(self) -> float | None:
        """Return when the next stream becomes due that is not due yet; None when there is none."""
        while self._calendar and not self._is_current(self._calendar[0]):
            heappop(self._calendar)
        return self._calendar[0][0] if self._calendar else None

    def next_batch(self, stream: str) -> Batch | None:
        """Cut the stream's next batch, whether it is due or not; None when nothing can be cut."""
        queue = self._queues.get(stream)
        if queue is None or stream in self._out:
            return None
        self._ready.pop(stream, None)
        self._ready_new.pop(stream, None)
        since = queue.since
        events, size_bytes, met = queue.cut(self._max_bytes, self._max_count)
        self._out[stream] = _Out(met, size_bytes, events[0][TIMESTAMP_MS], since)
        if not queue.count:
            del self._queues[stream]
        return Batch(stream, events, size_bytes)

    @property
    def oldest_ms(self) -> int | None:
        """The time of the oldest event that waits or is being sent, or None."""
        waiting = [queue.oldest_ms for queue in self._queues.values()]
        out = [batch.oldest_ms for batch in self._out.values()]
        return min((*waiting, *out), default=None)

    def finish(self, stream: str) -> None:
        """Note that every event of the stream's batch has its fate: the next batch may be cut."""
        out = self._out.pop(stream)
        for seal in out.seals:
            self._meet(seal)
        self._known.pop(stream, None)
        self._known[stream] = out.since
        if len(self._known) > _KNOWN_STREAMS:
            del self._known[next(iter(self._known))]
        if stream in self._queues:
            self._schedule(stream, self._queues[stream])

    def finish_all(self) -> None:
        """Forget the batches that were being sent when the worker crashed and were not restored."""
        for stream in list(self._out):
            self.finish(stream)

    def is_known(self, stream: str) -> bool:
        """Return whether a batch of that stream was answered for lately, which means that the stream exists."""
        return stream in self._known

    @property
    def is_empty(self) -> bool:
        """Whether no event waits; events of batches that are being sent do not count."""
        return not self._queues

    @property
    def stream_count(self) -> int:
        """How many streams have waiting events."""
        return len(self._queues)

    def held(self, now: float) -> dict[str, int]:
        """Return how many bytes each stream has here, including batches that are being sent.

        Known streams that have nothing here at the moment are one entry of no bytes, named "": they may
        want room at any time. Streams that have been idle for ten minutes are not waited for, such as
        that of yesterday where the name has the date in it: the others may have all of the room.
        """
        held = {stream: queue.size_bytes for stream, queue in self._queues.items()}
        for stream, out in self._out.items():
            held[stream] = held.get(stream, 0) + out.size_bytes
        idle_since = now - _IDLE_SECONDS
        if any(since > idle_since and name not in held for name, since in self._known.items()):
            held[""] = 0
        return held

    @property
    def count(self) -> int:
        """How many events wait, without those of batches that are being sent."""
        return sum(queue.count for queue in self._queues.values())

    @property
    def size_bytes(self) -> int:
        """The size of the events that wait."""
        return sum(queue.size_bytes for queue in self._queues.values())

    def restore(self, batch: Batch) -> None:
        """Put the unfinished part of a batch back, in front of what its stream has waiting.

        A seal on some of its events waits for all that came back.
        """
        queue = self._queues.get(batch.stream)
        if queue is None:
            queue = self._queues[batch.stream] = StreamQueue()
        queue.put_back(list(batch.events), self._out.pop(batch.stream).seals)
        self._schedule(batch.stream, queue)

    def seal(self) -> int:
        """Mark everything fed so far as due at once. Returns the mark's number, for ``is_met``."""
        if not self._is_fed_since_seal and self._seals in self._unmet:
            # Somebody flushes again and again, and nothing was logged in between.
            return self._seals
        self._is_fed_since_seal = False
        self._seals += 1
        for stream in {*self._queues, *self._out}:
            queue = self._queues.get(stream)
            self._unmet[self._seals] += 1
            if queue is None:
                self._out[stream].seals.append(self._seals)
            else:
                queue.seal(self._seals)
                self._schedule(stream, queue)
        return self._seals

    def is_met(self, seal: int) -> bool:
        """Return whether every event fed before that ``seal()`` has its fate.

        A seal is met no earlier than those before it.
        """
        return seal not in self._unmet

    def drain(self) -> Iterator[LogEvent]:
        """Remove and return all waiting events, to be dropped. Batches that are being sent are left alone."""
        queues, self._queues = self._queues, {}
        self._ready.clear()
        self._ready_new.clear()
        self._calendar.clear()
        for stream, queue in queues.items():
            for segment in queue.segments:
                yield from segment.events
                if stream in self._out:
                    # A flush that sealed these events also waits for the batch that was cut before them.
                    self._out[stream].seals.extend(segment.seals)
                    continue
                for seal in segment.seals:
                    self._meet(seal)

    def _meet(self, seal: int) -> None:
        self._unmet[seal] -= 1
        if not self._unmet[seal]:
            del self._unmet[seal]


def spread(seed: int) -> Callable[[str], float]:
    """Return phases for a ``Batcher``: one for each stream's name, the same whenever it is asked for.

    Processes get different phases by different seeds, the streams of a process by their names.
    """
    return lambda stream: crc32(stream.encode("utf-8", "replace"), seed) / 2**32


def sliced(events: Iterable[LogEvent], size: int) -> Iterator[list[LogEvent]]:
    """Yield ``events`` in lists of at most ``size``."""
    iterator = iter(events)
    while part := list(islice(iterator, size)):
        yield part
