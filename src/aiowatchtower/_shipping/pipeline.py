"""One handler's parts wired together, from entering a block to leaving it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Final

import anyio

from aiowatchtower._aws.client import AwsLogsClient
from aiowatchtower._core.backoff import Backoff
from aiowatchtower._core.batcher import Batcher, spread
from aiowatchtower._diagnostics.own_log import say
from aiowatchtower._diagnostics.self_feeding import shipping
from aiowatchtower._intake.handler import CloudWatchLogHandler
from aiowatchtower._intake.inbox import DRAIN_SECONDS

from .on_drop import DropNotifier
from .provisioner import Provisioner
from .sender import Sender
from .strict import prove_delivery
from .time_budget import TimeBudget
from .worker import Worker

# What closing connections may take beyond the deadline.
_CLOSE_SECONDS: Final = 0.3
_RESTART_SECONDS: Final = 1.0


class Pipeline:
    """Runs one handler on the current loop. Made by ``start``-ing it, for one block only."""

    def __init__(self, handler: CloudWatchLogHandler, threads: Executor | None = None) -> None:
        settings = handler.settings
        self._handler = handler
        self._inbox = handler.inbox
        self._loop = asyncio.get_running_loop()
        # The loop's own clock, because the worker's pauses and deadlines are timers of this loop.
        clock = self._loop.time
        self._client = AwsLogsClient(settings, threads)
        self._backoff = Backoff(random.random)
        budget = TimeBudget(clock, settings.max_in_flight)
        self._provisioner = Provisioner(
            settings, self._client, handler.diagnostics, self._backoff, budget, clock
        )
        self._on_drop = DropNotifier(settings.on_drop)
        self._worker = Worker(
            self._inbox,
            self._inbox.open(self._loop),
            Batcher(
                max_age=max(0.0, settings.interval - DRAIN_SECONDS),
                phase=spread(random.getrandbits(32)),
                max_batch_bytes=settings.max_batch_size,
                max_batch_count=settings.max_batch_count,
            ),
            Sender(
                self._client,
                self._provisioner,
                handler.diagnostics,
                self._backoff,
                budget,
                group=settings.log_group_name,
                max_in_flight=settings.max_in_flight,
                max_event_bytes=settings.max_event_bytes,
                note_error=self._inbox.note_error,
            ),
            budget,
            self._on_drop,
            clock,
        )
        self._is_stopping = self._is_aborted = False
        # The wait for the end was ended by a second cancellation.
        self.is_cut_short = False
        self._ends_at = 0.0
        self._task = self._start()

    def _start(self) -> asyncio.Task[None]:
        name = f"aiowatchtower {self._handler.settings.log_group_name}"
        # An empty context: the worker is no part of the request or span that entered the block.
        task = contextvars.Context().run(self._loop.create_task, self._run(), name=name)
        task.add_done_callback(self._ended)
        self._handler.delivery = task
        return task

    async def _run(self) -> None:
        """Run the worker to its end, whatever that is, and close what it used."""
        try:
            await self._work()
        finally:
            # Also when this task was cancelled: if it is started again, it connects anew.
            with anyio.move_on_after(_CLOSE_SECONDS):
                await self._client.aclose()
                # Transports are closed in the loop's next turn.
                await asyncio.sleep(0)

    async def _work(self) -> None:
        try:
            undelivered = await self._worker.run()
        except Exception as exc:  # noqa: BLE001 - our bug must not become the application's
            self._crashed(exc)
        else:
            if undelivered:
                self._say_undelivered(undelivered)
        await self._on_drop.aclose(_CLOSE_SECONDS)

    def _crashed(self, exc: Exception) -> None:
        self._inbox.close("worker_crashed")
        count = self._inbox.statistics().pending
        # What has crashed once may do so again when it is to say what it has held.
        with contextlib.suppress(Exception):
            self._worker.give_up("worker_crashed")
        self._inbox.drop_all("worker_crashed")
        self._worker.release()
        self._handler.diagnostics.warn(
            "crash",
            f"a bug in aiowatchtower has ended delivery to "
            f"{self._handler.settings.log_group_name}; {count} records are lost, and those "
            f"logged from here on are dropped and counted: {exc!r}",
            exc_info=exc,
        )

    def _say_undelivered(self, undelivered: Mapping[str, int]) -> None:
        settings = self._handler.settings
        several = f" and {len(undelivered) - 3} more" if len(undelivered) > 3 else ""  # noqa: PLR2004
        streams = ", ".join(list(undelivered)[:3]) + several
        error = self._handler.statistics().last_error
        say(
            logging.WARNING,
            f"{sum(undelivered.values())} records to {settings.log_group_name} ({streams}) could "
            f"not be delivered within shutdown_timeout={settings.grace:g} s and are dropped. "
            f"Last failure: {error or 'none: there was too little time'}",
        )

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Start again what was cancelled from outside, unless the whole loop is ending."""
        if not task.cancelled():
            return
        if not self._is_stopping:
            self._loop.call_later(_RESTART_SECONDS, self._restart)
        elif self._is_aborted:
            self.give_up()

    def give_up(self) -> None:
        """Drop what has no fate yet, and say so."""
        if undelivered := self._worker.give_up():
            self._say_undelivered(undelivered)

    def _restart(self) -> None:
        if self._is_aborted:
            return
        if self._task.cancelled() or (self._task.done() and self._task.exception() is not None):
            self._task = self._start()

    async def prove(self) -> None:
        """Raise SetupError unless events can be delivered."""
        name = self._handler.settings.stream_name
        stream = name.constant or name.resolve("root", "MainThread", "no-task", time.time())
        with shipping():
            await prove_delivery(
                self._client, self._provisioner, self._backoff, stream, self._loop.time
            )
        # There may be a retention to set, now that there is a group.
        self._inbox.hand_over()

    @property
    def has_chores(self) -> bool:
        """Whether something is left to do besides delivering."""
        return self._provisioner.retention_is_due

    async def flush(self) -> None:
        """Return when everything logged before this call has met its fate."""
        if asyncio.get_running_loop() is not self._loop:
            asked = asyncio.run_coroutine_threadsafe(self.flush(), self._loop)
            await asyncio.wrap_future(asked)
            return
        if self._task.done():
            self._restart()
        if not self._task.done():
            await self._worker.flush()

    def begin_stop(self) -> float:
        """Take no more records and start to end; return when that is due, in the loop's time."""
        if not self._is_stopping:
            self._is_stopping = True
            self._inbox.close("after_exit")
            if self._task.done():
                self._restart()
            grace = self._handler.settings.grace
            self._worker.stop(grace)
            self._ends_at = self._loop.time() + grace
        return self._ends_at

    async def stop(self, *, is_cancelled: bool) -> None:
        """Deliver what is left, for ``shutdown_timeout`` seconds at most.

        ``is_cancelled``: the block is left by a cancellation. The next one ends the wait at once.
        """
        ends_at = self.begin_stop() + 2 * _CLOSE_SECONDS
        interruption = None
        while not self._task.done() and self._loop.time() < ends_at:
            try:
                # anyio's cancellation is kept out by the shield, asyncio's by wait(), which
                # leaves what it waits for alone.
                with anyio.CancelScope(shield=True):
                    await asyncio.wait({self._task}, timeout=ends_at - self._loop.time())
                if self._task.cancelled():
                    self._restart()
            except asyncio.CancelledError as exc:
                if is_cancelled:
                    self.is_cut_short = True
                    self.abort()
                    raise
                is_cancelled, interruption = True, exc
        self.abort()
        if interruption is not None:
            raise interruption

    def abort(self) -> None:
        """End now, if it has not ended: what has no fate yet is dropped."""
        if self._task.done() and not self._task.cancelled():
            return
        self._is_aborted = True
        self._worker.abort()
        if self._task.cancelled():
            # Cancelled from outside just before: it gives nothing up any more.
            self._ended(self._task)


async def wait_for_last_run(handler: CloudWatchLogHandler) -> None:
    """Wait until nothing of the handler's last block runs on this loop, whose books it would spoil.

    That takes a moment at most: only a block that was left by two cancellations has not ended.
    """
    task = handler.delivery
    if task is not None and not task.done() and task.get_loop() is asyncio.get_running_loop():
        await asyncio.wait({task}, timeout=2 * _CLOSE_SECONDS)


async def stop_all(pipelines: Sequence[Pipeline], *, is_cancelled: bool) -> None:
    """Stop several pipelines side by side, so that their timeouts do not add up.

    A cancellation meanwhile goes on when all have stopped; the second ends the wait for all.
    """
    for pipeline in pipelines:
        pipeline.begin_stop()
    interruption = None
    for pipeline in pipelines:
        try:
            await pipeline.stop(is_cancelled=is_cancelled)
        except asyncio.CancelledError as exc:
            if pipeline.is_cut_short:
                for each in pipelines:
                    each.abort()
                raise
            is_cancelled, interruption = True, exc
        except GeneratorExit:
            # The loop was closed under it, as by a second Ctrl+C before Python 3.11.
            for each in pipelines:
                each.give_up()
            raise
    if interruption is not None:
        raise interruption
