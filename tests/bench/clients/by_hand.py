"""What a competent engineer writes in an afternoon: an `asyncio.Queue`, one task, aiobotocore."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from operator import itemgetter
from typing import Any

from aiobotocore.session import get_session

from clients import GROUP

_MAX_COUNT = 10_000
_MAX_BYTES = 1_048_576
_OVERHEAD = 26
_INTERVAL = 5.0

Event = dict[str, Any]


class QueueHandler(logging.Handler):
    """Hand each formatted record to the loop, whose queue no other thread may touch."""

    def __init__(self, queue: asyncio.Queue[Event | None]) -> None:
        super().__init__()
        self._queue = queue
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand over one record, from whatever thread."""
        try:
            mapping = isinstance(record.msg, dict)
            message = json.dumps(record.msg, default=str) if mapping else self.format(record)
            event = {"timestamp": int(record.created * 1000), "message": message}
            self._loop.call_soon_threadsafe(self._queue.put_nowait, event)
        except Exception:  # noqa: BLE001 - what a handler does with its errors
            self.handleError(record)


class Shipper:
    """Batch by count, bytes and age, and put one batch after the other."""

    def __init__(self, client: Any, stream: str, queue: asyncio.Queue[Event | None]) -> None:
        self._client = client
        self._stream = stream
        self._queue = queue
        self._carried: list[Event] = []
        self._open = True

    async def run(self) -> None:
        """Ship until the queue gives None."""
        while self._open or self._carried:
            if batch := await self._collect():
                batch.sort(key=itemgetter("timestamp"))
                await self._client.put_log_events(
                    logGroupName=GROUP, logStreamName=self._stream, logEvents=batch
                )

    async def _collect(self) -> list[Event]:
        batch, self._carried = self._carried, []
        size = sum(len(event["message"].encode()) + _OVERHEAD for event in batch)
        deadline = asyncio.get_running_loop().time() + _INTERVAL
        while self._open and len(batch) < _MAX_COUNT:
            try:
                event = await self._next(deadline)
            except asyncio.TimeoutError:
                break
            if event is None:
                self._open = False
                break
            size += len(event["message"].encode()) + _OVERHEAD
            if size > _MAX_BYTES:
                self._carried = [event]
                break
            batch.append(event)
        return batch

    async def _next(self, deadline: float) -> Event | None:
        try:
            return self._queue.get_nowait()
        except asyncio.QueueEmpty:
            left = deadline - asyncio.get_running_loop().time()
            return await asyncio.wait_for(self._queue.get(), left)


@contextlib.asynccontextmanager
async def connect(endpoint: str, logger: str, stream: str) -> AsyncIterator[None]:
    """Create group and stream, attach, and on leaving wait for the task."""
    async with get_session().create_client("logs", endpoint_url=endpoint) as client:
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            await client.create_log_group(logGroupName=GROUP)
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            await client.create_log_stream(logGroupName=GROUP, logStreamName=stream)
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        task = asyncio.create_task(Shipper(client, stream, queue).run())
        handler = QueueHandler(queue)
        logging.getLogger(logger).addHandler(handler)
        yield
        logging.getLogger(logger).removeHandler(handler)
        asyncio.get_running_loop().call_soon_threadsafe(queue.put_nowait, None)
        await task
