"""The values that travel: event, batch, answer, receipt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from aiowatchtower._text.truncate import utf8_size

from .choices import DropReason, RejectReason
from .errors import DeliveryError
from .limits import EVENT_OVERHEAD_BYTES

# (stream, timestamp_ms, message, size_bytes, number). A plain tuple of str and int, because the garbage
# collector stops tracking those: a full buffer then costs it nothing. A class instance or a
# dict per record would bring a full collection, of tens of milliseconds, every few seconds.
#
# The number is the record's in the spool, and tells in whose: those of this process are below
# NUMBERS_PER_OWNER (a million records a second last for 12 days), those of the n-th dead process whose
# records it delivers lie n times as far up. 0: the event is in no spool.
LogEvent: TypeAlias = tuple[str, int, str, int, int]
STREAM: Final = 0
TIMESTAMP_MS: Final = 1
MESSAGE: Final = 2
SIZE_BYTES: Final = 3
NUMBER: Final = 4
NUMBERS_PER_OWNER: Final = 2**40

_size: Final[Callable[[LogEvent], int]] = itemgetter(SIZE_BYTES)


def own_event(stream: str, timestamp_ms: int, message: str, number: int = 0) -> LogEvent:
    """Make an event that is no record of the application: a marker, a probe, a record cut anew.

    The event of a record is made in ``Inbox.put``, with the size that its handler has worked out.
    """
    return (stream, timestamp_ms, message, utf8_size(message) + EVENT_OVERHEAD_BYTES, number)


def total_bytes(events: Iterable[LogEvent]) -> int:
    """Return the size of events as AWS counts it."""
    return sum(map(_size, events))


class Batch(NamedTuple):
    """Events of one stream that one PutLogEvents may carry: oldest first, within every limit.

    ``size_bytes`` is their size as AWS counts it. ``counted`` is False for events that this
    library wrote itself (the marker of a gap): they are no record of the application and stay
    out of the statistics.
    """

    stream: str
    events: Sequence[LogEvent]
    size_bytes: int
    counted: bool = True

    @classmethod
    def of(cls, stream: str, events: Sequence[LogEvent], *, counted: bool = True) -> Batch:
        """Make a batch of events whose size is not known yet."""
        return cls(stream, events, total_bytes(events), counted)


class Answer(NamedTuple):
    """What PutLogEvents answered to a request that it took.

    ``only_uncompressed``: this answer has shown that the endpoint reads no compressed bodies.
    The indexes are those of ``rejectedLogEventsInfo``: events before ``too_old_end`` and
    ``expired_end`` and from ``too_new_start`` on were rejected.
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_RejectedLogEventsInfo.html
    """

    wire_bytes: int
    too_old_end: int = 0
    expired_end: int = 0
    too_new_start: int | None = None
    entity_error: str = ""
    only_uncompressed: bool = False


@dataclass(frozen=True)
class Lost:
    """Records that did not become events in CloudWatch Logs, and why: what ``on_drop`` is given.

    Attributes:
        reason: ``"buffer_full"``, ``"shutdown"``, ``"refused"``, ``"too_old"``, ``"too_new"``,
            ``"expired"``, ``"worker_crashed"``.
        stream: The log stream's name, or ``""`` when there are several.
        count: Number of records.
        size_bytes: Their size as AWS counts it: UTF-8, plus 26 bytes each.
        first_timestamp_ms: Time of the oldest, in milliseconds since 1970.
        last_timestamp_ms: Time of the newest.
        messages: The formatted texts where they still exist. Empty for ``"buffer_full"``:
            keeping them is what there was no room for.
        error: The failure behind it, if there was one.
    """

    reason: RejectReason | DropReason
    stream: str
    count: int
    size_bytes: int
    first_timestamp_ms: int
    last_timestamp_ms: int
    messages: Sequence[str] = ()
    error: DeliveryError | None = None

    @classmethod
    def of(
        cls,
        reason: RejectReason | DropReason,
        events: Sequence[LogEvent],
        error: DeliveryError | None = None,
    ) -> Lost:
        """Describe ``events``, of which there is at least one."""
        streams = {event[STREAM] for event in events}
        times = [event[TIMESTAMP_MS] for event in events]
        return cls(
            reason=reason,
            stream=streams.pop() if len(streams) == 1 else "",
            count=len(events),
            size_bytes=total_bytes(events),
            first_timestamp_ms=min(times),
            last_timestamp_ms=max(times),
            messages=[event[MESSAGE] for event in events],
            error=error,
        )


class Receipt(NamedTuple):
    """The fate of every event of one batch, and what finding it out took."""

    batch: Batch
    rejected: Mapping[RejectReason, int] = MappingProxyType({})
    dropped: Mapping[DropReason, int] = MappingProxyType({})
    lost: Sequence[Lost] = ()
    wire_bytes: int = 0
    possible_duplicates: int = 0
    accepted_at: datetime | None = None

    @property
    def delivered(self) -> int:
        """Return how many events AWS has taken."""
        return len(self.batch.events) - sum(self.rejected.values()) - sum(self.dropped.values())
