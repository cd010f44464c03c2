"""The pump: from the inbox's queue through the batcher to one short-lived lane per stream."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Final

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint_if_cancelled

from aiowatchtower._core.batcher import Batcher, sliced
from aiowatchtower._core.events import STREAM, Batch, LogEvent, Lost
from aiowatchtower._core.gaps import Gaps
from aiowatchtower._core.progress import Progress
from aiowatchtower._diagnostics.self_feeding import start_shipping
from aiowatchtower._intake.inbox import Inbox

from .on_drop import DropNotifier
from .sender import Sender
from .time_budget import TimeBudget

# About half a millisecond of the loop's time; then others get their turn.
_SLICE_EVENTS: Final = 5_000
_OVERFLOW_CHECK_SECONDS: Final = 1.0
_Asked = asyncio.Future[None]
_PASSED_ON: Final = (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit)


class Worker:
    """Owns the queue and the batcher while a block is open. One task runs ``run``.

    When that task is cancelled from outside, as some applications cancel every task, what was
    on its way goes back to the batcher and ``run`` may be started again.
    """

    def __init__(
        self,
        inbox: Inbox,
        queue: asyncio.Queue[list[LogEvent]],
        batcher: Batcher,
        sender: Sender,
        budget: TimeBudget,
        on_drop: DropNotifier,
        clock: Callable[[], float],
    ) -> None:
        self._inbox = inbox
        self._queue = queue
        self._batcher = batcher
        self._sender = sender
        self._budget = budget
        self._on_drop = on_drop
        self._clock = clock
        self._scope = anyio.CancelScope()
        self._backlog: deque[list[LogEvent]] = deque()
        self._lanes: set[str] = set()
        self._gaps = Gaps()
        self._asked: list[_Asked] = []
        self._flushes: list[tuple[int, list[_Asked]]] = []
        self._undelivered: Counter[str] = Counter()
        self._is_over = False
        self._does_chores = False

    async def run(self) -> Mapping[str, int]:
        """Ship until ``stop`` was called and everything has met its fate or the time is up.

        Returns how many records of which stream had to be given up.
        """
        start_shipping()
        self._scope = anyio.CancelScope(deadline=self._deadline())
        with self._scope:
            # Somebody who cancels a lane's task ends its task group, and must not end more.
            while not self._is_done():
                try:
                    await self._pump()
                except (Exception, *_PASSED_ON):
                    raise
                except BaseException as exc:
                    # A group with Ctrl+C or SystemExit in a step of a lane: asyncio has let it out
                    # of the loop already. Here it is a cancellation like any from outside.
                    raise asyncio.CancelledError from exc
        return self.give_up()

    async def _pump(self) -> None:
        """Feed and ship in tasks of their own: this one only waits, so that Ctrl+C misses it."""
        self._lanes.clear()
        self._does_chores = False
        async with anyio.create_task_group() as tasks:
            try:
                tasks.start_soon(self._feed, tasks)
                tasks.start_soon(self._sender.prepare)
            except (KeyboardInterrupt, SystemExit) as exc:
                # As part of the task group's exception it would not get out of the loop.
                asyncio.get_running_loop().call_soon(_let_out, exc)
                tasks.cancel_scope.cancel()

    async def _feed(self, tasks: TaskGroup) -> None:
        # Run again after a cancellation, it may have been given all that it will ever get.
        self._start_lanes(tasks)
        while not self._is_done():
            await self._take()
            # A lane that is cancelled wakes this task, and one that is about to wake is not
            # cancelled: without a look, each would start the other again and again.
            await checkpoint_if_cancelled()
            self._start_lanes(tasks)
        # No lane is left; preparing what nothing needed need not be waited for.
        tasks.cancel_scope.cancel()

    def stop(self, timeout: float) -> None:
        """Finish within ``timeout`` seconds. The inbox has to be closed before."""
        self._budget.begin(timeout)
        self._scope.deadline = self._deadline()

    def abort(self) -> None:
        """Finish now: what has no fate yet is dropped."""
        self._budget.begin(0)
        self._scope.cancel()

    async def flush(self) -> None:
        """Return when everything put into the inbox before this call has met its fate."""
        if self._is_over:
            return
        asked: _Asked = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        self._inbox.hand_over()
        await asked

    def release(self) -> None:
        """Let every ``flush`` return, now and from now on: nothing is left without a fate."""
        self._is_over = True
        waiting = [asked for _, several in self._flushes for asked in several] + self._asked
        self._flushes, self._asked = [], []
        _resolve(waiting)

    def _deadline(self) -> float:
        return anyio.current_time() + self._budget.remaining

    def _is_done(self) -> bool:
        return (
            self._budget.has_begun
            and self._queue.empty()
            and not self._backlog
            and not self._lanes
            and not self._sender.has_chores
            and not self._batcher.streams()
            and not self._gaps.streams(now=True)
        )

    async def _take(self) -> None:
        """Wait for records or for the next batch to come of age; feed what has come."""
        with anyio.move_on_after(self._idle_seconds()):
            self._backlog.extend(sliced(await self._queue.get(), _SLICE_EVENTS))
        asked = len(self._asked)
        for _ in range(self._queue.qsize()):
            self._backlog.extend(sliced(self._queue.get_nowait(), _SLICE_EVENTS))
        while self._backlog:
            self._batcher.feed(self._backlog.popleft(), self._clock())
            if self._backlog:
                await asyncio.sleep(0)
        if asked:
            self._flushes.append((self._batcher.seal(), self._asked[:asked]))
            del self._asked[:asked]
            self._resolve_flushes()

    def _idle_seconds(self) -> float | None:
        if self._backlog or self._asked:
            # What is left when a cancellation has come in between: nothing else would wake it.
            return 0.0
        due_at = self._batcher.due_at()
        idle = None if due_at is None else max(0.0, due_at - self._clock())
        if self._gaps.streams(now=True):
            return _OVERFLOW_CHECK_SECONDS if idle is None else min(idle, _OVERFLOW_CHECK_SECONDS)
        return idle

    async def _do_chores(self) -> None:
        """Do what no record waits for. Who flushes waits for it, and so does the block's end."""
        try:
            await self._sender.do_chores()
        finally:
            self._does_chores = False
            self._resolve_flushes()
            self._queue.put_nowait([])

    def _start_lanes(self, lanes: TaskGroup) -> None:
        self._take_overflow()
        if self._sender.has_chores and not self._does_chores:
            self._does_chores = True
            lanes.start_soon(self._do_chores)
        for stream in (*self._gaps.streams(now=self._may_mark()), *self._to_cut()):
            if stream not in self._lanes:
                self._lanes.add(stream)
                lanes.start_soon(self._lane, stream)
        self._budget.open_lanes = len(self._lanes)

    def _to_cut(self) -> list[str]:
        if self._budget.has_begun:
            return self._batcher.streams()
        return self._batcher.due(self._clock())

    def _take_overflow(self) -> None:
        for lost in self._inbox.take_overflow().values():
            self._gaps.add(lost)
            self._on_drop.tell(lost)

    def _may_mark(self) -> bool:
        """Whether a gap is over, so that its marker tells all of it."""
        return self._inbox.is_roomy or self._budget.has_begun

    def _is_due(self, stream: str) -> bool:
        return self._budget.has_begun or self._batcher.is_due(stream, self._clock())

    async def _lane(self, stream: str) -> None:
        """Ship the stream's batches one after the other, while they are due."""
        try:
            while (batch := self._next(stream)) is not None:
                await self._ship(batch)
        finally:
            self._lanes.discard(stream)
            self._queue.put_nowait([])

    def _next(self, stream: str) -> Batch | None:
        if stream in self._gaps.streams(now=self._may_mark()):
            return self._gaps.marker(stream, int(time.time() * 1000))
        return self._batcher.next_batch(stream) if self._is_due(stream) else None

    async def _ship(self, batch: Batch) -> None:
        progress = Progress(batch)
        try:
            # Cutting, sending, and booking a full batch take their own turns of the loop.
            await asyncio.sleep(0)
            await self._sender.deliver(progress)
            await asyncio.sleep(0)
        finally:
            if progress.is_open and self._scope.cancel_called:
                if batch.counted:
                    self._undelivered[batch.stream] += len(progress.open_events)
                progress.give_up("shutdown")
            self._settle(progress)

    def _settle(self, progress: Progress) -> None:
        """Book the fates of a batch; its events without one go back to where it came from."""
        receipt = progress.receipt()
        self._inbox.settle(receipt)
        batch = progress.batch
        if not batch.counted:
            if progress.is_open:
                self._gaps.restore(batch)
            return
        if progress.is_open:
            self._batcher.restore(Batch.of(batch.stream, progress.open_events))
        else:
            self._batcher.finish(batch.stream)
        for lost in receipt.lost:
            self._on_drop.tell(lost)
        self._resolve_flushes()
        if self._sender.has_chores and not self._does_chores:
            # Else they would be begun when the lane ends, which may be late.
            self._queue.put_nowait([])

    def _resolve_flushes(self) -> None:
        if self._sender.has_chores:
            return
        waiting = []
        for seal, several in self._flushes:
            if self._batcher.is_met(seal):
                _resolve(several)
            else:
                waiting.append((seal, several))
        self._flushes = waiting

    def give_up(self, reason: str = "shutdown") -> Mapping[str, int]:
        """Drop what has no fate yet; return how many records of which stream that were, in all."""
        # Too late to mark a gap in its stream, not to tell of it.
        self._take_overflow()
        rest = list(self._batcher.drain())
        rest += [event for events in self._backlog for event in events]
        while not self._queue.empty():
            rest += self._queue.get_nowait()
        if rest:
            self._undelivered.update(event[STREAM] for event in rest)
            self._inbox.drop_all(reason)
            self._on_drop.tell(Lost.of(reason, rest))
        self.release()
        undelivered, self._undelivered = self._undelivered, Counter()
        return undelivered


def _let_out(exc: BaseException) -> None:
    raise exc


def _resolve(several: list[_Asked]) -> None:
    for asked in several:
        if not asked.done():
            asked.set_result(None)
