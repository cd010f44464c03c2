"""One fate per record: the counters behind ``statistics()``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .errors import DeliveryError
from .events import Receipt


@dataclass(frozen=True)
class Statistics:
    """What became of the records, at one moment.

    ``logged == delivered + sum(rejected.values()) + sum(dropped.values()) + pending``, always.

    Attributes:
        logged: Records that reached the handler (after its level and filters).
        delivered: Records that CloudWatch Logs has accepted.
        rejected: Records AWS took the request of but not the event, by reason: ``too_old``
            (14 days), ``expired`` (the group's retention), ``too_new`` (2 hours ahead).
        dropped: Records given up here, by reason: ``buffer_full``, ``shutdown`` (the block was
            left before they could be delivered), ``refused`` (AWS refuses the event itself),
            ``empty`` (CloudWatch Logs takes no empty event), ``after_exit``, ``worker_crashed``,
            ``abandoned`` (the loop was closed inside the block), ``malformed`` (no usable time).
        pending: Records whose fate is open.
        pending_bytes: Their size as AWS counts it: UTF-8, plus 26 bytes each. Bounded by
            ``max_buffer_size``.
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
    rejected: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    pending: int = 0
    pending_bytes: int = 0
    batches: int = 0
    retries: int = 0
    wire_bytes: int = 0
    possible_duplicates: int = 0
    last_error: DeliveryError | None = None
    last_delivery: datetime | None = None

    @classmethod
    def total(cls, parts: Iterable[Statistics]) -> Statistics:
        """Add up the statistics of several handlers."""
        several = list(parts)
        rejected: Counter[str] = Counter()
        dropped: Counter[str] = Counter()
        for part in several:
            rejected.update(part.rejected)
            dropped.update(part.dropped)
        deliveries = [part.last_delivery for part in several if part.last_delivery is not None]
        errors = [part.last_error for part in several if part.last_error is not None]
        return cls(
            logged=sum(part.logged for part in several),
            delivered=sum(part.delivered for part in several),
            rejected=dict(rejected),
            dropped=dict(dropped),
            pending=sum(part.pending for part in several),
            pending_bytes=sum(part.pending_bytes for part in several),
            batches=sum(part.batches for part in several),
            retries=sum(part.retries for part in several),
            wire_bytes=sum(part.wire_bytes for part in several),
            possible_duplicates=sum(part.possible_duplicates for part in several),
            last_error=errors[-1] if errors else None,
            last_delivery=max(deliveries) if deliveries else None,
        )


class Ledger:
    """Counts records in when they are logged and out when they have met their fate.

    Not thread-safe by itself: the inbox, which is where threads meet, holds its lock around
    every change.
    """

    def __init__(self) -> None:
        self.logged = 0
        self.pending_bytes = 0
        self._settled = 0
        self._delivered = 0
        self._rejected: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._batches = 0
        self._retries = 0
        self._wire_bytes = 0
        self._possible_duplicates = 0
        self._last_error: DeliveryError | None = None
        self._last_delivery: datetime | None = None

    @property
    def pending(self) -> int:
        """Return how many records have no fate yet."""
        return self.logged - self._settled

    def settle(self, receipt: Receipt) -> None:
        """Book the fates of one batch and free its bytes."""
        # A batch that was interrupted before any fate was found comes again.
        self._batches += bool(receipt.batch.events)
        self._wire_bytes += receipt.wire_bytes
        self._retries += receipt.retries
        if not receipt.batch.counted:
            return
        self._settled += len(receipt.batch.events)
        self.pending_bytes -= receipt.batch.size_bytes
        self._delivered += receipt.delivered
        self._rejected.update(receipt.rejected)
        self._dropped.update(receipt.dropped)
        self._possible_duplicates += receipt.possible_duplicates
        self._last_delivery = receipt.accepted_at or self._last_delivery

    def drop(self, reason: str, count: int, size_bytes: int = 0) -> None:
        """Book ``count`` logged records as lost; ``size_bytes`` is what they held of the buffer."""
        self._settled += count
        self._dropped[reason] += count
        self.pending_bytes -= size_bytes

    def note_error(self, error: DeliveryError) -> None:
        """Remember the latest failure."""
        self._last_error = error

    def snapshot(self, staged: int = 0, staged_bytes: int = 0) -> Statistics:
        """Return the counters as they stand, with the records that are yet to be counted in."""
        return Statistics(
            logged=self.logged + staged,
            delivered=self._delivered,
            rejected=dict(self._rejected),
            dropped=dict(self._dropped),
            pending=self.pending + staged,
            pending_bytes=self.pending_bytes + staged_bytes,
            batches=self._batches,
            retries=self._retries,
            wire_bytes=self._wire_bytes,
            possible_duplicates=self._possible_duplicates,
            last_error=self._last_error,
            last_delivery=self._last_delivery,
        )
