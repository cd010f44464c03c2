"""Handlers on loggers: put there on entry, taken away on exit, missed when others remove them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from logging.handlers import MemoryHandler, QueueHandler

from aiowatchtower._diagnostics.self_feeding import MARK, SHIPPING, destinations, is_ours

from .handler import CloudWatchLogHandler
from .wrong_kind import all_loggers


class _Marker(logging.Filter):
    """On a handler that passes records on to another thread or time, where ours cannot be told."""

    def filter(self, record: logging.LogRecord) -> bool:
        if SHIPPING.get():
            setattr(record, MARK, True)
        return True


class _Unmarked(logging.Filter):
    """On our handler, when there is one with a ``_Marker``: what shipping logs is not shipped."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not is_ours(record)


class Attachment:
    """Where this block has attached its handlers and filters, and nothing else."""

    def __init__(
        self, handlers: Sequence[CloudWatchLogHandler], loggers: Sequence[logging.Logger]
    ) -> None:
        self._added = [
            (logger, handler)
            for logger in loggers
            for handler in handlers
            if handler not in logger.handlers
        ]
        for logger, handler in self._added:
            logger.addHandler(handler)
        self._expected = [
            (logger, handler)
            for logger in all_loggers()
            for handler in handlers
            if handler in logger.handlers
        ]
        self._filtered = _filters(handlers, {*all_loggers(), *loggers})
        for owner, filter_ in self._filtered:
            owner.addFilter(filter_)

    def detach(self) -> None:
        """Take the handlers from where they were attached."""
        for logger, handler in self._added:
            logger.removeHandler(handler)
        self._added = []
        self._expected = []

    def undo(self) -> None:
        """Leave loggers and handlers as they were found."""
        self.detach()
        for owner, filter_ in self._filtered:
            owner.removeFilter(filter_)
        self._filtered = []

    def warn_of_detached(self) -> None:
        """Warn, once, of handlers that somebody has taken off their loggers."""
        gone = [
            (logger, handler)
            for logger, handler in self._expected
            if handler not in logger.handlers
        ]
        if not gone:
            return
        self._expected = [pair for pair in self._expected if pair not in gone]
        names = ", ".join(sorted({logger.name for logger, _ in gone}))
        gone[0][1].diagnostics.warn(
            "detached",
            f"the handler for {gone[0][1].settings.log_group_name} was removed (by dictConfig, "
            f"fileConfig or removeHandler) from: {names}. Records of these loggers no "
            "longer reach CloudWatch Logs: configure logging before entering the block, or "
            "declare the handler in that configuration",
        )


def checked_loggers(loggers: Iterable[str | logging.Logger]) -> list[logging.Logger]:
    """Return the loggers that ``loggers=`` names, or raise what it may be."""
    allowed = "the names of loggers, such as ('', 'uvicorn.access')"
    if isinstance(loggers, (str, bytes)) or not isinstance(loggers, Iterable):
        msg = f"loggers={loggers!r}: must be {allowed}"
        raise TypeError(msg)
    chosen = []
    for logger in loggers:
        if isinstance(logger, str):
            # getLogger("root") is the root logger from 3.9 on, as is getLogger("").
            chosen.append(logging.getLogger(logger))
        elif isinstance(logger, logging.Logger):
            chosen.append(logger)
        else:
            msg = f"loggers={loggers!r}: {logger!r} is no logger: must be {allowed}"
            raise TypeError(msg)
    return chosen


def find_handlers() -> list[CloudWatchLogHandler]:
    """Return the CloudWatchLogHandlers on any logger that no block runs, each once."""
    found = [
        end
        for logger in all_loggers()
        for handler in logger.handlers
        for end in destinations(handler)
        if isinstance(end, CloudWatchLogHandler) and not end.inbox.is_open
    ]
    return list(dict.fromkeys(found))


def _filters(
    handlers: Sequence[CloudWatchLogHandler], loggers: Iterable[logging.Logger]
) -> list[tuple[logging.Handler, logging.Filter]]:
    """Return the filters needed where handlers of ours may be behind a queue, and on what."""
    relays = [
        handler
        for logger in loggers
        for handler in logger.handlers
        if isinstance(handler, (QueueHandler, MemoryHandler))
    ]
    if not relays:
        return []
    marker, unmarked = _Marker(), _Unmarked()
    return [
        *((relay, marker) for relay in dict.fromkeys(relays)),
        *((handler, unmarked) for handler in handlers),
    ]
