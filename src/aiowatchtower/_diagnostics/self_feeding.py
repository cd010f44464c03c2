"""How records of our own making are told from the application's, so that shipping never feeds itself.

One put at DEBUG logs two dozen records. If they were shipped, each would lead to the next put.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from logging.handlers import MemoryHandler, QueueHandler
from typing import Final

LOGGER: Final = logging.getLogger("aiowatchtower")

# The thread in which this context was marked as one that ships, or 0. Our handler ignores records
# that are logged there.
SHIPPING: Final[ContextVar[int]] = ContextVar("aiowatchtower_shipping", default=0)

# A record with this attribute was logged while shipping. It may reach our handler in another
# thread, where the context does not tell.
MARK: Final = "aiowatchtower_shipping"

# Where threads inherit the context (free-threaded builds from 3.14 on, or an option), an executor
# thread that was started while shipping has the mark for life, also when it runs the application's
# functions. There the mark only counts in the thread that it names.
_THREADS_INHERIT: Final = bool(getattr(sys.flags, "thread_inherit_context", False))
# Our own tasks are named after the package; those of task groups are named after our functions.
_OUR_TASKS: Final = ("aiowatchtower ", "aiowatchtower.")


def start_shipping() -> None:
    """Mark the current context, in this thread, as one whose records are not shipped."""
    SHIPPING.set(threading.get_ident())


@contextmanager
def shipping() -> Iterator[None]:
    """Mark the current context for the time of a ``with`` statement."""
    token = SHIPPING.set(threading.get_ident())
    try:
        yield
    finally:
        SHIPPING.reset(token)


def is_shipping() -> bool:
    """Return whether what is logged here and now is logged while shipping."""
    marked_in = SHIPPING.get()
    return marked_in != 0 and (not _THREADS_INHERIT or marked_in == threading.get_ident())


def is_ours(record: logging.LogRecord) -> bool:
    """Return whether a record was logged while shipping, wherever it is seen.

    Records name their task from Python 3.12 on.
    """
    if record.name == LOGGER.name or hasattr(record, MARK):
        return True
    task = getattr(record, "taskName", None)
    return isinstance(task, str) and task.startswith(_OUR_TASKS)


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
