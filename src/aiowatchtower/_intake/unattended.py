"""Tell of a handler that no block runs and of a block that is never entered, while the program still runs."""

from __future__ import annotations

import asyncio
import logging
import os
import weakref
from collections.abc import Callable
from typing import Final, Protocol

from aiowatchtower._config.settings import Settings
from aiowatchtower._core.ledger import Statistics
from aiowatchtower._diagnostics.own_log import say
from aiowatchtower._diagnostics.rate_limit import Diagnostics

from .inbox import Inbox

PATIENCE_SECONDS: Final = 60.0
_ENTER: Final = (
    "Enter `async with CloudWatchLogging.configured():` (or the block that the handler was made by) "
    "where the application starts"
)
_LEAVE: Final = (
    "Leave it while its event loop runs: use `async with`, or call `await logs.aclose()` after "
    "`await logs.start()`"
)
_forks = 0


class WatchedHandler(Protocol):
    """What a warning about a block needs to know of its handler."""

    @property
    def enabled(self) -> bool:
        """Whether it delivers at all."""

    @property
    def settings(self) -> Settings:
        """The arguments that it was made with."""

    def statistics(self) -> Statistics:
        """Return what has become of its records so far."""


class Unattended:
    """Watches a handler until a block runs it.

    ``look`` is called after each record that is kept meanwhile. There is no other timer without an event loop.
    """

    def __init__(
        self,
        group: str,
        inbox: Inbox,
        diagnostics: Diagnostics,
        clock: Callable[[], float],
        *,
        is_forked: bool = False,
    ) -> None:
        self._group = group
        self._inbox = inbox
        self._diagnostics = diagnostics
        self._clock = clock
        self._is_forked = is_forked
        self._since: float | None = None

    def look(self) -> bool:
        """Say what there is to say. Return False when a block runs the handler, or has run it."""
        if self._is_forked:
            self._is_forked = False
            self._diagnostics.warn(
                "fork",
                f"process {os.getpid()} was forked inside a CloudWatchLogging block, which is its "
                "parent's: its records are kept until it enters a block of its own "
                "(CloudWatchLogging.from_handler(handler))",
            )
        if not self._inbox.is_keeping:
            return False
        now = self._clock()
        if self._since is None:
            self._since = now
        if self._inbox.has_overflowed:
            self._diagnostics.warn(
                "unattended_overflow",
                f"the buffer of the handler for {self._group} is full and no block runs the handler: "
                f"from here on its records are dropped (max_buffer_size). {_ENTER}",
            )
            # Said and no more: what is dropped from here on is told at exit.
            return False
        if now - self._since < PATIENCE_SECONDS:
            return True
        self._since = float("inf")
        self._diagnostics.warn(
            "unattended",
            f"{self._inbox.statistics().pending} records for {self._group} are waiting, and no block "
            f"has come to run their handler for {PATIENCE_SECONDS:.0f} s: nothing is delivered. They "
            f"are kept, within max_buffer_size. {_ENTER}",
        )
        return True

    def at_exit(self) -> None:
        """Warn of the records that no block has come for, or whose block nobody has left."""
        seen = self._inbox.statistics()
        dropped = sum(seen.dropped.values())
        if self._inbox.was_never_left and seen.pending > seen.spooled:
            self._diagnostics.warn(
                "never_left",
                f"{seen.pending} records for {self._group} are not delivered and the process ends: "
                f"their block was entered and never left. {_LEAVE}",
            )
            return
        if not seen.pending or not self._inbox.is_keeping:
            return
        more = f" ({dropped} of them were dropped before)" if dropped else ""
        self._diagnostics.warn(
            "never_run",
            f"{seen.pending + dropped} records for {self._group} are lost{more}: the process ends and "
            f"no block runs their handler. {_ENTER}",
        )


def watch_for_entry(block: object, handler: WatchedHandler) -> weakref.finalize[..., object]:
    """Warn, once, of a block that is garbage or left over at exit and was not entered.

    ``detach()`` what is returned when it is entered. If it is made while an event loop runs, as
    uvicorn and others import an application, the loop is the timer that warns after a minute:
    these servers end by a signal, and nothing runs at exit.
    """
    made_in = (os.getpid(), _forks)
    watch = weakref.finalize(block, _say_not_entered, handler, made_in)
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return watch
    loop.call_later(PATIENCE_SECONDS, _warn_early, watch)
    return watch


def _warn_early(watch: weakref.finalize[..., object]) -> None:
    alive = watch.detach()
    if alive is not None:
        _warn_not_entered(alive[2][0], "has not been entered for a minute: nothing is")


def _say_not_entered(handler: WatchedHandler, made_in: tuple[int, int]) -> None:
    # A server that forks its workers makes the block in the parent, and enters it in the children.
    if made_in == (os.getpid(), _forks):
        _warn_not_entered(handler, "was made and never entered: nothing was")


def _warn_not_entered(handler: WatchedHandler, state: str) -> None:
    # Of records that wait in it the handler tells by itself.
    if not handler.enabled or handler.statistics().pending:
        return
    group = handler.settings.log_group_name
    say(
        logging.WARNING,
        f"CloudWatchLogging({group!r}) {state} delivered to {group}. Making it attaches nothing: "
        "write `async with CloudWatchLogging(...):` around what the application does (with FastAPI: "
        "around the yield of its lifespan)",
    )


def _count_fork() -> None:
    global _forks  # noqa: PLW0603 - one for each process
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_parent=_count_fork)
