"""Judge what arrived: AWS's batch rules, restated here, and each sequence number exactly once."""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from typing import Any

from load import sequence_of

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_MAX_EVENTS = 10_000
_MAX_BYTES = 1_048_576
_EVENT_OVERHEAD = 26
_MAX_SPAN_MS = 24 * 3600 * 1000

_REQUEST = re.compile(r"request\W{1,4}([0-9a-f]{8})")


class Tally:
    """Count the events of accepted bodies and the rules they broke."""

    def __init__(self) -> None:
        self.events = 0
        self.message_bytes = 0
        self.foreign = 0
        self.broken: Counter[str] = Counter()
        self._seen: Counter[int] = Counter()

    def add(self, body: bytes, *, gzipped: bool) -> None:
        """Check one PutLogEvents body."""
        events = json.loads(zlib.decompress(body, 31) if gzipped else body)["logEvents"]
        sizes = [len(event["message"].encode()) for event in events]
        self.events += len(events)
        self.message_bytes += sum(sizes)
        self._check_batch(events, sizes)
        for event in events:
            self._see(event["message"])

    def report(self, expected: int) -> dict[str, Any]:
        """Give the counts, with `expected` sequence numbers due from 0 on."""
        due = sum(1 for sequence in self._seen if sequence < expected)
        return {
            "events": self.events,
            "message_bytes": self.message_bytes,
            "lost": expected - due,
            "duplicates": self._seen.total() - len(self._seen),
            "unexpected": len(self._seen) - due,
            "foreign": self.foreign,
            "broken_rules": dict(self.broken),
        }

    def _check_batch(self, events: list[dict[str, Any]], sizes: list[int]) -> None:
        times = [event["timestamp"] for event in events]
        if not 1 <= len(events) <= _MAX_EVENTS:
            self.broken[f"{len(events)} events in a batch"] += 1
        if sum(sizes) + _EVENT_OVERHEAD * len(events) > _MAX_BYTES:
            self.broken["batch too large"] += 1
        if times != sorted(times):
            self.broken["not in chronological order"] += 1
        if times and max(times) - min(times) > _MAX_SPAN_MS:
            self.broken["span over 24 h"] += 1
        if 0 in sizes:
            self.broken["empty message"] += 1

    def _see(self, message: str) -> None:
        found = _REQUEST.search(message)
        if found is None:
            self.foreign += 1
        else:
            self._seen[sequence_of(int(found[1], 16))] += 1
