"""A bug in the worker: reported, counted, and no trouble of the application's."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from aiobotocore.session import get_session

from aiowatchtower import Lost


class _Impossible:
    """What no answer of AWS is, and no code expects."""

    def get(self, _name):
        raise RecursionError


def _spoil(parsed, **_):
    parsed["rejectedLogEventsInfo"] = _Impossible()


@contextlib.asynccontextmanager
async def _impossible_client(server):
    """Connect a client whose answers are of a type that AWS never sends, which no code expects."""
    async with get_session().create_client("logs", endpoint_url=server.url) as client:
        client.meta.events.register("after-call.cloudwatch-logs.PutLogEvents", _spoil)
        yield client


@pytest.mark.every_loop
async def test_worker_crashes(server, block, logger, said):
    """After a crash the application goes on; it is reported once, and later records are counted."""
    async with (
        _impossible_client(server) as client,
        block(client=client, endpoint_url=None, send_interval=0) as logs,
    ):
        logger.info("fatal")
        await logs.flush(timeout=60)
        for number in range(10):
            logger.info("after %d", number)
        await logs.flush(timeout=60)
    seen = logs.statistics()
    assert (seen.logged, seen.pending, seen.delivered) == (11, 0, 0)
    assert seen.dropped == {"worker_crashed": 11}
    [crash] = [text for text in said if "bug" in text]
    assert crash.startswith(
        "WARNING a bug in aiowatchtower has ended delivery to /app; 1 records are"
    )


async def test_on_drop_is_told_of_the_crash(server, block, logger):
    """With the records that are lost by it."""
    lost: list[Lost] = []
    async with (
        _impossible_client(server) as client,
        block(client=client, endpoint_url=None, on_drop=lost.append) as logs,
    ):
        logger.info("fatal")
        logger.info("fatal too")
        await logs.flush(timeout=60)
    [loss] = lost
    assert (loss.reason, loss.count) == ("worker_crashed", 2)
    assert loss.messages == ["fatal", "fatal too"]


async def test_flush_outlives_the_crash(server, block, logger):
    """A flush that waits for the crashing batch returns: its records have met their fate."""
    async with (
        _impossible_client(server) as client,
        block(client=client, endpoint_url=None) as logs,
    ):
        logger.info("fatal")
        await asyncio.wait_for(logs.flush(), 60)
        assert logs.statistics().dropped == {"worker_crashed": 1}


async def test_new_block_after_the_crash(server, block, logger):
    """A handler whose worker has crashed delivers again in its next block."""
    async with _impossible_client(server) as client:
        logs = block(client=client, endpoint_url=None)
        async with logs:
            logger.info("fatal")
        client.meta.events.unregister("after-call.cloudwatch-logs.PutLogEvents", _spoil)
        async with logs:
            logger.info("healthy")
    # AWS has accepted the first one before the crash.
    assert server.messages("/app") == ["fatal", "healthy"]
    seen = logs.statistics()
    assert (seen.delivered, seen.dropped, seen.pending) == (1, {"worker_crashed": 1}, 0)
