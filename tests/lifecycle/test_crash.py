"""A bug in the worker: reported, survived, and no trouble of the application's."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
from aiobotocore.session import get_session

from aiowatchtower import Lost


class _Impossible:
    """What no answer of AWS is, and no code expects."""

    def get(self, _name):
        raise RecursionError


class _Spoiler:
    """Puts into the next answers, as many as are asked for, what no code expects."""

    def __init__(self, times: float) -> None:
        self.times = times

    def __call__(self, parsed, **_):
        if self.times > 0:
            self.times -= 1
            parsed["rejectedLogEventsInfo"] = _Impossible()


@contextlib.asynccontextmanager
async def _impossible_client(server, times=float("inf")):
    """Connect a client whose answers are of a type that AWS never sends."""
    async with get_session().create_client("logs", endpoint_url=server.url) as client:
        spoiler = _Spoiler(times)
        client.meta.events.register("after-call.cloudwatch-logs.PutLogEvents", spoiler)
        yield client, spoiler


@pytest.mark.every_loop
async def test_delivery_goes_on_after_a_bug(server, block, logger, said):
    """A batch on which our code fails is kept and tried again, and other streams do not notice."""
    async with (
        _impossible_client(server, times=3) as (client, _),
        block(client=client, endpoint_url=None, send_interval=0) as logs,
    ):
        logger.info("fatal")
        await logs.flush(timeout=60)
        for number in range(10):
            logger.info("after %d", number)
        await logs.flush(timeout=60)
    seen = logs.statistics()
    assert (seen.logged, seen.delivered, seen.pending, seen.dropped) == (11, 11, 0, {})
    # AWS has accepted the record each time, and the answers to all but the last were not understood.
    messages = server.messages("/app")
    assert messages == ["fatal"] * 3 + [f"after {number}" for number in range(10)]
    assert seen.possible_duplicates == 2
    [bug] = [text for text in said if "bug" in text]
    assert bug.startswith(
        "WARNING PutLogEvents on /app:web failed: UnexpectedError: RecursionError"
    )


class _Exhausted:
    """A task factory that has no memory for the tasks of delivery for a while."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self, loop, coro, **arguments):
        current = asyncio.current_task()
        if self.times and current is not None and current.get_name().startswith("aiowatchtower"):
            self.times -= 1
            coro.close()
            raise MemoryError
        return asyncio.Task(coro, loop=loop, **arguments)


async def test_delivery_starts_again_after_a_crash(server, block, logger, said):
    """When the worker itself crashes, what is open is kept, and delivered when it has started again."""
    loop, factory = asyncio.get_running_loop(), _Exhausted(2)
    loop.set_task_factory(factory)
    try:
        async with block(send_interval=0) as logs:
            logger.info("first")
            await logs.flush(timeout=60)
            factory.times = 1
            logger.info("second")
            await logs.flush(timeout=60)
    finally:
        loop.set_task_factory(None)
    assert factory.times == 0
    assert server.messages("/app") == ["first", "second"]
    seen = logs.statistics()
    assert (seen.logged, seen.delivered, seen.pending, seen.dropped) == (2, 2, 0, {})
    [crash] = [text for text in said if "crash" in text or "interrupted" in text]
    assert crash.startswith("WARNING delivery to /app was interrupted by a bug in aiowatchtower")
    assert crash.endswith("delivery starts again: MemoryError()")


async def test_a_bug_that_stays_costs_no_more_than_the_records(server, block, logger, said):
    """A block whose worker crashes again and again is left in time, and its records are counted."""
    lost: list[Lost] = []
    async with (
        _impossible_client(server) as (client, _),
        block(client=client, endpoint_url=None, on_drop=lost.append, shutdown_timeout=1) as logs,
    ):
        logger.info("fatal")
        logger.info("fatal too")
    seen = logs.statistics()
    assert (seen.logged, seen.pending, seen.pending_bytes) == (2, 0, 0)
    assert seen.dropped == {"shutdown": 2}
    assert [(each.reason, each.count, each.messages) for each in lost] == [
        ("shutdown", 2, ["fatal", "fatal too"])
    ]
    assert len([text for text in said if "bug" in text]) == 1


async def test_flush_outlives_the_crash(server, block, logger):
    """A flush that waits for the crashing batch goes on waiting, and returns when it is delivered."""
    async with (
        _impossible_client(server, times=1) as (client, _),
        block(client=client, endpoint_url=None) as logs,
    ):
        logger.info("fatal")
        await asyncio.wait_for(logs.flush(), 60)
        assert logs.statistics().delivered == 1


async def test_new_block_after_the_crash(server, block, logger):
    """A handler whose worker has crashed until the end delivers again in its next block."""
    async with _impossible_client(server) as (client, spoiler):
        logs = block(client=client, endpoint_url=None, shutdown_timeout=0.5)
        async with logs:
            logger.info("fatal")
        spoiler.times = 0
        async with logs:
            logger.info("healthy")
    assert server.messages("/app")[-1] == "healthy"
    seen = logs.statistics()
    assert (seen.delivered, seen.dropped, seen.pending) == (1, {"shutdown": 1}, 0)


async def test_an_event_that_cannot_be_encoded_is_dropped_alone(server, block, logger, said):
    """An event on which our encoder fails is found by halving, dropped and told of; its neighbours arrive once."""
    async with block(send_interval=3600) as logs:
        for number in range(5):
            logger.info("before %d", number)
        # No formatter lets a lone surrogate through, so it is put in behind them.
        logs.handler.inbox.put("web", int(time.time() * 1000), "\ud800", 29, False)
        for number in range(5):
            logger.info("after %d", number)
        await logs.flush(timeout=60)
        seen = logs.statistics()
    expected = [f"{when} {number}" for when in ("before", "after") for number in range(5)]
    assert server.messages("/app") == expected
    assert (seen.delivered, seen.dropped, seen.pending) == (10, {"refused": 1}, 0)
    assert seen.possible_duplicates == 0
    [told] = [text for text in said if "EncodingFailed" in text]
    assert "please report it" in told
