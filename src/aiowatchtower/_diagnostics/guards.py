"""What the application's logging raises inside botocore's and aiohttp's log calls stays there.

botocore, aiobotocore, aiohttp and asyncio log while they work for us. Each of their log calls runs
code of the application: filters, handlers, and the record factory. What that code raises comes out
of the log call, that is out of the middle of a request of ours: a batch that AWS has accepted would
be sent again, or nothing would ever be delivered.

While a block is open, each of those loggers has a filter in front of all others. For a record that
is logged while shipping, it does the rest of ``Logger.handle`` itself and lets no exception out. It
also marks the record, so that our handler recognises it in whatever thread it meets it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Final

from .own_log import shown
from .rate_limit import Diagnostics
from .self_feeding import MARK, is_shipping

# Also those below them. Not all of aiohttp: its servers log for the application alone.
_LIBRARIES: Final = (
    "botocore",
    "aiobotocore",
    "aiohttp.client",
    "aiohttp.internal",
    "asyncio",
    "httpx",
    "httpcore",
    "py.warnings",
)
_plain_record: Final[Callable[..., logging.LogRecord]] = logging.LogRecord


class _Guard(logging.Filter):
    """The first filter of one logger; it changes nothing for records that are not ours."""

    def __init__(
        self, logger: logging.Logger, diagnostics: Diagnostics, guards: LibraryGuards
    ) -> None:
        super().__init__()
        self._logger = logger
        self._diagnostics = diagnostics
        self._guards = guards

    def filter(self, record: logging.LogRecord) -> bool:
        if not is_shipping():
            self._guards.forget_closed_loops()
            return True
        setattr(record, MARK, True)
        try:
            self._handle(record)
        except Exception as exc:  # noqa: BLE001 - the application's code may raise anything
            _warn(self._diagnostics, exc, record.name)
        return False

    def _handle(self, record: logging.LogRecord) -> None:
        """Do what ``Logger.handle`` does after this filter."""
        others = logging.Filterer()
        others.filters = [each for each in self._logger.filters if each is not self]
        passed: bool | logging.LogRecord = others.filter(record)
        if passed:
            # From Python 3.12 on a filter may put another record in its place.
            self._logger.callHandlers(passed if isinstance(passed, logging.LogRecord) else record)


class LibraryGuards:
    """The guards of this process, which are there while at least one block is open."""

    def __init__(self) -> None:
        self._diagnostics = Diagnostics(time.monotonic)
        # The loop of each open block. Weak: a closed loop may be collected.
        self._loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []
        self._guards: dict[logging.Logger, _Guard] = {}
        self._known_loggers = 0
        self._given_factory: Callable[..., logging.LogRecord] | None = None
        self._own_factory: Callable[..., logging.LogRecord] | None = None
        self.after_fork()

    def after_fork(self) -> None:
        """Replace the lock: a thread that does not exist in the child may have held it."""
        self._lock = threading.Lock()

    @property
    def are_there(self) -> bool:
        """Whether the guards stand in front of botocore's loggers."""
        return bool(self._loops)

    def enter(self, loop: asyncio.AbstractEventLoop) -> None:
        """Add the guards for one more block, which was entered on that loop."""
        with self._lock:
            self._loops.append(weakref.ref(loop))
            self._look()

    def look_again(self) -> None:
        """Guard the loggers, and the record factory, that have come since."""
        with self._lock:
            if self._loops:
                self._look()

    def leave(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the guards away after the last block."""
        with self._lock:
            own = weakref.ref(loop)
            if own in self._loops:
                self._loops.remove(own)
            self._end_if_unused()

    def forget_closed_loops(self) -> None:
        """Count a block as left when its loop was closed inside it: nobody leaves that block any more."""
        if all(map(_is_usable, self._loops)):
            return
        with self._lock:
            self._end_if_unused()

    def _end_if_unused(self) -> None:
        self._loops = [each for each in self._loops if _is_usable(each)]
        if not self._loops:
            for logger, guard in self._guards.items():
                logger.removeFilter(guard)
            self._guards = {}
            self._known_loggers = 0
            # A factory that has been put around ours keeps it, and it does no harm there.
            if self._given_factory and logging.getLogRecordFactory() is self._own_factory:
                logging.setLogRecordFactory(self._given_factory)
            self._given_factory = self._own_factory = None

    def _look(self) -> None:
        self._look_at_factory()
        known = logging.Logger.manager.loggerDict
        if len(known) == self._known_loggers:
            return
        self._known_loggers = len(known)
        for name, logger in known.copy().items():
            if isinstance(logger, logging.Logger) and _is_library(name):
                self._guard(logger)

    def _guard(self, logger: logging.Logger) -> None:
        if logger not in self._guards:
            guard = self._guards[logger] = _Guard(logger, self._diagnostics, self)
            logger.filters.insert(0, guard)

    def _look_at_factory(self) -> None:
        given = logging.getLogRecordFactory()
        if given is not self._own_factory and given is not logging.LogRecord:
            self._given_factory = given
            self._own_factory = _guarded(given, self._diagnostics)
            logging.setLogRecordFactory(self._own_factory)


def _guarded(
    factory: Callable[..., logging.LogRecord], diagnostics: Diagnostics
) -> Callable[..., logging.LogRecord]:
    """Return the factory, but with a plain record where it raises while shipping."""

    def make_record(*arguments: object, **keywords: object) -> logging.LogRecord:
        try:
            return factory(*arguments, **keywords)
        except Exception as exc:
            if not is_shipping():
                raise
            _warn(diagnostics, exc, str(arguments[0]))
            return _plain_record(*arguments, **keywords)

    return make_record


def _is_usable(loop: weakref.ref[asyncio.AbstractEventLoop]) -> bool:
    found = loop()
    return found is not None and not found.is_closed()


def _is_library(name: str) -> bool:
    return any(name == library or name.startswith(f"{library}.") for library in _LIBRARIES)


def _warn(diagnostics: Diagnostics, exc: Exception, name: str) -> None:
    diagnostics.warn(
        f"application_logging {type(exc).__name__}",
        f"the application's logging (a filter, handler or record factory) raised {shown(exc)} for a "
        f"record of the logger {name}, which was logged while shipping. That does not end delivery",
        exc_info=exc,
    )


guards: Final = LibraryGuards()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=guards.after_fork)
