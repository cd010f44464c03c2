"""The shipper's own metrics: one event in embedded metric format every ``metrics_interval``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio

from aiowatchtower._config.settings import Settings
from aiowatchtower._core.batcher import Batcher
from aiowatchtower._core.embedded_metrics import metrics_event
from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.events import own_event
from aiowatchtower._core.ledger import Statistics
from aiowatchtower._core.logs_client import TRY_SECONDS, LogsClient
from aiowatchtower._core.policy import Verdict, judge
from aiowatchtower._diagnostics.self_feeding import start_shipping

from .provisioner import Provisioner
from .time_budget import TimeBudget

# The last event may hold up the end of a block for so long.
_LAST_SECONDS: Final = 2.0
_CANCEL_AGAIN_SECONDS: Final = 0.1


class OwnMetrics:
    """Publishes what has become of the records, beside their delivery.

    These events are no records: they are not counted, do not wait in the buffer, and are not kept. One
    that cannot be delivered is skipped, and the next one tells of its interval as well.
    """

    def __init__(
        self,
        settings: Settings,
        client: LogsClient,
        provisioner: Provisioner,
        statistics: Callable[[], Statistics],
        batcher: Batcher,
        budget: TimeBudget,
    ) -> None:
        self._settings = settings
        self._client = client
        self._provisioner = provisioner
        self._statistics = statistics
        self._batcher = batcher
        self._budget = budget
        self._told = statistics()

    @asynccontextmanager
    async def published(self) -> AsyncIterator[None]:
        """Publish while the body runs, and once more when it has ended."""
        if self._settings.metrics_namespace is None:
            yield
            return
        # A task, because a task group around the worker would wrap what the worker raises.
        leaving = asyncio.Event()
        group = self._settings.log_group_name
        ticking = asyncio.create_task(self._tick(leaving), name=f"aiowatchtower metrics of {group}")
        try:
            yield
        finally:
            leaving.set()
            latest = anyio.current_time() + min(_LAST_SECONDS, self._budget.remaining)
            # An event on its way is waited for. Cut off, it may have arrived all the same, and the last one
            # would tell of its interval again.
            with anyio.CancelScope(deadline=latest):
                await asyncio.wait({ticking})
            # More than once: before Python 3.12 a cancellation that comes together with an answer may be lost
            # (https://github.com/python/cpython/issues/86296).
            while not ticking.done():
                ticking.cancel()
                await asyncio.wait({ticking}, timeout=_CANCEL_AGAIN_SECONDS)
        if self._statistics() != self._told:
            with anyio.CancelScope(deadline=latest):
                await self._publish()

    async def _tick(self, leaving: asyncio.Event) -> None:
        start_shipping()
        while True:
            with anyio.move_on_after(self._settings.metrics_seconds):
                await leaving.wait()
            if leaving.is_set():
                return
            await self._publish()

    async def _publish(self) -> None:
        now = self._statistics()
        if not now.logged:
            # No stream is made for metrics alone. Later zeros are told: an alarm wants data.
            return
        name = self._settings.stream_name
        stream = name.constant or name.resolve(
            "aiowatchtower", "MainThread", "no-task", time.time()
        )
        try:
            await self._put(stream, now)
        except DeliveryError:
            # Delivery meets the same failure with a record, and says so.
            return
        self._told = now

    async def _put(self, stream: str, now: Statistics) -> None:
        at_ms = int(time.time() * 1000)
        text = metrics_event(
            self._settings.metrics_namespace or "",
            self._settings.log_group_name,
            now,
            self._told,
            at_ms=at_ms,
            oldest_pending_ms=self._batcher.oldest_ms,
        )
        event = own_event(stream, at_ms, text)
        try:
            await self._client.put(stream, [event], TRY_SECONDS)
        except DeliveryError as error:
            if judge(error) is not Verdict.PROVISION:
                raise
            await self._provisioner.provide(stream)
            await self._client.put(stream, [event], TRY_SECONDS)
