"""One warning for each kind of trouble, then at most one a minute with a count."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from .own_log import say

_REPEAT_SECONDS: Final = 60.0


class _Kind:
    def __init__(self, said_at: float) -> None:
        self.said_at = said_at
        self.is_open = True
        self.unsaid = 0


class Diagnostics:
    """Says the first of a kind at once, then at most one a minute with a count. Thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._kinds: dict[str, _Kind] = {}

    def warn(self, kind: str, message: str, *, exc_info: BaseException | None = None) -> None:
        """Log a warning, unless one of its kind was logged less than a minute ago."""
        now = self._clock()
        with self._lock:
            known = self._kinds.get(kind)
            if known is not None and now - known.said_at < _REPEAT_SECONDS:
                known.unsaid += 1
                return
            again = f" ({known.unsaid} more since the last warning)" if known else ""
            self._kinds[kind] = _Kind(now)
        say(logging.WARNING, message + (again if known and known.unsaid else ""), exc_info)

    def recovered(self, kind: str, message: str) -> None:
        """Log, once, that a trouble is over, if a warning of its kind was logged."""
        with self._lock:
            known = self._kinds.get(kind)
            if known is None or not known.is_open:
                return
            known.is_open = False
        say(logging.INFO, message)
