"""One handler's parts wired together, from entering a block to leaving it."""

from __future__ import annotations

import asyncio
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
from aiowatchtower._core.errors import SetupError
from aiowatchtower._core.logs_client import LogsClient
from aiowatchtower._core.phase import Phase
from aiowatchtower._diagnostics.own_log import say
from aiowatchtower._diagnostics.self_feeding import shipping
from aiowatchtower._intake.handler import CloudWatchLogHandler
from aiowatchtower._intake.inbox import DRAIN_SECONDS

from .child_tasks import StartedLater
from .on_drop import DropNotifier
from .own_metrics import OwnMetrics
from .provisioner import Provisioner
from .sender import Sender
from .shares import Shares
from .spooling import Spooling, open_spool
from .strict import prove_delivery
from .time_budget import TimeBudget
from .worker import Worker

# What closing connections may take beyond the deadline.
_CLOSE_SECONDS: Final = 0.3
_RESTART_SECONDS: Final = 1.0
# A crash after so many seconds of work has no more to do with the one before.
_STEADY_SECONDS: Final = 60.0


class Pipeline:
    """Runs one handler on the current loop, for one block only. Made where the block is entered.

    ``client`` is what it puts through; by default an aiobotocore client of its own, which looks up names
    and reads files in ``threads``.
    """

    def __init__(
        self,
        handler: CloudWatchLogHandler,
        threads: Executor | None = None,
        client: LogsClient | None = None,
    ) -> None:
        settings = handler.settings
        self._handler = handler
        self._inbox = handler.inbox
        self._lifecycle = lifecycle = handler.lifecycle
        self._loop = asyncio.get_running_loop()
        # The loop's own clock, because the worker's pauses and deadlines are timers of this loop.
        self._clock = clock = self._loop.time
        # The application's filters and formatters see what botocore logs in the worker, and may ask for
        # context variables that were set before the block was entered.
        self._context = contextvars.copy_context()
        self._client: LogsClient = client or AwsLogsClient(settings, threads)
        self._backoff = Backoff(random.random)
        self._budget = TimeBudget(lifecycle, clock, settings.max_in_flight)
        self._provisioner = Provisioner(
            settings, self._client, handler.diagnostics, self._backoff, self._budget, clock
        )
        self._on_drop = DropNotifier(settings.on_drop)
        writer = open_spool(settings, self._inbox)
        self._spooling: Spooling | None = None
        if writer is not None:
            self._spooling = Spooling(writer, self._inbox, handler.diagnostics)
        arrivals = self._inbox.enter(self._loop, writer)
        batcher = Batcher(
            max_age=max(0.0, settings.interval - DRAIN_SECONDS),
            phase=spread(random.getrandbits(32)),
            max_batch_bytes=settings.max_batch_size,
            max_batch_count=settings.max_batch_count,
        )
        self._worker = Worker(
            self._inbox,
            arrivals,
            handler.ledger,
            lifecycle,
            batcher,
            Sender(
                self._client,
                self._provisioner,
                handler.diagnostics,
                self._backoff,
                self._budget,
                handler.ledger,
                clock,
                group=settings.log_group_name,
                max_in_flight=settings.max_in_flight,
                max_event_bytes=settings.max_event_bytes,
            ),
            self._provisioner,
            self._budget,
            self._on_drop,
            clock,
            Shares(self._inbox, batcher, handler.diagnostics, clock, settings),
            self._spooling,
        )
        self._metrics = OwnMetrics(
            settings, self._client, self._provisioner, handler.statistics, batcher, self._budget
        )
        # Until when leave() waits for the end, in the loop's time.
        self._waited_for_until = float("-inf")
        self.task: asyncio.Task[None] = self._start()

    def _start(self) -> asyncio.Task[None]:
        name = f"aiowatchtower {self._handler.settings.log_group_name}"
        # The task gets a copy of its own.
        task = self._context.run(self._loop.create_task, StartedLater(self._run), name=name)
        task.add_done_callback(self._ended)
        return task

    async def _run(self) -> None:
        """Run the worker to its end, whatever that is, and close what it used."""
        try:
            async with self._metrics.published():
                if undelivered := await self._deliver():
                    self._say_undelivered(undelivered)
            if self._spooling is not None:
                self._say_left(self._spooling)
                await self._spooling.aclose()
            await self._on_drop.aclose(_CLOSE_SECONDS)
        except GeneratorExit:
            # The loop was closed. Nothing can be awaited any more, closing the connections included.
            raise
        except BaseException:
            # Also when this task was cancelled: if it is started again, it connects anew.
            await self._disconnect()
            raise
        await self._disconnect()

    async def _disconnect(self) -> None:
        with anyio.move_on_after(_CLOSE_SECONDS):
            await self._client.aclose()
            # Transports are closed in the loop's next turn.
            await asyncio.sleep(0)

    async def _deliver(self) -> Mapping[str, int]:
        """Run the worker until the block was left; start it again, after a pause, when it crashes."""
        crashes = 0
        while True:
            began = self._clock()
            try:
                if crashes:
                    self._worker.recover()
                return await self._worker.run()
            except Exception as exc:  # noqa: BLE001 - a bug of ours must not become the application's
                self._warn_of_crash(exc)
            if self._is_late:
                self._end_crashed()
                return {}
            crashes = 1 if self._clock() - began > _STEADY_SECONDS else crashes + 1
            await self._budget.pause(self._backoff.pause(crashes))

    def _end_crashed(self) -> None:
        """Balance the books, and nothing else: whatever is tried may crash again."""
        if self._worker.is_in_charge:
            ledger = self._handler.ledger
            ledger.drop("worker_crashed", ledger.pending, ledger.pending_bytes)
            self._inbox.end()
        self._worker.release()

    def _warn_of_crash(self, exc: Exception) -> None:
        self._handler.diagnostics.warn(
            "crash",
            f"delivery to {self._handler.settings.log_group_name} was interrupted by a bug in "
            "aiowatchtower, or by a lack of memory or threads. Records are kept, within "
            f"max_buffer_size, and delivery starts again: {_innermost(exc)!r}",
            exc_info=exc,
        )

    def _say_left(self, spooling: Spooling) -> None:
        settings = self._handler.settings
        seen = self._handler.statistics()
        if seen.spooled:
            say(
                logging.WARNING,
                f"{seen.spooled} records to {settings.log_group_name} could not be delivered within "
                f"shutdown_timeout={settings.grace:g} s and stay in the spool {spooling.path}: the "
                f"next process with spool_directory={settings.spool_path!r} delivers them. "
                f"Last failure: {seen.last_error or 'none: there was too little time'}",
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

    @property
    def _is_late(self) -> bool:
        """Whether the block is being left and has no time left."""
        return self._lifecycle.deadline <= self._clock()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """See to a task that was cancelled from outside, unless ``leave()`` does."""
        if not task.cancelled() or not self._worker.is_in_charge:
            return
        if self._lifecycle.phase is Phase.OPEN:
            self._loop.call_later(_RESTART_SECONDS, self._restart)
        elif self._is_late:
            self.give_up()

    def give_up(self) -> None:
        """Drop what has no fate yet, and say so."""
        if undelivered := self._worker.give_up():
            self._say_undelivered(undelivered)
        if self._spooling is not None:
            self._say_left(self._spooling)

    def _restart(self) -> None:
        if not self._worker.is_in_charge or not self.task.done():
            return
        if self._is_late:
            self.give_up()
        elif self.task.cancelled() or self.task.exception() is not None:
            self.task = self._start()

    async def prove(self) -> None:
        """Raise SetupError unless events can be delivered."""
        name = self._handler.settings.stream_name
        stream = name.constant or name.resolve("root", "MainThread", "no-task", time.time())
        if self._spooling is not None and (why := await self._spooling.unusable_because()):
            msg = f"spool_directory={self._handler.settings.spool_path!r} cannot be used: {why}"
            raise SetupError(msg)
        with shipping():
            await prove_delivery(
                self._client, self._provisioner, self._backoff, stream, self._clock
            )
        # There may be a retention to set, now that there is a group.
        self._worker.look_around()

    @property
    def owes_retention(self) -> bool:
        """Whether the retention of a group that was created here is still to be set."""
        return self._provisioner.owes_retention

    async def flush(self) -> None:
        """Return when everything logged before this call has met its fate."""
        if asyncio.get_running_loop() is not self._loop:
            asked = asyncio.run_coroutine_threadsafe(self.flush(), self._loop)
            await asyncio.wrap_future(asked)
            return
        self._restart()
        if not self.task.done():
            await self._worker.flush()
            if self._spooling is not None and self._spooling.has_cold:
                await self._spooling.all_read_back()
                await self._worker.flush()

    def begin_leaving(self) -> None:
        """Take no more records, and start to end."""
        if not self._worker.is_in_charge or self._lifecycle.phase is not Phase.OPEN:
            return
        self._restart()
        grace = self._handler.settings.grace
        self._inbox.leave(self._clock() + grace)
        self._worker.hurry()
        self._waited_for_until = self._loop.time() + grace + 2 * _CLOSE_SECONDS

    def abandon(self) -> None:
        """Leave without waiting: on a running loop the task ends by itself, within ``shutdown_timeout``.

        On a loop that was closed, or has stopped for good, no task goes on. Records wait for the next block.
        """
        if self._loop.is_running():
            # Maybe in another thread: the garbage collector runs wherever it likes.
            self._loop.call_soon_threadsafe(self.begin_leaving)
        else:
            self._inbox.keep_without(self._loop)

    @property
    def seconds_left(self) -> float:
        """How long ``leave()`` waits for the end."""
        return self._waited_for_until - self._loop.time()

    @property
    def is_waited_for(self) -> bool:
        """Whether the task has not ended, or was cancelled from outside, and there is time left."""
        is_cancelled = self.task.cancelled() and self._worker.is_in_charge
        return (is_cancelled or not self.task.done()) and self.seconds_left > 0

    def restart_if_cancelled(self) -> None:
        """Start again what was cancelled from outside while the block is being left."""
        if self.task.cancelled():
            self._restart()

    def cut_short(self) -> None:
        """End now, if it has not ended: what has no fate yet is dropped."""
        if not self._worker.is_in_charge or self._lifecycle.phase is not Phase.LEAVING:
            return
        self._inbox.hurry(self._clock())
        if self.task.done():
            # It was cancelled from outside just before, and gives nothing up any more.
            self.give_up()
        else:
            self._worker.hurry()


def _innermost(exc: BaseException) -> BaseException:
    """Return the exception in a group of one, as task groups raise it."""
    several: Sequence[BaseException]
    while len(several := getattr(exc, "exceptions", [])) == 1:
        exc = several[0]
    return exc
