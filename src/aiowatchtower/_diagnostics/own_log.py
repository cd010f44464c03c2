"""Saying something as the logger ``aiowatchtower``, where the application's own handlers hear it."""

from __future__ import annotations

import contextlib
import logging

from aiowatchtower._core.presentable import presentable

from .self_feeding import LOGGER, MARK, destinations, shipping


def say(level: int, message: str, exc_info: BaseException | None = None) -> None:
    """Log as the logger ``aiowatchtower``: to the application's other handlers, never CloudWatch.

    Where the application has no other handler that is known to be read, the message goes where
    logging's last resort writes: to stderr. So it does when a filter, handler, formatter or record
    factory of the application raises: that exception is never passed on, because it would end
    delivery, or come out of a log call of the application that did not raise without us.
    """
    with shipping():
        try:
            # By default dictConfig disables each logger that it does not name: no decision about
            # this one.
            LOGGER.disabled = False
            LOGGER.log(level, message, exc_info=exc_info, extra={MARK: True})
            if _has_listener() or not LOGGER.isEnabledFor(level):
                return
        except Exception as exc:  # noqa: BLE001 - the application's code may raise anything
            message = (
                f"{message} (on stderr, because the application's logging raised {shown(exc)})"
            )
        with contextlib.suppress(Exception):
            _write_to_last_resort(level, message, exc_info)


def _write_to_last_resort(level: int, message: str, exc_info: BaseException | None) -> None:
    """Write to stderr, unless logging's last resort is switched off or takes no such level."""
    if logging.lastResort is None or level < logging.lastResort.level:
        return
    # Not made by the logger, whose record factory may be what raises.
    info = None if exc_info is None else (type(exc_info), exc_info, exc_info.__traceback__)
    record = logging.LogRecord(LOGGER.name, level, __file__, 0, message, (), info)
    logging.lastResort.handle(record)


def shown(exc: Exception) -> str:
    """Return the exception's repr on one line, or the name of its class if that raises as well."""
    try:
        return presentable(repr(exc))
    except Exception:  # noqa: BLE001 - the application's code may raise anything
        return type(exc).__name__


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
