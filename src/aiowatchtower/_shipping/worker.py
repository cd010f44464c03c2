"""The pump: from the inbox's queue through the batcher to one short-lived lane per stream."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Final

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint_if_cancelled

from aiowatchtower._core.batcher import Batcher
from aiowatchtower._core.events import (
    NUMBER,
    NUMBERS_PER_OWNER,
    STREAM,
    Batch,
    LogEvent,
    Lost,
    total_bytes,
)
from aiowatchtower._core.gaps import Gaps
from aiowatchtower._core.ledger import Ledger
from aiowatchtower._core.phase import Lifecycle, Phase
from aiowatchtower._core.progress import Progress
from aiowatchtower._diagnostics.self_feeding import start_shipping
from aiowatchtower._intake.arrivals import Arrivals
from aiowatchtower._intake.inbox import Inbox

from .child_tasks import close_all, start_all
from .flushes import Flushes
from .on_drop import DropNotifier
from .provisioner import Provisioner
from .sender import Sender
from .shares import Shares
from .spooling import Spooling
from .time_budget import TimeBudget

_OVERFLOW_CHECK_SECONDS: Final = 1.0
# How many streams are worked on at a time: of those that are known to exist, and of those that may have to
# be created, which are limited by AWS's quota for new streams.
_LANES: Final = 1_000
_NEW_LANES: Final = 64
_PASSED_ON: Final = (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit)


class Worker:
    """Owns the queue and the batcher while a block is open. One task runs ``run``.

    When that task is cancelled from outside, as some applications cancel every task, what was
    on its way goes back to the batcher and ``run`` may be started again.
    """

    def __init__(
        self,
        inbox: Inbox,
        arrivals: Arrivals,
        ledger: Ledger,
        lifecycle: Lifecycle,
        batcher: Batcher,
        sender: Sender,
        provisioner: Provisioner,
        budget: TimeBudget,
        on_drop: DropNotifier,
        clock: Callable[[], float],
        shares: Shares,
        spooling: Spooling | None = None,
    ) -> None:
        self._inbox = inbox
        self._arrivals = arrivals
        self._ledger = ledger
        self._lifecycle = lifecycle
        self._number = lifecycle.run
        self._batcher = batcher
        self._sender = sender
        self._provisioner = provisioner
        self._budget = budget
        self._on_drop = on_drop
        self._clock = clock
        self._spooling = spooling
        self._shares = shares
        self._scope = anyio.CancelScope()
        self._lanes: set[str] = set()
        self._new_lanes: set[str] = set()
        self._gaps = Gaps()
        self._flushes = Flushes()
        self._undelivered: Counter[str] = Counter()

    async def run(self) -> Mapping[str, int]:
        """Ship until the block is being left, and everything has its fate or the time is up.

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
        if self._spooling is not None:
            await self._spooling.write_out()
        return self.give_up()

    async def _pump(self) -> None:
        """Do the work in child tasks, so that KeyboardInterrupt is unlikely to be raised in this one."""
        self._lanes.clear()
        self._new_lanes.clear()
        self._provisioner.unclaim_retention()
        works: list[Coroutine[object, object, None]] = []
        try:
            async with anyio.create_task_group() as tasks:
                works += [self._feed(tasks), self._sender.prepare()]
                if self._spooling is not None:
                    works.append(self._spooling.run(lambda: self._budget.is_leaving))
                start_all(tasks, works)
        finally:
            close_all(works)

    async def _feed(self, tasks: TaskGroup) -> None:
        # After a cancellation, everything there will ever be may be in the batcher already.
        self._start_lanes(tasks)
        while not self._is_done():
            await self._take()
            # A lane that is cancelled sets the news, and a task whose wait is over is not cancelled:
            # without a look, each would start the other again and again.
            await checkpoint_if_cancelled()
            self._start_lanes(tasks)
        # No lane is left. Preparing a client that nothing needed need not be waited for.
        tasks.cancel_scope.cancel()

    def hurry(self) -> None:
        """Look at the lifecycle's deadline, which was set or has changed."""
        self._scope.deadline = self._deadline()
        self._budget.shorten()
        self._arrivals.news.set()

    def look_around(self) -> None:
        """Look whether there is something to do."""
        self._arrivals.news.set()

    async def flush(self) -> None:
        """Return when everything put into the inbox before this call has met its fate."""
        if not self.is_in_charge:
            return
        asked = self._flushes.ask()
        self._inbox.hand_over()
        self._arrivals.news.set()
        try:
            await asked
        finally:
            self._flushes.forget(asked)

    @property
    def is_in_charge(self) -> bool:
        """Whether this worker's block has not ended, and no other was entered since."""
        lifecycle = self._lifecycle
        return lifecycle.run == self._number and lifecycle.phase in {Phase.OPEN, Phase.LEAVING}

    def _deadline(self) -> float:
        return anyio.current_time() + self._budget.remaining

    def _is_done(self) -> bool:
        return (
            self._budget.is_leaving
            and self._arrivals.records.empty()
            and not self._lanes
            and not self._provisioner.owes_retention
            and self._batcher.is_empty
            and not (self._spooling is not None and self._spooling.has_cold)
            and not self._gaps.streams(now=True)
        )

    async def _take(self) -> None:
        """Wait for news or for the next batch to come of age; feed the records that have come."""
        with anyio.move_on_after(self._idle_seconds()):
            await self._arrivals.news.wait()
        self._arrivals.news.clear()
        asked = self._flushes.asked
        records = self._arrivals.records
        while not records.empty():
            events = records.get_nowait()
            self._batcher.feed(events, self._clock())
            if events[0][NUMBER] > NUMBERS_PER_OWNER:
                # They have waited long enough: a dead process has left them.
                self._batcher.seal()
            if not records.empty():
                await asyncio.sleep(0)
        if asked:
            self._flushes.seal(self._batcher.seal(), asked)
            self._resolve_flushes()

    def _idle_seconds(self) -> float | None:
        if self._flushes.asked or not self._arrivals.records.empty():
            # They are left from before a cancellation: nothing else would wake this task for them.
            return 0.0
        due_at = self._batcher.due_at()
        idle = None if due_at is None else max(0.0, due_at - self._clock())
        if self._gaps.streams(now=True):
            return _OVERFLOW_CHECK_SECONDS if idle is None else min(idle, _OVERFLOW_CHECK_SECONDS)
        return idle

    async def _set_retention(self) -> None:
        """Set a created group's retention: no record waits for it, but a flush and the block's end do."""
        try:
            await self._provisioner.set_retention()
        finally:
            self._resolve_flushes()
            self._arrivals.news.set()

    def _start_lanes(self, tasks: TaskGroup) -> None:
        self._take_overflow()
        if self._provisioner.claim_retention():
            tasks.start_soon(self._set_retention)
        self._shares.note()
        for stream in (*self._gaps.streams(now=self._may_mark()), *self._to_cut()):
            if stream not in self._lanes:
                self._lanes.add(stream)
                if not self._batcher.is_known(stream):
                    self._new_lanes.add(stream)
                tasks.start_soon(self._lane, stream)

    def _to_cut(self) -> list[str]:
        """Return the streams to start a lane for: those that exist before those to be created."""
        is_leaving = self._budget.is_leaving
        if is_leaving:
            self._batcher.hurry()
        known = len(self._lanes) - len(self._new_lanes)
        new = (_LANES if is_leaving else _NEW_LANES) - len(self._new_lanes)
        return self._batcher.due(self._clock(), max(0, _LANES - known), max(0, new))

    def _take_overflow(self) -> None:
        found = self._inbox.take_overflow()
        for stream, overflow in found.items():
            self._on_drop.tell(overflow.lost(stream))
            self._gaps.add(stream, overflow)
        if found:
            self._shares.note_overflow(
                sum(overflow.count for overflow in found.values()), self._ledger.last_error
            )

    def _may_mark(self) -> bool:
        """Whether a gap is over, so that its marker tells all of it."""
        return self._inbox.is_roomy or self._budget.is_leaving

    def _is_due(self, stream: str) -> bool:
        return self._budget.is_leaving or self._batcher.is_due(stream, self._clock())

    async def _lane(self, stream: str) -> None:
        """Ship the stream's batches one after the other, while they are due."""
        try:
            with self._budget.lane():
                while (batch := self._next(stream)) is not None:
                    await self._ship(batch)
        finally:
            self._lanes.discard(stream)
            self._new_lanes.discard(stream)
            self._arrivals.news.set()

    def _next(self, stream: str) -> Batch | None:
        if stream in self._gaps.streams(now=self._may_mark()):
            return self._gaps.marker(stream, int(time.time() * 1000))
        return self._batcher.next_batch(stream) if self._is_due(stream) else None

    async def _ship(self, batch: Batch) -> None:
        progress = Progress(batch)
        try:
            # Cutting, sending, and booking a full batch take their own turns of the loop.
            await asyncio.sleep(0)
            if self._spooling is not None:
                self._spooling.sending(batch)
            await self._sender.deliver(progress)
            await asyncio.sleep(0)
        finally:
            if self._sender.has_given_up:
                # As at the deadline.
                self._scope.cancel()
            if progress.is_open and self._scope.cancel_called and self._spooling is None:
                if batch.counted:
                    self._undelivered[batch.stream] += len(progress.open_events)
                progress.give_up("shutdown")
            self._settle(progress)

    def _settle(self, progress: Progress) -> None:
        """Book the fates of a batch; its events without one go back to where they came from."""
        if not self.is_in_charge:
            # Its records were given up without waiting for it, or are another worker's by now.
            return
        receipt = progress.receipt()
        self._ledger.settle(receipt)
        batch = progress.batch
        if not batch.counted:
            if progress.is_open:
                self._gaps.restore(batch)
            return
        if self._spooling is not None:
            self._spooling.done(receipt.batch.events)
        if progress.is_open:
            self._batcher.restore(Batch.of(batch.stream, progress.open_events))
        else:
            self._batcher.finish(batch.stream)
        for lost in receipt.lost:
            self._on_drop.tell(lost)
        self._resolve_flushes()
        if self._provisioner.owes_retention:
            # Otherwise it would be set when the lane ends, which may be late.
            self._arrivals.news.set()

    def _resolve_flushes(self) -> None:
        if not self._provisioner.owes_retention:
            self._flushes.resolve(self._batcher.is_met)

    def give_up(self) -> Mapping[str, int]:
        """Drop what has no fate yet, and end. Returns how many records of which stream that were, in all."""
        if self.is_in_charge:
            # Too late to mark a gap in its stream, not to tell of it.
            self._take_overflow()
            self._drop_rest()
            self._inbox.end()
        self.release()
        undelivered, self._undelivered = self._undelivered, Counter()
        return undelivered

    def release(self) -> None:
        """Let every ``flush`` return: nothing is left without a fate."""
        self._flushes.resolve_all()

    def recover(self) -> None:
        """After a crash, book as dropped what is neither in the queue nor in the batcher any more."""
        self._batcher.finish_all()
        records, waiting = self._arrivals.records, []
        while not records.empty():
            waiting.append(records.get_nowait())
        for events in waiting:
            records.put_nowait(events)
        count = self._ledger.pending - self._batcher.count - sum(map(len, waiting))
        size_bytes = self._ledger.pending_bytes - self._batcher.size_bytes
        size_bytes -= sum(map(total_bytes, waiting))
        if count > 0:
            now_ms = int(time.time() * 1000)
            self._ledger.drop("worker_crashed", count, size_bytes)
            self._on_drop.tell(Lost("worker_crashed", "", count, size_bytes, now_ms, now_ms))
        self._resolve_flushes()

    def _drop_rest(self) -> None:
        rest = list(self._batcher.drain())
        while not self._arrivals.records.empty():
            rest += self._arrivals.records.get_nowait()
        if self._spooling is not None:
            rest = self._left_to_disk(self._spooling, rest)
        if rest:
            self._undelivered.update(event[STREAM] for event in rest)
            self._on_drop.tell(Lost.of("shutdown", rest))
        in_memory = self._ledger.pending - self._ledger.spooled
        self._ledger.drop("shutdown", in_memory, self._ledger.pending_bytes)

    def _left_to_disk(self, spooling: Spooling, rest: list[LogEvent]) -> list[LogEvent]:
        """Leave to the spool what it holds; return what it does not."""
        kept, lost = spooling.split(rest)
        self._ledger.leave_to_disk(len(kept), total_bytes(kept))
        return lost
