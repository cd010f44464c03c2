"""Ten thousand workers in one process: the library's own pipelines on a clock that jumps.

Each worker is a real handler and a real pipeline: inbox, batcher, policy, back-off, provisioner, time budget. Only
the network is simulated, behind the port that the pipeline puts through (`LogsClient`).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fleet.account import Account, Terms
from tests.virtual_time import TimersOnlyLoop

from aiowatchtower import CloudWatchLogHandler, Statistics
from aiowatchtower._core.events import TIMESTAMP_MS, Answer, LogEvent
from aiowatchtower._core.logs_client import Departure
from aiowatchtower._shipping.leaving import leave
from aiowatchtower._shipping.pipeline import Pipeline

GROUP = "/fleet"
# What the loop's time 0 is on the wall.
EPOCH = 1_800_000_000.0


class SimulatedClient:
    """One worker's way to the simulated account, which judges a request when it is sent."""

    def __init__(self, account: Account, now: Callable[[], float]) -> None:
        self._account = account
        self._now = now
        self.endpoint = "the simulated account"

    async def prepare(self) -> None:
        """Have credentials."""

    async def put(
        self,
        stream: str,
        events: Sequence[LogEvent],
        deadline: float,
        departure: Departure | None = None,
    ) -> Answer:
        """Ask the account; every answer takes its time."""
        if departure is not None:
            departure.may_have_left = True
        try:
            times = [event[TIMESTAMP_MS] / 1000 - EPOCH for event in events]
            self._account.put(stream, times, self._now())
        finally:
            await asyncio.sleep(self._account.latency())
        return Answer(wire_bytes=0)

    async def create_stream(self, stream: str) -> None:
        """Ask the account; every answer takes its time."""
        try:
            self._account.create_stream(stream, self._now())
        finally:
            await asyncio.sleep(self._account.latency())

    async def create_group(self, *, tags: bool) -> None:
        """Find the group there: a deployment makes it once."""

    async def set_retention(self) -> None:
        """Have none to set."""

    async def renew(self) -> None:
        """Keep the credentials."""

    async def aclose(self) -> None:
        """Hold nothing open."""


@dataclass(frozen=True)
class Plan:
    """What a fleet does.

    Each worker begins at its time of `begins`, and logs `message` every `period` seconds until `ends`, to each of
    its streams in turn.
    """

    begins: Sequence[float]
    ends: float
    period: float
    message: str = "x" * 200
    streams: int = 1
    # The time from which the time to drain counts: the start, or the end of a spell.
    counts_from: float = 0.0
    # When to give up waiting.
    patience: float = 7_200.0
    send_interval: float = 5.0


@dataclass(frozen=True)
class Outcome:
    """What a fleet went through."""

    statistics: Statistics
    account: Account
    drained_after: float
    bytes_per_worker: float


class Worker:
    """One process of a deployment: it logs by a timer, and ships through a pipeline of its own."""

    def __init__(self, plan: Plan, number: int, account: Account) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._plan = plan
        stream = f"worker-{number:05}"
        self._names = [f"{stream}-{part}" for part in range(plan.streams)]
        self.handler = CloudWatchLogHandler(
            GROUP,
            stream if plan.streams == 1 else "{logger_name}",
            send_interval=plan.send_interval,
        )
        self._pipeline: Pipeline | None = None
        self._client = SimulatedClient(account, loop.time)
        self._logged = 0
        # The task is kept, so that it is not collected while it runs.
        self._beginning: asyncio.Task[None] | None = None
        loop.call_at(plan.begins[number], self._start)

    def _start(self) -> None:
        # A pipeline is made in a task, as in a block: outside of one old releases of anyio know no loop.
        self._beginning = self._loop.create_task(self._begin())

    async def _begin(self) -> None:
        self._pipeline = Pipeline(self.handler, client=self._client)
        self._log()

    def _log(self) -> None:
        now = self._loop.time()
        if now >= self._plan.ends:
            return
        name = self._names[self._logged % len(self._names)]
        record = logging.LogRecord(name, logging.INFO, "", 0, self._plan.message, None, None)
        record.created = EPOCH + now
        self.handler.handle(record)
        self._logged += 1
        self._loop.call_at(now + self._plan.period, self._log)

    async def end(self) -> None:
        """Leave, as at the end of a block."""
        if self._pipeline is not None:
            await leave([self._pipeline], is_cancelled=False)


def simulate(plan: Plan, terms: Terms, seed: int) -> Outcome:
    """Run a fleet until everything that it logged has arrived, or its patience is over."""
    random.seed(seed)
    loop, thresholds = TimersOnlyLoop(), gc.get_threshold()
    try:
        return loop.run_until_complete(_simulate(plan, terms, seed))
    finally:
        loop.close()
        gc.unfreeze()
        gc.set_threshold(*thresholds)


async def _simulate(plan: Plan, terms: Terms, seed: int) -> Outcome:
    loop = asyncio.get_running_loop()
    account = Account(terms, seed)
    gc.collect()
    before = _resident_bytes()
    workers = [Worker(plan, number, account) for number in range(len(plan.begins))]
    await asyncio.sleep(max(plan.begins) + 1.0)
    gc.collect()
    grown = (_resident_bytes() - before) / len(workers)
    # Looking through ten thousand workers for what can be collected takes a sixth of the time.
    gc.freeze()
    gc.set_threshold(50_000, 100, 1_000)
    last = max(plan.ends, plan.counts_from)
    while loop.time() < last + plan.patience:
        await asyncio.sleep(1.0)
        if loop.time() > last and not any(w.handler.statistics().pending for w in workers):
            break
    for worker in workers:
        await worker.end()
    statistics = Statistics.total(worker.handler.statistics() for worker in workers)
    return Outcome(statistics, account, account.put_at[-1] - plan.counts_from, grown)


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()
