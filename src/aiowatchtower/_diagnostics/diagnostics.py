"""What this library says about itself, and how its own records are told from the application's."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from logging.handlers import MemoryHandler, QueueHandler
from typing import Final

LOGGER: Final = logging.getLogger("aiowatchtower")

# True in the worker's context and in what it starts. The handler ignores records made there,
# or shipping one batch at DEBUG would log two dozen records for the next.
SHIPPING: Final[ContextVar[bool]] = ContextVar("aiowatchtower_shipping", default=False)

# A record with this attribute was made there, and came through a queue or the like.
MARK: Final = "aiowatchtower_shipping"

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
        """Log that what was warned of is over; nothing when nothing was said of it."""
        with self._lock:
            known = self._kinds.get(kind)
            if known is None or not known.is_open:
                return
            known.is_open = False
        say(logging.INFO, message)


def say(level: int, message: str, exc_info: BaseException | None = None) -> None:
    """Log as the logger ``aiowatchtower``: to the application's other handlers, never CloudWatch.

    Where the application has no other handler that is known to be read, it goes where logging's
    last resort goes: stderr.
    """
    # By default dictConfig disables each logger that it does not name: no decision about this one.
    LOGGER.disabled = False
    token = SHIPPING.set(True)
    try:
        LOGGER.log(level, message, exc_info=exc_info)
        if not _has_listener() and logging.lastResort is not None:
            if level < logging.lastResort.level or not LOGGER.isEnabledFor(level):
                return
            record = LOGGER.makeRecord(
                LOGGER.name, level, __file__, 0, message, (), None if exc_info is None
                else (type(exc_info), exc_info, exc_info.__traceback__),
            )  # fmt: skip
            logging.lastResort.handle(record)
    finally:
        SHIPPING.reset(token)


def is_ours(record: logging.LogRecord) -> bool:
    """Return whether a record that came through a queue was made while shipping."""
    return record.name == LOGGER.name or hasattr(record, MARK)


def _has_listener() -> bool:
    """Return whether a record of ours reaches any handler that is not ours.

    Without any handler at all logging calls its last resort by itself.
    """
    handlers: list[logging.Handler] = []
    logger: logging.Logger | None = LOGGER
    while logger is not None:
        handlers += logger.handlers
        logger = logger.parent if logger.propagate else None
    ends = [end for handler in handlers for end in destinations(handler)]
    return not handlers or any(not hasattr(end, "ships_to") for end in ends)


def destinations(handler: logging.Handler) -> Iterator[logging.Handler]:
    """Yield the handlers at which a record given to this one arrives, as far as that is known.

    A QueueHandler knows its listener from Python 3.12 on, when ``dictConfig`` has made both.
    """
    if isinstance(handler, MemoryHandler):
        if handler.target is not None:
            yield from destinations(handler.target)
    elif isinstance(handler, QueueHandler):
        listener = getattr(handler, "listener", None)
        for following in getattr(listener, "handlers", ()):
            yield from destinations(following)
    else:
        yield handler
