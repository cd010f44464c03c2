"""The room in the buffer, and which streams may have the last of it. Pure."""

from __future__ import annotations

from typing import Final

# One part in so many of the buffer is kept for the streams that hold no more than their share of it.
_FAIR_PART: Final = 4
# One part in so many is kept for ERROR and above.
_RESERVE: Final = 8


class Room:
    """Says which records a buffer of ``max_bytes`` takes.

    Not thread-safe, but for reading ``easy_bytes``.

    Attributes:
        easy_bytes: Up to this size of all records, each is taken without another question.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.easy_bytes = 0
        self._fair_bytes = 0
        self._urgent_bytes = 0
        # What each stream holds: as was noted last, and what has come since.
        self._held: dict[str, int] = {}
        self.note_held({}, 0)

    def note_held(self, held: dict[str, int], overhead_bytes: int) -> None:
        """Take note of how many bytes each stream holds, and of what keeping so many streams costs."""
        self._held = held
        self._urgent_bytes = self._max_bytes - overhead_bytes
        self._fair_bytes = self._urgent_bytes - self._max_bytes // _RESERVE
        self.easy_bytes = self._urgent_bytes - self._max_bytes // _FAIR_PART

    def takes(self, stream: str, size_bytes: int, total_bytes: int, *, urgent: bool) -> bool:
        """Return whether a record is taken although the buffer is short; ``total_bytes`` includes it.

        A stream that is blocked must not take the room from all others: streams that hold more than an
        equal share of the buffer lose their newest records first. All streams that hold nothing at the
        moment have one share together. ``urgent`` records (ERROR and above) are taken while there is room.
        """
        if total_bytes > (self._urgent_bytes if urgent else self._fair_bytes):
            return False
        held_bytes = self._held.get(stream, 0) + size_bytes
        streams = len(self._held) + (stream not in self._held)
        if not urgent and streams > 1 and held_bytes * streams > self._fair_bytes:
            return False
        self._held[stream] = held_bytes
        return True

    def is_roomy(self, total_bytes: int) -> bool:
        """Return whether at least half of the buffer is free."""
        return total_bytes * 2 <= self._max_bytes
