"""The handlers and filters that a block adds on entry, removes on exit, and misses when others remove them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from logging.handlers import MemoryHandler, QueueHandler
from typing import Final

from aiowatchtower._diagnostics.guards import guards
from aiowatchtower._diagnostics.own_log import say
from aiowatchtower._diagnostics.self_feeding import MARK, destinations, is_ours, is_shipping

from .handler import CloudWatchLogHandler
from .obstacles import warn_of_doubles, warn_of_hidden_levels, warn_of_idle_listeners
from .wrong_kind import all_loggers

# Looking for obstacles walks through all loggers: every twentieth look, the first included, will do.
_LOOKS_BETWEEN: Final = 20


class _Marker(logging.Filter):
    """Marks our records where a handler passes them on to another thread, or keeps them for later."""

    def filter(self, record: logging.LogRecord) -> bool:
        if is_shipping():
            setattr(record, MARK, True)
        return True


class _NotOurs(logging.Filter):
    """On our handler, when it may be behind such a relay: what shipping logs is not shipped."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not is_ours(record)


class Attachment:
    """Adds a block's handlers and filters to loggers, and removes exactly those again."""

    def __init__(
        self, handlers: Sequence[CloudWatchLogHandler], loggers: Sequence[logging.Logger]
    ) -> None:
        self._handlers = list(handlers)
        self._loggers = loggers
        self._reattached: set[str] = set()
        self._added = [
            (logger, handler)
            for logger in loggers
            for handler in handlers
            if handler not in logger.handlers
        ]
        for logger, handler in self._added:
            logger.addHandler(handler)
        self._expected = _attached(handlers)
        self._looks = 0
        self._unhidden = self._expected
        self._marker, self._not_ours = _Marker(), _NotOurs()
        self._filtered: list[tuple[logging.Handler, logging.Filter]] = []
        self._filter_relays()

    def _filter_relays(self) -> None:
        """Add the filters that tell our records apart behind a queue, where there is one."""
        filtered = {handler for handler, _ in self._filtered}
        relays = _relays({*all_loggers(), *self._loggers}) - filtered
        if not relays:
            return
        wanted: list[tuple[logging.Handler, logging.Filter]] = [
            *((relay, self._marker) for relay in relays),
            *((handler, self._not_ours) for handler in self._handlers if handler not in filtered),
        ]
        for owner, filter_ in wanted:
            owner.addFilter(filter_)
        self._filtered += wanted

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

    def look_again(self) -> None:
        """Find what the application has changed, and what keeps records away: on entry and every second."""
        guards.look_again()
        self._filter_relays()
        self.reattach()
        self._looks += 1
        if self._looks % _LOOKS_BETWEEN == 1:
            self._look_at_obstacles()
        self.warn_of_detached()

    def _look_at_obstacles(self) -> None:
        # Each time, because an application may set levels or call dictConfig later.
        self._unhidden = warn_of_hidden_levels(self._unhidden)
        if self._looks == 1:
            warn_of_doubles(self._expected)
        elif self._looks == 1 + _LOOKS_BETWEEN:
            # Not on entry: a listener may well be started right after it.
            warn_of_idle_listeners(self._handlers)

    def add(self, handler: CloudWatchLogHandler) -> None:
        """Look after another handler, wherever it is attached."""
        self._handlers.append(handler)
        self._expected += _attached([handler])

    def reattach(self) -> None:
        """Attach to the named loggers again, where a server or a configuration has replaced their handlers."""
        gone = [
            (logger, handler)
            for logger, handler in self._expected
            if logger in self._loggers and handler not in logger.handlers
        ]
        for logger, handler in gone:
            logger.addHandler(handler)
        self._added += [pair for pair in gone if pair not in self._added]
        names = {logger.name for logger, _ in gone} - self._reattached
        if names:
            self._reattached |= names
            say(
                logging.INFO,
                f"the handler for {gone[0][1].settings.log_group_name} was removed (by a server that "
                f"makes its loggers anew, dictConfig, fileConfig or removeHandler) from: "
                f"{', '.join(sorted(names))}. It is attached again, because loggers= names them",
            )

    def warn_of_detached(self) -> None:
        """Warn, once, of handlers that somebody has taken off their loggers."""
        gone = [
            (logger, handler)
            for logger, handler in self._expected
            if handler not in logger.handlers and not _has_another(logger)
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
    if isinstance(loggers, str):
        msg = f"loggers={loggers!r}: must be {allowed}; for this one alone, write ({loggers!r},)"
        raise TypeError(msg)
    given: object = loggers
    if isinstance(given, bytes) or not isinstance(given, Iterable):
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


def _attached(
    handlers: Sequence[CloudWatchLogHandler],
) -> list[tuple[logging.Logger, CloudWatchLogHandler]]:
    """Return every logger that has one of the handlers, with that handler."""
    return [
        (logger, handler)
        for logger in all_loggers()
        for handler in handlers
        if handler in logger.handlers
    ]


def _has_another(logger: logging.Logger) -> bool:
    """Whether a configuration has replaced our handler by another one of ours."""
    return any(
        isinstance(handler, CloudWatchLogHandler) and handler.lifecycle.takes_records
        for handler in logger.handlers
    )


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


def _relays(loggers: Iterable[logging.Logger]) -> set[logging.Handler]:
    """Return the handlers that pass records on to another thread, or keep them for later."""
    return {
        handler
        for logger in loggers
        for handler in logger.handlers
        if isinstance(handler, (QueueHandler, MemoryHandler))
    }
