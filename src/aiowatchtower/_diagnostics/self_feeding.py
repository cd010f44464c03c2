"""How records of our own making are told from the application's, so that shipping never feeds itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextvars import ContextVar
from logging.handlers import MemoryHandler, QueueHandler
from typing import Final

LOGGER: Final = logging.getLogger("aiowatchtower")

# True in the worker's context and in what it starts. The handler ignores records made there,
# or shipping one batch at DEBUG would log two dozen records for the next.
SHIPPING: Final[ContextVar[bool]] = ContextVar("aiowatchtower_shipping", default=False)

# A record with this attribute was made there, and came through a queue or the like.
MARK: Final = "aiowatchtower_shipping"


def is_ours(record: logging.LogRecord) -> bool:
    """Return whether a record that came through a queue was made while shipping."""
    return record.name == LOGGER.name or hasattr(record, MARK)


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
