"""One batch while it is being sent: which of its events have their fate, and which have not. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias, TypeVar

from aiowatchtower._text.truncate import truncate

from .choices import DropReason, RejectReason
from .errors import DeliveryError
from .events import SIZE_BYTES, Answer, Batch, LogEvent, Lost, Receipt, own_event
from .limits import EVENT_OVERHEAD_BYTES

# Indexes in the batch: of the first event, and one past the last.
_Range: TypeAlias = tuple[int, int]
_R = TypeVar("_R", RejectReason, DropReason)


class Try(NamedTuple):
    """Whether a put is a retry, and what it may duplicate: for the statistics.

    Attributes:
        is_retry: Whether the batch was put before, apart from puts that found no stream.
        possible_duplicates: How many events AWS may have already, because the last answer was lost.
    """

    is_retry: bool
    possible_duplicates: int


class Progress:
    """The parts of a batch still to be put, in order, and the fates found so far.

    A batch is one part until AWS refuses it; then its halves are two, and so on.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._parts: deque[_Range] = deque([(0, len(batch.events))])
        self._met: list[_Range] = []
        self._rejected: Counter[RejectReason] = Counter()
        self._dropped: Counter[DropReason] = Counter()
        self._lost: list[Lost] = []
        self._wire_bytes = 0
        # Puts that have found the stream, and how many of them were counted as retries.
        self._puts = 0
        self._retries = 0
        # The start indexes of the parts whose last put got no answer.
        self._in_doubt: set[int] = set()
        self._accepted_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether an event is left without a fate."""
        return bool(self._parts)

    @property
    def part(self) -> Sequence[LogEvent]:
        """The events to put next."""
        start, end = self._parts[0]
        events = self.batch.events
        return events if (start, end) == (0, len(events)) else events[start:end]

    @property
    def open_events(self) -> list[LogEvent]:
        """The events without a fate, in order."""
        return self._of(self._parts)

    def trying(self) -> Try:
        """Count a try; return whether it is a retry, and how many duplicates it may make."""
        start = self._parts[0][0]
        is_retry = self._retries < self._puts
        found = Try(is_retry, len(self.part) if start in self._in_doubt else 0)
        self._in_doubt.discard(start)
        self._puts += 1
        self._retries += is_retry
        return found

    def found_missing(self) -> None:
        """Do not count the try that found no stream, because every new stream begins with one.

        If that try was counted as a retry, the next one is not counted in its place.
        """
        self._puts -= 1

    def failed(self, *, maybe_accepted: bool) -> None:
        """Note that AWS did not say that it accepted the part. It may have the events all the same."""
        if maybe_accepted:
            self._in_doubt.add(self._parts[0][0])

    def accepted(self, answer: Answer, at: datetime) -> dict[str, int]:
        """Book AWS's answer for the part: every event is delivered, except those rejected for their time.

        Returns how many were rejected for which reason.
        """
        part = self.part
        count = len(part)
        old = min(answer.too_old_end, count)
        expired = max(old, min(answer.expired_end, count))
        start = count if answer.too_new_start is None else answer.too_new_start
        new = max(expired, min(start, count))
        self._lose(self._rejected, "too_old", part[:old])
        self._lose(self._rejected, "expired", part[old:expired])
        self._lose(self._rejected, "too_new", part[new:])
        self._wire_bytes += answer.wire_bytes
        self._accepted_at = at
        self._meet()
        found = {"too_old": old, "expired": expired - old, "too_new": count - new}
        return {reason: rejected for reason, rejected in found.items() if rejected}

    def known(self) -> None:
        """Book the part as delivered: AWS says that it has the events already."""
        self._meet()

    def halve(self) -> bool:
        """Split the part in two, to be put one after the other. Returns False for a single event."""
        start, end = self._parts[0]
        if end - start == 1:
            return False
        middle = (start + end) // 2
        self._parts[0] = (middle, end)
        self._parts.appendleft((start, middle))
        if start in self._in_doubt:
            self._in_doubt.add(middle)
        return True

    def refused(self, error: DeliveryError) -> bool:
        """Split the refused part, or drop it if it is a single event. Returns whether it was dropped."""
        if self.halve():
            return False
        self._lose(self._dropped, "refused", self.part, error)
        self._meet()
        return True

    def give_up(self, reason: DropReason, error: DeliveryError | None = None) -> None:
        """Drop every event that has no fate yet."""
        self._lose(self._dropped, reason, self.open_events, error)
        while self._parts:
            self._meet()

    def receipt(self) -> Receipt:
        """Return the fates found so far, as those of a batch of just these events.

        What is open after a try without an answer goes into another batch, and there into
        another try.
        """
        batch = self.batch
        in_doubt = 0
        if self._parts:
            batch = Batch.of(batch.stream, self._of(self._met), counted=batch.counted)
            in_doubt = sum(end - start for start, end in self._parts if start in self._in_doubt)
        return Receipt(
            batch=batch,
            rejected=self._rejected,
            dropped=self._dropped,
            lost=self._lost,
            wire_bytes=self._wire_bytes,
            possible_duplicates=in_doubt,
            accepted_at=self._accepted_at,
        )

    def _meet(self) -> None:
        self._met.append(self._parts.popleft())

    def _of(self, ranges: Sequence[_Range]) -> list[LogEvent]:
        return [event for start, end in ranges for event in self.batch.events[start:end]]

    def _lose(
        self,
        book: Counter[_R],
        reason: _R,
        events: Sequence[LogEvent],
        error: DeliveryError | None = None,
    ) -> None:
        if events:
            book[reason] += len(events)
            self._lost.append(Lost.of(reason, events, error))


def shortened(events: Sequence[LogEvent], max_event_bytes: int) -> Sequence[LogEvent]:
    """Return the events with those above a limit that AWS has named cut to it."""
    if all(event[SIZE_BYTES] <= max_event_bytes for event in events):
        return events
    return [_shortened(event, max_event_bytes) for event in events]


def _shortened(event: LogEvent, max_event_bytes: int) -> LogEvent:
    stream, timestamp_ms, message, size_bytes, number = event
    if size_bytes <= max_event_bytes:
        return event
    message = truncate(message, max_event_bytes - EVENT_OVERHEAD_BYTES)
    return own_event(stream, timestamp_ms, message, number)
