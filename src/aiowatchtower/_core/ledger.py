"""One fate per record: the counters behind ``statistics()``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import TypeVar

from .choices import DropReason, RejectReason
from .errors import DeliveryError
from .events import Receipt

_R = TypeVar("_R", RejectReason, DropReason)


@dataclass(frozen=True)
class Statistics:
    """What became of the records, at one moment.

    ``logged + recovered == delivered + sum(rejected.values()) + sum(dropped.values()) + pending``, always.

    Attributes:
        logged: Records that reached the handler (after its level and filters).
        recovered: Records that processes before this one have left in the spool, and that this one
            delivers. 0 without ``spool_directory``.
        delivered: Records that CloudWatch Logs has accepted.
        rejected: Records that AWS rejected one by one in requests that it accepted, by reason: ``too_old``
            (14 days), ``expired`` (the group's retention), ``too_new`` (2 hours ahead).
        dropped: Records given up here, by reason: ``buffer_full``, ``shutdown`` (the block was
            left before they could be delivered), ``refused`` (AWS refuses the event itself),
            ``empty`` (CloudWatch Logs takes no empty event), ``after_exit``, ``worker_crashed``,
            ``abandoned`` (the loop was closed inside the block), ``malformed`` (no usable time),
            ``spool_damaged`` (what was in the spool alone cannot be read).
        pending: Records whose fate is open.
        spooled: Those of them that are in the spool and not in memory: the buffer had no room, or the
            block was left before they could be delivered.
        spool_bytes: Size of this process's files in the spool, and of what was set aside there.
        pending_bytes: Size of the pending records in memory, as AWS counts it: UTF-8, plus 26 bytes each.
            Bounded by ``max_buffer_size``.
        batches: Batches that met their fate.
        retries: Tries of PutLogEvents beyond the first of each batch; not those that found the
            stream missing.
        wire_bytes: Bytes of the request bodies that AWS accepted, as sent (compressed).
        possible_duplicates: Records sent again because the answer to an accepted-or-not request
            was lost. PutLogEvents knows no idempotency token: some may be in the stream twice.
        last_error: The latest failure, also after it has been overcome; of several handlers, that of the
            last that has had one.
        last_delivery: When CloudWatch Logs last accepted a batch (UTC).
    """

    logged: int = 0
    delivered: int = 0
    rejected: Mapping[RejectReason, int] = field(default_factory=dict)
    dropped: Mapping[DropReason, int] = field(default_factory=dict)
    pending: int = 0
    pending_bytes: int = 0
    batches: int = 0
    retries: int = 0
    wire_bytes: int = 0
    possible_duplicates: int = 0
    last_error: DeliveryError | None = None
    last_delivery: datetime | None = None
    recovered: int = 0
    spooled: int = 0
    spool_bytes: int = 0

    def as_dict(self) -> dict[str, object]:
        """Return the same as plain JSON types: ``last_error`` as text, ``last_delivery`` in ISO 8601."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            **values,
            "rejected": dict(self.rejected),
            "dropped": dict(self.dropped),
            "last_error": None if self.last_error is None else str(self.last_error),
            "last_delivery": None if self.last_delivery is None else self.last_delivery.isoformat(),
        }

    @classmethod
    def total(cls, parts: Iterable[Statistics]) -> Statistics:
        """Add up the statistics of several handlers."""
        several = list(parts)
        rejected: Counter[RejectReason] = Counter()
        dropped: Counter[DropReason] = Counter()
        for part in several:
            rejected.update(part.rejected)
            dropped.update(part.dropped)
        deliveries = [part.last_delivery for part in several if part.last_delivery is not None]
        errors = [part.last_error for part in several if part.last_error is not None]
        return cls(
            logged=sum(part.logged for part in several),
            recovered=sum(part.recovered for part in several),
            delivered=sum(part.delivered for part in several),
            rejected=dict(rejected),
            dropped=dict(dropped),
            pending=sum(part.pending for part in several),
            pending_bytes=sum(part.pending_bytes for part in several),
            spooled=sum(part.spooled for part in several),
            spool_bytes=sum(part.spool_bytes for part in several),
            batches=sum(part.batches for part in several),
            retries=sum(part.retries for part in several),
            wire_bytes=sum(part.wire_bytes for part in several),
            possible_duplicates=sum(part.possible_duplicates for part in several),
            last_error=errors[-1] if errors else None,
            last_delivery=max(deliveries) if deliveries else None,
        )


class Ledger:
    """Counts records in when the worker's queue gets them, and out when they have met their fate.

    It holds the latest ``Statistics``; each booking works out the next in full and then stores it at
    once. So an exception on the way (no memory, a signal handler that raises) changes nothing, and what
    a signal handler or ``__del__`` books meanwhile in the same thread is not overwritten.

    Args:
        lock: Guards against other threads. Reentrant, because a signal handler or ``__del__`` may log
            while its thread is booking.
    """

    def __init__(self, lock: AbstractContextManager[object]) -> None:
        self.reset(lock)

    def reset(self, lock: AbstractContextManager[object]) -> None:
        """Start anew with nothing logged, as a forked child does.

        With a new lock: in the child, the old one may be held by a thread that is not there.
        """
        self._lock = lock
        self._seen = Statistics()
        # An attribute of its own, because it is compared with the buffer's bound for each record.
        self.pending_bytes: int = 0

    @property
    def pending(self) -> int:
        """Return how many of the records counted in have no fate yet."""
        return self._seen.pending

    @property
    def last_error(self) -> DeliveryError | None:
        """Return the latest failure, also after it has been overcome."""
        return self._seen.last_error

    def count_in(self, count: int, size_bytes: int) -> None:
        """Count records that have been handed to the worker."""
        self._book(lambda seen: _counted_in(seen, count, size_bytes))

    def count_unbuffered(self, reason: DropReason, count: int = 1) -> None:
        """Book records that never were in the buffer: empty, without room, or after the block."""
        self._book(lambda seen: _unbuffered(seen, reason, count))

    def drop(self, reason: DropReason, count: int, size_bytes: int) -> None:
        """Book ``count`` pending records as lost; ``size_bytes`` is what they held of the buffer."""
        if count:
            self._book(lambda seen: _dropped(seen, reason, count, size_bytes))

    def count_cold(self, count: int) -> None:
        """Count records that are in the spool alone, because the buffer had no room for them."""
        self._book(lambda seen: _cold(seen, count))

    def read_back(self, count: int, size_bytes: int) -> None:
        """Book that records which were in the spool alone are in memory again."""
        if count:
            self._book(lambda seen: _left_to_disk(seen, -count, -size_bytes))

    def leave_to_disk(self, count: int, size_bytes: int) -> None:
        """Book that pending records are left to the spool: nothing holds them in memory any more."""
        if count:
            self._book(lambda seen: _left_to_disk(seen, count, size_bytes))

    def recover(self, count: int, size_bytes: int, in_doubt: int) -> None:
        """Count records of a dead process, of which some may have been delivered by it."""
        if size_bytes:
            self._book(lambda seen: _recovered(seen, count, size_bytes, in_doubt))

    def lose_spooled(self, reason: DropReason, count: int) -> None:
        """Book records that were in the spool alone as lost."""
        if count:
            self._book(lambda seen: _dropped(_left_to_disk(seen, -count, 0), reason, count, 0))

    def uncount_cold(self, count: int) -> None:
        """Take back ``count_cold``: the spool has not taken these records after all."""
        if count:
            self._book(lambda seen: _cold(seen, -count))

    @property
    def spooled(self) -> int:
        """Return how many of the pending records are in the spool alone."""
        return self._seen.spooled

    def settle(self, receipt: Receipt) -> None:
        """Book the fates of one batch and free its bytes."""
        self._book(lambda seen: _settled(seen, receipt))

    def note_retry(self, possible_duplicates: int) -> None:
        """Count a try beyond a batch's first, when it is made; AWS may have so many of its events already."""
        self._book(
            lambda seen: replace(
                seen,
                retries=seen.retries + 1,
                possible_duplicates=seen.possible_duplicates + possible_duplicates,
            )
        )

    def note_error(self, error: DeliveryError) -> None:
        """Remember the latest failure, without its traceback: that refers to a whole batch of texts."""
        bare = error.without_traceback()
        self._book(lambda seen: replace(seen, last_error=bare))

    def snapshot(
        self,
        staged: int = 0,
        staged_bytes: int = 0,
        overflowed: int = 0,
        cold: int = 0,
        spool_bytes: int = 0,
    ) -> Statistics:
        """Return the counters as they stand, with the records that are yet to be counted in."""
        with self._lock:
            seen = self._seen
        lately: dict[DropReason, int] = {"buffer_full": overflowed} if overflowed else {}
        dropped = _sum(seen.dropped, lately)
        return replace(
            seen,
            logged=seen.logged + staged + overflowed + cold,
            rejected=dict(seen.rejected),
            dropped=dropped,
            pending=seen.pending + staged + cold,
            pending_bytes=seen.pending_bytes + staged_bytes,
            spooled=seen.spooled + cold,
            spool_bytes=spool_bytes,
        )

    def _book(self, following: Callable[[Statistics], Statistics]) -> None:
        with self._lock:
            while True:
                seen = self._seen
                after = following(seen)
                pending_bytes = after.pending_bytes
                # Otherwise a signal handler or __del__ in this thread has booked something meanwhile.
                if self._seen is seen:
                    self._seen = after
                    self.pending_bytes = pending_bytes
                    return


def _counted_in(seen: Statistics, count: int, size_bytes: int) -> Statistics:
    return replace(
        seen,
        logged=seen.logged + count,
        pending=seen.pending + count,
        pending_bytes=seen.pending_bytes + size_bytes,
    )


def _cold(seen: Statistics, count: int) -> Statistics:
    return replace(
        seen,
        logged=seen.logged + count,
        pending=seen.pending + count,
        spooled=seen.spooled + count,
    )


def _left_to_disk(seen: Statistics, count: int, size_bytes: int) -> Statistics:
    return replace(
        seen, spooled=seen.spooled + count, pending_bytes=seen.pending_bytes - size_bytes
    )


def _recovered(seen: Statistics, count: int, size_bytes: int, in_doubt: int) -> Statistics:
    return replace(
        seen,
        recovered=seen.recovered + count,
        pending=seen.pending + count,
        pending_bytes=seen.pending_bytes + size_bytes,
        possible_duplicates=seen.possible_duplicates + in_doubt,
    )


def _unbuffered(seen: Statistics, reason: DropReason, count: int) -> Statistics:
    return replace(seen, logged=seen.logged + count, dropped=_sum(seen.dropped, {reason: count}))


def _dropped(seen: Statistics, reason: DropReason, count: int, size_bytes: int) -> Statistics:
    return replace(
        seen,
        dropped=_sum(seen.dropped, {reason: count}),
        pending=seen.pending - count,
        pending_bytes=seen.pending_bytes - size_bytes,
    )


def _settled(seen: Statistics, receipt: Receipt) -> Statistics:
    batch = receipt.batch
    after = replace(
        seen,
        # A batch that was interrupted before any fate was found comes again.
        batches=seen.batches + bool(batch.events),
        wire_bytes=seen.wire_bytes + receipt.wire_bytes,
    )
    if not batch.counted:
        return after
    return replace(
        after,
        pending=seen.pending - len(batch.events),
        pending_bytes=seen.pending_bytes - batch.size_bytes,
        delivered=seen.delivered + receipt.delivered,
        rejected=_sum(seen.rejected, receipt.rejected),
        dropped=_sum(seen.dropped, receipt.dropped),
        possible_duplicates=seen.possible_duplicates + receipt.possible_duplicates,
        last_delivery=receipt.accepted_at or seen.last_delivery,
    )


def _sum(one: Mapping[_R, int], other: Mapping[_R, int]) -> dict[_R, int]:
    """Return both counts by reason, added up."""
    return {reason: one.get(reason, 0) + other.get(reason, 0) for reason in {**one, **other}}
