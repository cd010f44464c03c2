"""What a full buffer has cost each stream, and the marker that tells the stream's readers. Pure."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Final

from .events import Batch, Lost, own_event
from .limits import MAX_BATCH_SPAN_MS


class Overflow:
    """Adds up the records of one stream that found no room in the buffer.

    The only accumulator of such losses: the inbox fills one, the worker merges it into that of the gap.
    """

    def __init__(self, timestamp_ms: int) -> None:
        self.count = 0
        self.size_bytes = 0
        self.first_ms = self.last_ms = timestamp_ms

    def add(self, timestamp_ms: int, size_bytes: int) -> None:
        """Add one record."""
        self.count += 1
        self.size_bytes += size_bytes
        self.first_ms = min(self.first_ms, timestamp_ms)
        self.last_ms = max(self.last_ms, timestamp_ms)

    def merge(self, later: Overflow) -> None:
        """Add what was lost later in the same stream."""
        self.count += later.count
        self.size_bytes += later.size_bytes
        self.first_ms = min(self.first_ms, later.first_ms)
        self.last_ms = max(self.last_ms, later.last_ms)

    def lost(self, stream: str) -> Lost:
        """Return the loss as a value, for ``on_drop``."""
        return Lost("buffer_full", stream, self.count, self.size_bytes, self.first_ms, self.last_ms)


# So many streams get a marker of their own for what they have lost; that of the others is told in theirs.
_MARKED_STREAMS: Final = 64


class Gaps:
    """The losses of each stream that its readers have not been told of yet.

    Losses of very many streams do not become as many markers, for each of which a stream might have to
    be created first: they are added to the loss of a stream that has one already.
    """

    def __init__(self) -> None:
        self._lost: dict[str, Overflow] = {}
        self._written: dict[str, Batch] = {}

    def add(self, stream: str, overflow: Overflow) -> None:
        """Add newer losses of one stream; "" stands for several that are not told apart."""
        if stream not in self._lost and (not stream or len(self._lost) >= _MARKED_STREAMS):
            stream = next(iter(self._lost), stream)
        if not stream:
            # Nothing is known but that records were dropped, and no reader could be told of it.
            return
        before = self._lost.setdefault(stream, overflow)
        if before is not overflow:
            before.merge(overflow)

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
            f"{_moment(lost.first_ms)} and {_moment(lost.last_ms)}"
        )
        is_recent = now_ms - MAX_BATCH_SPAN_MS < lost.last_ms <= now_ms
        at = lost.last_ms if is_recent else now_ms
        return Batch.of(stream, [own_event(stream, at, text)], counted=False)

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
