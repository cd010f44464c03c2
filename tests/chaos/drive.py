"""Drives the real pipeline through a schedule, and holds what came of it against the law."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import itertools
import logging
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Final

import anyio
from tests.chaos import schedules as s

from aiowatchtower import CloudWatchLogging, Lost, Statistics
from aiowatchtower.testing import CloudWatchLogs, Event, Fault
from aiowatchtower.testing._served.listener import Listener

_NUMBERS: Final = itertools.count(1)
# What leaving may take beyond its timeout, on a machine that has other work to do.
GRACE: Final = 3.0
# When a block that has not been left yet is taken for one that never will be.
NEVER: Final = 20.0
# Seconds by which a loop may be late on a machine that is not overloaded.
MUCH_LAG: Final = 0.1
# Batches of fewer events may need more puts than fit into a schedule's last seconds.
MANY: Final = 50
MARKER: Final = "aiowatchtower: "


class DeliberateError(Exception):
    """What the body of a block raises on purpose."""


class Lag:
    """How much later than asked for this loop runs things: what to forgive a deadline."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def measure(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 0.02
            await asyncio.sleep(0.02)
            self.seconds += max(0.0, loop.time() - due)


@contextlib.asynccontextmanager
async def measured_lag() -> AsyncIterator[Lag]:
    """Measure the running loop's lag inside the block."""
    lag = Lag()
    task = asyncio.create_task(lag.measure(), name="lag")
    try:
        yield lag
    finally:
        task.cancel()
        await asyncio.wait({task})


@dataclass
class Outcome:
    """What came of one schedule."""

    schedule: s.Schedule
    statistics: Statistics
    faults: int
    violations: list[str] = field(default_factory=list)


class Run:
    """One schedule on its way."""

    def __init__(self, schedule: s.Schedule, lag: Lag) -> None:
        self.schedule = schedule
        self.lag = lag
        self.group = f"/chaos/{next(_NUMBERS)}"  # tells its task from those of other schedules
        self.violations: list[str] = []
        self.told: list[Lost] = []
        self.logged: list[str] = []
        self.stream_of: dict[str, str] = {}
        self.service = CloudWatchLogs(eventual_consistency=schedule.eventual_consistency)
        self.listener: Listener | None = None
        self.logger = logging.Logger("chaos", logging.DEBUG)  # in no tree: nobody else listens
        self.others = 0  # what went wrong without being a fault of the service
        self._deleted: list[Event] = []
        self._left_at = 0.0
        self._lag_when_left = self._lagging = 0.0

    # The surroundings.

    @contextlib.asynccontextmanager
    async def _block(self) -> AsyncIterator[CloudWatchLogging]:
        chosen = self.schedule
        block = functools.partial(
            CloudWatchLogging,
            self.group,
            "{thread_name}",
            loggers=(self.logger,),
            send_interval=chosen.send_interval,
            shutdown_timeout=chosen.shutdown_timeout,
            max_buffer_size=chosen.max_buffer_size,
            max_batch_count=chosen.max_batch_count,
            max_in_flight=chosen.max_in_flight,
            log_group_retention_days=chosen.retention_days,
            on_drop=self._on_drop,
        )
        if not chosen.over_socket:
            yield block(client=self.service.client())
            return
        self.listener = Listener(self.service)
        await self.listener.up()
        try:
            yield block(endpoint_url=f"http://127.0.0.1:{self.listener.port}")
        finally:
            await self.listener.down()

    def _warm_up(self) -> None:
        self.service.respond("CreateLogGroup", {"logGroupName": self.group})
        for stream in s.STREAMS:
            names: dict[str, object] = {"logGroupName": self.group, "logStreamName": stream}
            self.service.respond("CreateLogStream", names)

    def _on_drop(self, lost: Lost) -> None:
        self.told.append(lost)
        if self.schedule.on_drop_raises:
            raise DeliberateError

    async def drive(self) -> Outcome:
        """Run the schedule from entry to exit, and check all there is to check."""
        if self.schedule.is_warm:
            self._warm_up()
        async with self._block() as logs:
            sampler = asyncio.create_task(self._sample(logs), name="sampler")
            try:
                await self._live(logs)
            finally:
                sampler.cancel()
                await asyncio.wait({sampler})
            self._check_law(logs.statistics())
            await self._check_end(logs)
        faults = sum(bool(request.fault or request.error_code) for request in self.service.requests)
        return Outcome(self.schedule, logs.statistics(), faults + self.others, self.violations)

    async def _sample(self, logs: CloudWatchLogging) -> None:
        while True:
            self._check_law(logs.statistics())
            await asyncio.sleep(0.007)

    # From entry to exit.

    async def _live(self, logs: CloudWatchLogging) -> None:
        """Run the body in a task of its own and end it as the schedule says."""
        over = asyncio.Event()
        scope = anyio.CancelScope()
        task = asyncio.create_task(self._in_scope(logs, over, scope), name="body")
        waiting = asyncio.create_task(over.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        self._leaving()
        if self.schedule.end == "anyio":
            scope.cancel()
        elif self.schedule.end.startswith("cancel"):
            task.cancel()
        deadline = self.schedule.shutdown_timeout
        if self.schedule.end == "cancel twice":
            await asyncio.wait({task}, timeout=deadline / 4)
            self._leaving()
            task.cancel()
            deadline = 0.0
        await asyncio.wait({task}, timeout=NEVER)
        self._check_exit(task, deadline)

    def _leaving(self) -> None:
        self._left_at = asyncio.get_running_loop().time()
        self._lag_when_left = self.lag.seconds

    async def _in_scope(
        self, logs: CloudWatchLogging, over: asyncio.Event, scope: anyio.CancelScope
    ) -> str:
        with scope:
            try:
                await self._body(logs, over)
            except DeliberateError:
                return "raise"
            return "leave"
        return "anyio"

    async def _body(self, logs: CloudWatchLogging, over: asyncio.Event) -> None:
        async with logs:
            for step in self.schedule.steps:
                await self._do(step, logs)
                self._check_law(logs.statistics())
            if self.schedule.is_calm:
                await self._heal()
            over.set()
            if self.schedule.end == "raise":
                raise DeliberateError
            if self.schedule.end != "leave":
                await asyncio.Event().wait()

    def _check_exit(self, task: asyncio.Task[str], deadline: float) -> None:
        took = asyncio.get_running_loop().time() - self._left_at
        self._lagging = self.lag.seconds - self._lag_when_left
        forgiven = GRACE + 2 * self._lagging
        if not task.done():
            task.cancel()
            self._violated(f"the block was not left within {NEVER} s")
            return
        if took > deadline + forgiven:
            self._violated(f"leaving took {took:.2f} s instead of {deadline} + {forgiven:.2f} s")
        ended = "cancel" if task.cancelled() else task.exception() or task.result()
        if ended != self.schedule.end.partition(" ")[0]:
            self._violated(f"the block ended by {ended!r} instead of {self.schedule.end!r}")

    # The steps.

    async def _do(self, step: s.Step, logs: CloudWatchLogging) -> None:
        if isinstance(step, s.Log):
            if step.in_thread:
                await asyncio.to_thread(self._log, step)
            else:
                self._log(step)
        elif isinstance(step, s.Turn):
            for _ in range(step.count):
                await asyncio.sleep(0)
        elif isinstance(step, s.Pause):
            await asyncio.sleep(step.seconds)
        elif isinstance(step, s.Flush):
            await self._flush(step, logs)
        else:
            await self._disturb(step)

    def _log(self, step: s.Log) -> None:
        for _ in range(step.count):
            text = f"{len(self.logged):06d}{step.mark}".ljust(step.size, ".")
            self.logged.append(text)
            self.stream_of[text] = step.stream
            record = self.logger.makeRecord("chaos", step.level, "", 0, text, (), None)
            record.created = time.time() - step.age
            record.threadName = step.stream
            self.logger.handle(record)

    async def _flush(self, step: s.Flush, logs: CloudWatchLogging) -> None:
        before = len(self.logged)
        if step.is_cancelled:
            task = asyncio.create_task(logs.flush())
            await asyncio.sleep(step.timeout / 10)
            task.cancel()
            await asyncio.wait({task})
            return
        try:
            await logs.flush(step.timeout)
        except TimeoutError:
            return
        seen = logs.statistics()
        if seen.logged - seen.pending < before:
            self._violated(f"flush() has returned with {seen.pending} records pending")

    async def _disturb(self, step: s.Step) -> None:
        if isinstance(step, s.Break):
            fault = s.FAULTS[step.kind]
            self.service.faults.add(
                dataclasses.replace(fault, times=step.times, stream=step.stream)
            )
        elif isinstance(step, s.Poison):
            self.service.faults.add(
                Fault(containing=step.mark, status=400, code="InvalidParameterException")
            )
        elif isinstance(step, s.Deny):
            self.service.configure(deny=step.actions)
        elif isinstance(step, s.Heal):
            await self._heal()
        elif isinstance(step, (s.DeleteStream, s.DeleteGroup)):
            self._delete(step.stream if isinstance(step, s.DeleteStream) else None)
        elif isinstance(step, s.CancelWorker):
            self._cancel_worker()
        elif self.listener is not None:
            self.others += 1
            await (self.listener.down() if isinstance(step, s.GoDown) else self.listener.up())

    async def _heal(self) -> None:
        self.service.faults.clear()
        self.service.configure(deny=())
        if self.listener is not None:
            await self.listener.up()

    def _delete(self, stream: str | None) -> None:
        """Delete the group or a stream, and remember what it held."""
        if self.group not in self.service.groups or stream not in {
            None,
            *self.service.streams(self.group),
        }:
            return
        self.others += 1
        self._deleted += self.service.events(self.group, stream)
        if stream is None:
            self.service.delete_group(self.group)
        else:
            self.service.delete_stream(self.group, stream)

    def _cancel_worker(self) -> None:
        """Cancel the task that the block has started."""
        self.others += 1
        for task in self._own_tasks():
            task.cancel()

    def _own_tasks(self) -> set[asyncio.Task[object]]:
        name = f"aiowatchtower {self.group}"
        return {task for task in asyncio.all_tasks() if task.get_name() == name}

    # The law.

    def _violated(self, what: str) -> None:
        self.violations.append(what)

    def _check_law(self, seen: Statistics) -> None:
        fates = seen.delivered + sum(seen.rejected.values()) + sum(seen.dropped.values())
        if seen.logged != fates + seen.pending:
            self._violated(f"logged is not delivered + rejected + dropped + pending: {seen}")
        if not 0 <= seen.pending_bytes <= self.schedule.max_buffer_size or seen.pending < 0:
            self._violated(f"the buffer is out of its bounds: {seen}")

    async def _check_end(self, logs: CloudWatchLogging) -> None:
        tasks = self._own_tasks()
        if tasks and (self.schedule.end == "cancel twice" or self._lagging > MUCH_LAG):
            # The wait was ended at once, or the machine was too busy for its deadline; the task
            # gives up what is left in the loop's next turns.
            await asyncio.wait(tasks, timeout=NEVER)
        if self._own_tasks():
            self._violated(f"a task is left behind, after {self._lagging:.2f} s of lag")
        seen = logs.statistics()
        if seen.logged != len(self.logged) or seen.pending or seen.pending_bytes:
            self._violated(
                f"{len(self.logged)} records were logged, and at the end there is {seen}"
            )
        await self._told_everything(seen)
        self._check_told(seen)
        self._check_server(seen)
        if self.schedule.is_calm and seen.dropped.get("shutdown") and self._had_time():
            self._violated(f"all was well, and yet not all was delivered: {seen}")

    def _had_time(self) -> bool:
        """Whether nothing but the library could keep records from being delivered in the end."""
        chosen = self.schedule
        hung = any(isinstance(step, s.Break) and step.kind in s.HANGS for step in chosen.steps)
        allowed = chosen.shutdown_timeout >= s.ENOUGH and chosen.max_batch_count >= MANY
        return allowed and not hung and self._lagging < MUCH_LAG

    async def _told_everything(self, seen: Statistics) -> None:
        """Wait for on_drop's thread, which may be starved on a busy machine."""
        expected = sum(seen.dropped.values()) + sum(seen.rejected.values())
        for _ in range(500):
            if sum(lost.count for lost in self.told) >= expected:
                return
            await asyncio.sleep(0.01)

    def _check_told(self, seen: Statistics) -> None:
        told: Counter[str] = Counter()
        for lost in self.told:
            told[lost.reason] += lost.count
            if lost.reason != "buffer_full" and len(lost.messages) != lost.count:
                self._violated(
                    f"on_drop was told of {lost.count} records, but not of which: {lost}"
                )
        counted = Counter(seen.dropped) + Counter(seen.rejected)
        if told != counted:
            self._violated(f"on_drop was told of {dict(told)}, counted were {dict(counted)}")

    def _check_server(self, seen: Statistics) -> None:
        """Hold what the server took against what the statistics say."""
        live = self.service.events(self.group)
        taken = sorted([*self._deleted, *live], key=lambda event: event.ingestion_index)
        records = [event for event in taken if not event.message.startswith(MARKER)]
        for event in records:
            if self.stream_of.get(event.message) != event.stream:
                self._violated(f"the server has what was not logged there: {event}")
        there = {event.message for event in records}
        given_up = {text for lost in self.told for text in lost.messages}
        if len(there - given_up) != seen.delivered:
            self._violated(
                f"{len(there - given_up)} records that were not given up are there, "
                f"{seen.delivered} are said to be delivered"
            )
        twice = len(records) - len(there)
        if twice > seen.possible_duplicates:
            self._violated(f"{twice} records came twice: {seen}")
        self._check_order(records)
        self._check_markers(taken, seen)

    def _check_order(self, records: list[Event]) -> None:
        """Check that each stream has its records in the order of logging."""
        if any(isinstance(step, s.Log) and step.age for step in self.schedule.steps):
            return
        firsts: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for event in records:
            firsts[event.stream].setdefault(event.message)
        for stream, texts in firsts.items():
            if list(texts) != sorted(texts):
                self._violated(f"stream {stream} is out of order: {list(texts)}")

    def _check_markers(self, taken: list[Event], seen: Statistics) -> None:
        """Check that gaps are not exaggerated."""
        markers = {event.message for event in taken if event.message.startswith(MARKER)}
        marked = sum(int(text.split()[1]) for text in markers)
        if marked > seen.dropped.get("buffer_full", 0):
            self._violated(f"{marked} records are marked as dropped: {sorted(markers)}, {seen}")


class Bugs(logging.Handler):
    """Collects what the library itself calls a bug, and what asyncio finds unhandled.

    Raises for every second record, as a handler of the application may.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []
        self._count = 0

    def emit(self, record: logging.LogRecord) -> None:
        if "a bug in aiowatchtower" in record.getMessage():
            self.found.append(logging.Formatter().format(record))
        self._count += 1
        if self._count % 2:
            raise ConnectionError("a webhook without network")

    def unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """Take what asyncio's exception handler is given."""
        self.found.append(f"{context.get('message')}: {context.get('exception')!r}")


@contextlib.contextmanager
def watched_for_bugs(loop: asyncio.AbstractEventLoop) -> Iterator[Bugs]:
    """Yield the bugs found inside the block, kept from the console."""
    bugs, logger = Bugs(), logging.getLogger("aiowatchtower")
    propagates, logger.propagate = logger.propagate, False
    # Where a handler raises, the library's messages go there.
    last_resort, logging.lastResort = logging.lastResort, None
    logger.addHandler(bugs)
    loop.set_exception_handler(bugs.unhandled)
    try:
        yield bugs
    finally:
        logger.removeHandler(bugs)
        logger.propagate = propagates
        logging.lastResort = last_resort
        loop.set_exception_handler(None)


async def run_one(schedule: s.Schedule) -> Outcome:
    """Run one schedule alone in this loop."""
    with watched_for_bugs(asyncio.get_running_loop()) as bugs:
        async with measured_lag() as lag:
            outcome = await Run(schedule, lag).drive()
        outcome.violations += bugs.found
        return outcome
