"""The rules of PutLogEvents, restated from AWS's documentation and from nowhere else in this library.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
"""

from __future__ import annotations

import itertools
import operator
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from ._types import INVALID, UNREADABLE, Refusal, violation

BYTES_PER_EVENT = 26
MAX_BATCH_BYTES = 1_048_576
MAX_BATCH_COUNT = 10_000
MAX_LONG = 2**63 - 1
MIN_ENTITY_KEYS = 2
MAX_ENTITY_KEYS = 4
MAX_ENTITY_ATTRIBUTES = 10

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
TOO_OLD_MS = 14 * DAY_MS
TOO_NEW_MS = 2 * HOUR_MS


class ReadBatch(NamedTuple):
    """A well-formed batch, column by column."""

    timestamps_ms: list[int]
    messages: list[str]
    size: int


class Rejection(NamedTuple):
    """Where the accepted events lie in a batch: `accepted_from <= index < too_new_from`."""

    too_old_to: int
    expired_to: int
    too_new_from: int

    @property
    def accepted_from(self) -> int:
        """Index of the first event that is neither too old nor expired."""
        return max(self.too_old_to, self.expired_to)

    def info(self, count: int) -> dict[str, object]:
        """Return AWS's `rejectedLogEventsInfo`, empty when nothing was rejected."""
        info: dict[str, object] = {}
        if self.too_new_from < count:
            info["tooNewLogEventStartIndex"] = self.too_new_from
        if self.too_old_to:
            info["tooOldLogEventEndIndex"] = self.too_old_to
        if self.expired_to > self.too_old_to:
            info["expiredLogEventEndIndex"] = self.expired_to
        return info


def read_batch(events: object, max_event_bytes: int) -> ReadBatch:
    """Check the shape and the sizes of `logEvents`, or raise `Refusal`.

    `max_event_bytes` includes the 26 bytes of overhead, as AWS's error text does.
    """
    listed = _listed(events)
    timestamps: list[int] = []
    messages: list[str] = []
    size = 0
    for position, event in enumerate(listed, 1):
        if type(event) is not dict:
            raise _unreadable(event, "structure")
        message = event.get("message")
        timestamp = event.get("timestamp")
        if (
            type(message) is not str
            or not message
            or type(timestamp) is not int
            or not 0 <= timestamp <= MAX_LONG
        ):
            raise _event_refusal(position, message, timestamp)
        length = BYTES_PER_EVENT + (len(message) if message.isascii() else _utf8_length(message))
        if length > max_event_bytes:
            raise Refusal(
                INVALID,
                f"Log event too large: {length} bytes exceeds limit of {max_event_bytes}",
            )
        size += length
        messages.append(message)
        timestamps.append(timestamp)
    return ReadBatch(timestamps, messages, size)


def check_batch(batch: ReadBatch, now_ms: int) -> None:
    """Check what holds for the batch as a whole: bytes, order, span."""
    if batch.size > MAX_BATCH_BYTES:
        raise Refusal(
            INVALID,
            f"Upload too large: {batch.size} bytes exceeds limit of {MAX_BATCH_BYTES}",
        )
    timestamps = batch.timestamps_ms
    if any(map(operator.gt, timestamps, itertools.islice(timestamps, 1, None))):
        raise Refusal(
            INVALID,
            "Log events in a single PutLogEvents request must be in chronological order.",
        )
    # "For valid events (within 14 days in the past to 2 hours in future)": expired ones are part of the span.
    found = find_rejected(timestamps, now_ms, None)
    valid = timestamps[found.too_old_to : found.too_new_from]
    if valid and valid[-1] - valid[0] > DAY_MS:
        raise Refusal(
            INVALID,
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        )


def find_rejected(timestamps_ms: list[int], now_ms: int, retention_days: int | None) -> Rejection:
    """Find the events that an otherwise successful call leaves out; `timestamps_ms` are ascending."""
    too_old_to = bisect_left(timestamps_ms, now_ms - TOO_OLD_MS)
    expired_to = 0
    if retention_days is not None:
        expired_to = bisect_left(timestamps_ms, now_ms - retention_days * DAY_MS)
    return Rejection(too_old_to, expired_to, bisect_right(timestamps_ms, now_ms + TOO_NEW_MS))


def entity_error(entity: object) -> str | None:
    """Return the `EntityRejectionErrorType` an entity earns; the events are accepted all the same."""
    if entity is None:
        return None
    keys = entity.get("keyAttributes") if isinstance(entity, dict) else None
    attributes = entity.get("attributes", {}) if isinstance(entity, dict) else None
    if not isinstance(keys, dict) or not MIN_ENTITY_KEYS <= len(keys) <= MAX_ENTITY_KEYS:
        return "InvalidKeyAttributes"
    if not isinstance(attributes, dict) or len(attributes) > MAX_ENTITY_ATTRIBUTES:
        return "InvalidAttributes"
    if "Type" not in keys:
        return "MissingRequiredFields"
    known = {"Service", "RemoteService", "Resource", "AWS::Service", "AWS::Resource"}
    return None if keys["Type"] in known else "InvalidTypeValue"


def measure(events: object) -> tuple[int, int]:
    """Return how many events there are and how many bytes they count for; 0 bytes when they are unreadable."""
    if not isinstance(events, list):
        return 0, 0
    size = 0
    for event in events:
        message = event.get("message") if isinstance(event, dict) else None
        if not isinstance(message, str):
            return len(events), 0
        size += BYTES_PER_EVENT + (
            len(message) if message.isascii() else len(message.encode("utf-8", "surrogatepass"))
        )
    return len(events), size


def _listed(events: object) -> list[object]:
    if events is None:
        raise violation("null", "logEvents", "Member must not be null")
    if not isinstance(events, list):
        raise _unreadable(events, "List")
    if not events:
        raise violation("[]", "logEvents", "Member must have length greater than or equal to 1")
    if len(events) > MAX_BATCH_COUNT:
        constraint = f"Member must have length less than or equal to {MAX_BATCH_COUNT}"
        raise violation(f"[{len(events)} events]", "logEvents", constraint)
    return events


def _utf8_length(message: str) -> int:
    try:
        return len(message.encode())
    except UnicodeEncodeError:  # "\ud800" is valid JSON, but no text
        raise Refusal(UNREADABLE, "Invalid UTF-16 surrogate in a string") from None


def _unreadable(value: object, wanted: str) -> Refusal:
    return Refusal(UNREADABLE, f"{type(value).__name__} value can not be converted to {wanted}")


def _event_refusal(position: int, message: object, timestamp: object) -> Refusal:
    member = f"logEvents.{position}.member"
    if message is None:
        return violation("null", f"{member}.message", "Member must not be null")
    if not isinstance(message, str):
        return _unreadable(message, "String")
    if timestamp is None:
        return violation("null", f"{member}.timestamp", "Member must not be null")
    if type(timestamp) is not int or timestamp > MAX_LONG:
        return _unreadable(timestamp, "Long")
    if timestamp < 0:
        return violation(
            timestamp, f"{member}.timestamp", "Member must have value greater than or equal to 0"
        )
    return violation("", f"{member}.message", "Member must have length greater than or equal to 1")
