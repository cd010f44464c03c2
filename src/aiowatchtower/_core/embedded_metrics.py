"""The shipper's own metrics as one event in embedded metric format. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from typing import Final

from .ledger import Statistics

_UNITS: Final = {
    "Logged": "Count",
    "Delivered": "Count",
    "Rejected": "Count",
    "Dropped": "Count",
    "Retries": "Count",
    "PossibleDuplicates": "Count",
    "PendingBytes": "Bytes",
    "OldestPendingSeconds": "Seconds",
}
_DIMENSION: Final = "LogGroup"


def metrics_event(
    namespace: str,
    group: str,
    now: Statistics,
    before: Statistics,
    *,
    at_ms: int,
    oldest_pending_ms: int | None,
) -> str:
    """Return the event: what has been counted since ``before``, and what is pending now."""
    age_ms = 0 if oldest_pending_ms is None else max(0, at_ms - oldest_pending_ms)
    values = {
        "Logged": now.logged - before.logged,
        "Delivered": now.delivered - before.delivered,
        "Rejected": sum(now.rejected.values()) - sum(before.rejected.values()),
        "Dropped": sum(now.dropped.values()) - sum(before.dropped.values()),
        "Retries": now.retries - before.retries,
        "PossibleDuplicates": now.possible_duplicates - before.possible_duplicates,
        "PendingBytes": now.pending_bytes,
        "OldestPendingSeconds": round(age_ms / 1000, 3),
    }
    directive = {
        "Namespace": namespace,
        "Dimensions": [[_DIMENSION]],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in _UNITS.items()],
    }
    metadata = {"Timestamp": at_ms, "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": metadata, _DIMENSION: group, **values}, separators=(",", ":"))
