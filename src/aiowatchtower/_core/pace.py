"""How fast one process may send requests of one kind, learnt from what AWS throttles. Pure."""

from __future__ import annotations

from typing import Final

# A throttled request doubles the distance between requests, starting from this one.
_FIRST_SECONDS: Final = 0.1
# Requests of one process are never further apart; the back-off of each stream adds to it.
_LONGEST_SECONDS: Final = 5.0
# An accepted request leaves this share of the distance: twenty of them undo the longest.
_FASTER: Final = 0.8


class Pace:
    """Keeps the requests of all streams of a process apart while its account is throttled.

    Quotas count requests of a whole account and region. Without a common pace each stream of a
    process finds out for itself that they are exhausted, and a thousand streams go on sending a
    thousand requests that are refused. Time is an argument, in seconds of any monotonic clock.
    """

    def __init__(self, least_seconds: float = 0.0) -> None:
        """Keep requests ``least_seconds`` apart even when nothing is throttled."""
        self._least = least_seconds
        self._apart = least_seconds
        self._stream: str | None = None
        self._sent_at = self._next_at = float("-inf")
        self._slowed_at = float("-inf")

    def rest(self, stream: str, now: float) -> float:
        """Return how many seconds the stream's next request has to wait; 0 when it may be sent now.

        The stream that has sent the last one keeps its distance by its own back-off.
        """
        next_at = self._sent_at + self._least if stream == self._stream else self._next_at
        return max(0.0, next_at - now)

    def sent(self, stream: str, now: float) -> None:
        """Note that a request of that stream is sent now."""
        self._stream = stream
        self._sent_at = now
        self._next_at = now + self._apart

    def throttled(self, asked_at: float, now: float) -> None:
        """Slow down, because a request that was sent at ``asked_at`` was throttled.

        Requests that were under way together tell of the same shortage: it counts once.
        """
        if asked_at < self._slowed_at:
            return
        self._slowed_at = now
        self._apart = min(_LONGEST_SECONDS, max(_FIRST_SECONDS, 2 * self._apart))
        self._next_at = max(self._next_at, now + self._apart)

    def accepted(self) -> None:
        """Go faster again, because a request was accepted."""
        self._apart = max(self._least, self._apart * _FASTER)
        if self._apart < max(self._least, _FIRST_SECONDS / 10):
            self._apart = self._least
