"""Refuse a block that is used as a handler, a handler that is entered, and a loop that is not asyncio's."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from aiowatchtower._diagnostics.own_log import say

_OF_A_HANDLER: Final = {*dir(logging.Handler), "level", "formatter", "filters", "lock"}
_NOT_A_HANDLER: Final = (
    "a CloudWatchLogging block is not a logging handler. Attach or configure a "
    "CloudWatchLogHandler (it takes the same arguments) and run it with `async with "
    "CloudWatchLogging.configured():`, or leave the attaching to the block: `async with "
    "CloudWatchLogging(..., loggers=(...)):`"
)


class NotAHandlerError(TypeError, AttributeError):
    """A block was used as a handler. An AttributeError too, so that ``hasattr`` says no."""


class NotAHandler:
    """What makes a block say so when ``logging`` takes it for a handler.

    ``dictConfig`` sets ``name``, ``basicConfig`` asks for ``formatter``, and ``addHandler`` compares it with the
    handlers that the logger has: these raise at once. A logger without handlers takes anything; it
    asks for ``level`` at the first record, and then the block is also taken off its loggers,
    because every later log call of the application would raise as well.
    """

    _is_refused = False
    _unentered: Sequence[weakref.finalize[..., object]] = ()

    def __await__(self) -> Generator[None, None, NoReturn]:
        """Refuse ``await CloudWatchLogging(...)``."""
        msg = "a CloudWatchLogging block is entered, not awaited: `async with CloudWatchLogging(...) as logs:`"
        raise TypeError(msg)

    def __hash__(self) -> int:
        """Return what every object has: a class with ``__eq__`` has none of its own accord."""
        return object.__hash__(self)

    def __eq__(self, other: object) -> bool:
        """Refuse to be compared with a handler: only ``addHandler`` does."""
        if isinstance(other, logging.Handler):
            raise self._refused()
        return self is other

    def refuse_as_handler(self) -> None:
        """Raise if any logger has this block for a handler, and take it off there."""
        names = []
        block: object = self
        for logger in all_loggers():
            # By identity: `in` and remove() would compare it with handlers.
            others = [handler for handler in logger.handlers if handler is not block]
            if len(others) < len(logger.handlers):
                # A new list, because logging may be walking through the old one.
                logger.handlers = others
                names.append(logger.name)
        if names:
            raise self._refused(f". It is now removed from the logger {', '.join(names)}")

    def _refused(self, more: str = "") -> NotAHandlerError:
        # What is said here need not be followed by a warning that the block was never entered.
        for watch in self._unentered:
            watch.detach()
        return NotAHandlerError(_NOT_A_HANDLER + more)

    if not TYPE_CHECKING:  # So that editors and type checkers see a class without these.

        def __getattr__(self, name: str) -> object:
            if name == "level":
                self.refuse_as_handler()
            if name in _OF_A_HANDLER and name not in {"name", "handle"}:
                raise self._refused()
            msg = f"{type(self).__name__!r} object has no attribute {name!r}"
            raise AttributeError(msg, name=name, obj=self)

        def __setattr__(self, name: str, value: object) -> None:
            if name in {"name", "level", "formatter"}:
                raise self._refused()
            super().__setattr__(name, value)

        def handle(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - as Handler has it
            """Say once what is wrong, for a queue's listener, whose thread an exception would end."""
            if not self._is_refused:
                self._is_refused = True
                self._refused()
                say(logging.WARNING, f"{_NOT_A_HANDLER}. What it is given is lost")
            return False


class NotABlock:
    """What makes a handler say so when it is entered as if it were a block."""

    if not TYPE_CHECKING:

        def __aenter__(self) -> NoReturn:
            msg = (
                "a CloudWatchLogHandler is run by a block: `async with "
                "CloudWatchLogging.from_handler(handler):`, or `CloudWatchLogging.configured()` for "
                "each one that is attached to a logger"
            )
            raise TypeError(msg)

        __enter__ = __aenter__

        def __aexit__(self, *_: object) -> None:
            """Only here because Python asks for it before it enters."""

        __exit__ = __aexit__


def require_asyncio() -> None:
    """Raise unless an asyncio event loop is running, as none is under trio."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        msg = (
            "aiowatchtower needs a running asyncio event loop, which trio has not: under trio, put "
            "`with CloudWatchLogging(...):` around trio.run(...)"
        )
        raise RuntimeError(msg) from None


def refuse_running_loop() -> None:
    """Raise when an asyncio event loop is running in this thread, which a block would hold up."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    msg = (
        "an event loop is running in this thread: write `async with CloudWatchLogging(...)`, or "
        "await start(); `with` and start_background() are for programs without a loop"
    )
    raise RuntimeError(msg)


def all_loggers() -> list[logging.Logger]:
    """Return the root logger and every named one that somebody has asked for."""
    known = logging.Logger.manager.loggerDict.copy()
    named = [logger for logger in known.values() if isinstance(logger, logging.Logger)]
    return [logging.getLogger(), *named]
