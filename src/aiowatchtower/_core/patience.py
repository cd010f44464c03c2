"""How long a put may take, learnt for each stream from puts that had no answer in time. Pure."""

from __future__ import annotations

from typing import Final

from .logs_client import TRY_SECONDS

# Twice as long after each put without an answer, up to this.
_LONGEST_SECONDS: Final = 60.0
# So many streams' time-outs are remembered: the latest.
_STREAMS: Final = 1_000


class Patience:
    """The deadline of each stream's next put.

    A path that is slow, and not broken, takes every batch longer than the usual deadline. Without more
    time each put would be given up after AWS has accepted it, and made again, without end.
    """

    def __init__(self) -> None:
        # By stream, how often the usual deadline is doubled.
        self._doublings: dict[str, int] = {}

    def seconds(self, stream: str) -> float:
        """Return how long the stream's next put may take."""
        return min(_LONGEST_SECONDS, TRY_SECONDS * 2.0 ** self._doublings.get(stream, 0))

    def timed_out(self, stream: str) -> None:
        """Give the stream's next put twice the time, because the last one had no answer."""
        if self.seconds(stream) < _LONGEST_SECONDS:
            self._doublings[stream] = self._doublings.pop(stream, 0) + 1
        if len(self._doublings) > _STREAMS:
            del self._doublings[next(iter(self._doublings))]

    def answered(self, stream: str, seconds: float) -> None:
        """Take a doubling back when a quarter of the time was enough."""
        doublings = self._doublings.get(stream, 0)
        if doublings and seconds < self.seconds(stream) / 4:
            del self._doublings[stream]
            if doublings > 1:
                self._doublings[stream] = doublings - 1
