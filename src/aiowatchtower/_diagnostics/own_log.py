"""Saying something as the logger ``aiowatchtower``, where the application's own handlers hear it."""

from __future__ import annotations

import logging

from .self_feeding import LOGGER, SHIPPING, destinations


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
