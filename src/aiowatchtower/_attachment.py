"""Handlers on loggers: put there on entry, taken away on exit, missed when others remove them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from ._handler import CloudWatchLogHandler


class Attachment:
    """Where this block has attached its handlers, and nothing else."""

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
            for logger in _all_loggers()
            for handler in handlers
            if handler in logger.handlers
        ]

    def undo(self) -> None:
        """Leave the loggers as they were found."""
        for logger, handler in self._added:
            logger.removeHandler(handler)
        self._added = []
        self._expected = []

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
            f"a logging configuration (dictConfig, fileConfig) has removed the handler for "
            f"{gone[0][1].settings.log_group_name} from: {names}. Records of these loggers no "
            "longer reach CloudWatch Logs: configure logging before entering the block, or "
            "declare the handler in that configuration",
        )


def find_handlers() -> list[CloudWatchLogHandler]:
    """Return the CloudWatchLogHandlers on any logger that no block runs, each once."""
    found = [
        handler
        for logger in _all_loggers()
        for handler in logger.handlers
        if isinstance(handler, CloudWatchLogHandler) and not handler.inbox.is_open
    ]
    return list(dict.fromkeys(found))


def _all_loggers() -> Iterable[logging.Logger]:
    known = logging.Logger.manager.loggerDict.copy()
    named = [logger for logger in known.values() if isinstance(logger, logging.Logger)]
    return [logging.getLogger(), *named]
