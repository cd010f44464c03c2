"""A block between entering and leaving it: its pipelines, on the loop where it was entered."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Final

import anyio

from ._core.ledger import Statistics
from ._diagnostics.guards import guards
from ._diagnostics.own_log import say
from ._intake.attachment import Attachment, find_handlers
from ._intake.handler import CloudWatchLogHandler
from ._shipping.leaving import leave, wait_for_last_run
from ._shipping.pipeline import Pipeline

# Servers make their own loggers anew right after the application has started.
_EARLY_WATCH_SECONDS: Final = 0.05
_EARLY_WATCHES: Final = 200
_EARLY_WATCHES_PER_LOOK: Final = 20
_WATCH_SECONDS: Final = 1.0
# Another exception of these kinds, while the block is being left, ends the wait at once.
INTERRUPTIONS: Final = (asyncio.CancelledError, KeyboardInterrupt)

_NOTHING_CONFIGURED: Final = (
    "CloudWatchLogging.configured() found no CloudWatchLogHandler on any logger: nothing will be "
    "delivered. Call logging.config.dictConfig (with a handler of class "
    "aiowatchtower.CloudWatchLogHandler) before entering the block. One that is behind a queue is "
    "run by CloudWatchLogging.from_handler(handler), one that another block runs by that block"
)


class OpenBlock:
    """Runs handlers on one loop, for one time of being entered and left.

    Args:
        handlers: The handlers to run, or None for those that are found on any logger.
        loggers: The loggers to attach them to.
        threads: Where blocking calls run; None for a new thread for each.
    """

    def __init__(
        self,
        handlers: tuple[CloudWatchLogHandler, ...] | None,
        loggers: Sequence[logging.Logger],
        threads: Executor | None = None,
    ) -> None:
        self._is_configured = handlers is None
        self.handlers = handlers or ()
        self._loggers = loggers
        self._threads = threads
        self._process = os.getpid()
        self._pipelines: list[Pipeline] = []
        self._attachment: Attachment | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._watches = 0
        self._warned_of_empty: set[CloudWatchLogHandler] = set()
        self._adoption: asyncio.Task[None] | None = None
        # None until somebody leaves the block; set when that is done.
        self._left: asyncio.Event | None = None

    @property
    def is_open(self) -> bool:
        """Whether it was entered in this process and nobody has begun to leave it."""
        return self._left is None and not self.is_forked

    @property
    def is_forked(self) -> bool:
        """Whether this is a forked child's copy of its parent's block."""
        return self._process != os.getpid()

    def statistics(self) -> Statistics:
        """Return the statistics of all handlers together."""
        return Statistics.total(handler.statistics() for handler in self.handlers)

    async def enter(self) -> None:
        """Attach and start delivering. Makes no request, unless ``strict``."""
        try:
            await self._enter()
        except GeneratorExit:
            self.abandon()
            raise
        except BaseException as exc:
            await self.leave(is_cancelled=isinstance(exc, INTERRUPTIONS))
            raise

    async def _enter(self) -> None:
        if self._is_configured:
            self.handlers = tuple(find_handlers())
        enabled = [handler for handler in self.handlers if handler.enabled]
        if not self.handlers:
            say(logging.WARNING, _NOTHING_CONFIGURED)
        for handler in enabled:
            await wait_for_last_run(handler)
        for handler in enabled:
            if handler.inbox.is_open:
                msg = f"{handler!r} is run by another block: one block for each handler"
                raise RuntimeError(msg)
        self._pipelines = [Pipeline(handler, self._threads) for handler in enabled]
        self._attachment = Attachment(enabled, self._loggers)
        self._loop = asyncio.get_running_loop()
        guards.enter(self._loop)
        for pipeline, handler in zip(self._pipelines, enabled, strict=True):
            if handler.settings.strict:
                await pipeline.prove()
        self._look()

    async def flush(self, seconds: float | None) -> None:
        """Return when every record logged before the call was delivered, rejected or dropped."""
        pending = self.statistics().pending
        if not pending and not any(pipeline.owes_retention for pipeline in self._pipelines):
            return
        with anyio.move_on_after(seconds) as scope:
            for pipeline in self._pipelines:
                await pipeline.flush()
        if scope.cancelled_caught and (pending := self.statistics().pending):
            msg = f"{pending} records have no fate after {seconds:g} s; delivery goes on"
            raise TimeoutError(msg)

    async def leave(self, *, is_cancelled: bool) -> None:
        """Detach, and wait until what is left is delivered or ``shutdown_timeout`` is over.

        Who leaves a block that somebody else is leaving waits for that.
        """
        if self._left is not None:
            await self._left.wait()
            return
        left = self._begin_leaving()
        try:
            # In a forked child the pipelines are copies of the parent's, and so are the records.
            if not self.is_forked:
                await leave(self._pipelines, is_cancelled=is_cancelled)
        finally:
            left.set()
            self.detach()

    def _begin_leaving(self) -> asyncio.Event:
        self._left = left = asyncio.Event()
        if self._watch is not None:
            self._watch.cancel()
        if self._attachment is not None:
            self._attachment.warn_of_detached()
            self._attachment.detach()
            self._warn_of_empty()
        return left

    @property
    def can_wait(self) -> bool:
        """Whether a task of the block's own loop is running, as where an async generator is closed."""
        try:
            return asyncio.current_task() is not None and asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def abandon(self) -> None:
        """Leave in a coroutine that is being closed, as where its loop was closed: it can await nothing.

        On a loop that goes on, what is left is delivered all the same. Otherwise it waits for the next block.
        """
        if self._left is None:
            left = self._begin_leaving()
            if not self.is_forked:
                for pipeline in self._pipelines:
                    pipeline.abandon()
            left.set()
        self.detach()

    def abort(self) -> None:
        """End a leaving now: records that are still open are dropped and counted."""
        for pipeline in self._pipelines:
            pipeline.cut_short()

    def detach(self) -> None:
        """Leave loggers and handlers as they were found: all that a forked child has to do."""
        attachment, self._attachment = self._attachment, None
        if attachment is not None:
            attachment.undo()
            if self._loop is not None:
                guards.leave(self._loop)

    def _plan_watch(self) -> None:
        """Look again in a while, in no context: the application's would be kept for ever."""
        self._watches += 1
        seconds = _EARLY_WATCH_SECONDS if self._watches < _EARLY_WATCHES else _WATCH_SECONDS
        loop = asyncio.get_running_loop()
        self._watch = contextvars.Context().run(loop.call_later, seconds, self._look)

    def _look(self) -> None:
        """Look what the application has changed about its logging; soon after entry, mostly at the named loggers."""
        if self._attachment is not None:
            self._attachment.reattach()
            if self._watches >= _EARLY_WATCHES or not self._watches % _EARLY_WATCHES_PER_LOOK:
                self._look_for_new_handlers(self._attachment)
                self._attachment.look_again()
                self._warn_of_empty()
        self._plan_watch()

    def _warn_of_empty(self) -> None:
        """Say once how many records were skipped because they are empty."""
        for handler in self.handlers:
            count = handler.statistics().dropped.get("empty", 0)
            if count and handler not in self._warned_of_empty:
                self._warned_of_empty.add(handler)
                handler.diagnostics.warn(
                    "empty",
                    f"{count} records for {handler.settings.log_group_name} have neither text nor "
                    "extra fields and are skipped: CloudWatch Logs takes no empty events",
                )

    def _look_for_new_handlers(self, attachment: Attachment) -> None:
        """Run the handlers that a configuration has made since the block was entered."""
        if not self._is_configured:
            return
        # One that takes no records was closed: it is another block's, which was left.
        new = [each for each in find_handlers() if each.enabled and each.lifecycle.takes_records]
        if new:
            # In a task: a timer's callback belongs to none, and anyio makes no scope there.
            self._adoption = asyncio.get_running_loop().create_task(self._adopt(new, attachment))

    async def _adopt(
        self, handlers: Sequence[CloudWatchLogHandler], attachment: Attachment
    ) -> None:
        for handler in handlers:
            if self._left is None and not handler.inbox.is_open:
                self._pipelines.append(Pipeline(handler, self._threads))
                self.handlers += (handler,)
                attachment.add(handler)
