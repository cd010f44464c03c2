"""The marker that tells a stream's readers where records are missing. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

from .events import Batch, Lost
from .limits import EVENT_OVERHEAD_BYTES, MAX_BATCH_SPAN_MS


class Gaps:
    """What each stream has lost to a full buffer and not been told of yet."""

    def __init__(self) -> None:
        self._lost: dict[str, Lost] = {}
        self._written: dict[str, Batch] = {}

    def add(self, lost: Lost) -> None:
        """Add newer losses of one stream."""
        before = self._lost.get(lost.stream)
        if before is None:
            self._lost[lost.stream] = lost
            return
        self._lost[lost.stream] = replace(
            before,
            count=before.count + lost.count,
            size_bytes=before.size_bytes + lost.size_bytes,
            first_timestamp_ms=min(before.first_timestamp_ms, lost.first_timestamp_ms),
            last_timestamp_ms=max(before.last_timestamp_ms, lost.last_timestamp_ms),
        )

    def streams(self, *, now: bool) -> set[str]:
        """Return the streams with a gap to be marked, or none if it is not the time."""
        return {*self._lost, *self._written} if now else set()

    def marker(self, stream: str, now_ms: int) -> Batch:
        """Take the stream's gap as a batch of one event, which counts as no record.

        It has the time of the last record dropped, unless AWS might refuse that time.
        """
        written = self._written.pop(stream, None)
        if written is not None:
            return written
        lost = self._lost.pop(stream)
        text = (
            f"aiowatchtower: {lost.count} records dropped (buffer full) between "
            f"{_moment(lost.first_timestamp_ms)} and {_moment(lost.last_timestamp_ms)}"
        )
        is_recent = now_ms - MAX_BATCH_SPAN_MS < lost.last_timestamp_ms <= now_ms
        at = lost.last_timestamp_ms if is_recent else now_ms
        event = (stream, at, text, len(text) + EVENT_OVERHEAD_BYTES)
        return Batch.of(stream, [event], counted=False)

    def restore(self, marker: Batch) -> None:
        """Take a marker back that could not be delivered yet."""
        self._written[marker.stream] = marker


def _moment(timestamp_ms: int) -> str:
    try:
        moment = datetime.fromtimestamp(timestamp_ms / 1000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        # A record may say that it was made in any year.
        return f"{timestamp_ms} ms"
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
