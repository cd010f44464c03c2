"""`await logs.flush()`: what it waits for, and what it does not."""

from __future__ import annotations

import asyncio
import builtins
import threading
from datetime import timedelta

import pytest


@pytest.mark.every_loop
async def test_everything_logged_before_has_its_fate(server, block, logger):
    """Flushing returns when what was logged before it has arrived, however long the interval is."""
    async with block() as logs:
        for number in range(3):
            logger.info("record %d", number)
            await logs.flush()
            assert len(server.messages("/app")) == number + 1
            assert logs.statistics().pending == 0


async def test_nothing_to_wait_for(server, block, logger):
    """Flushing returns at once before entry, in an empty block, in a flushed one, and after exit."""
    logs = block()
    await logs.flush()
    async with logs:
        await logs.flush()
    await logs.flush(timeout=0)
    assert server.requests == []
    async with logs:
        logger.info("record")
        await logs.flush()
        await logs.flush(timeout=60)
    assert len(server.calls("PutLogEvents")) == 2  # the first finds no stream


async def test_no_block_to_deliver_what_waits(server, block, logger):
    """Flushing outside the block says what to do when records wait for one."""
    logs = block()
    logger.addHandler(logs.handler)
    logger.info("early")
    with pytest.raises(RuntimeError, match="async with"):
        await logs.flush()
    async with logs:
        await logs.flush()
    assert server.messages("/app") == ["early"]


@pytest.mark.every_loop
async def test_time_is_up(server, block, logger, elsewhere):
    """A flush that takes too long raises the builtin TimeoutError; delivery goes on."""
    server.faults.delay(answer=0.3, times=1)
    async with block() as logs:
        logger.info("record")
        with pytest.raises(builtins.TimeoutError, match=r"^1 records have no fate after 0\.05 s"):
            await logs.flush(timeout=0.05)
        assert await elsewhere(server.wait_for, 1) == 1
        await logs.flush(timeout=60)
        assert logs.statistics().delivered == 1
    assert server.messages("/app") == ["record"]


async def test_no_time_at_all(server, block, logger):
    """A timeout of zero looks, and does not wait."""
    async with block() as logs:
        logger.info("record")
        with pytest.raises(TimeoutError):
            await logs.flush(timeout=0)
    assert server.messages("/app") == ["record"]


@pytest.mark.parametrize("timeout", [0, 0.0, timedelta(0)])
async def test_no_time_and_nothing_to_wait_for(block, logger, timeout):
    """From an empty state it returns at once, in time by any measure; also before and after the block."""
    logs = block()
    await logs.flush(timeout=timeout)
    async with logs:
        await logs.flush(timeout=timeout)
        logger.info("record")
    await logs.flush(timeout=timeout)


@pytest.mark.parametrize(
    ("timeout", "kind"), [(-1, ValueError), ("5", TypeError), (True, TypeError)]
)
async def test_a_timeout_that_is_none(block, timeout, kind):
    """The error names the argument and the value."""
    async with block() as logs:
        with pytest.raises(kind, match=f"timeout={timeout!r}: must be a number of seconds"):
            await logs.flush(timeout=timeout)


async def test_flush_is_cancelled(server, block, logger):
    """Cancelling one flush harms neither the delivery nor the other flushes."""
    server.faults.delay(answer=0.2, times=1)
    async with block() as logs:
        logger.info("record")
        first, second = (asyncio.create_task(logs.flush()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await second
        assert first.cancelled()
        assert server.messages("/app") == ["record"]


async def test_failing_endpoint(server, block, logger):
    """A flush outlasts failures, and returns with the records delivered."""
    server.faults.throttle(times=3)
    async with block() as logs:
        logger.info("record")
        await logs.flush(timeout=60)
        assert server.messages("/app") == ["record"]


async def test_what_cannot_be_delivered_is_met_too(server, block, logger):
    """A record that AWS refuses has met its fate as well."""
    server.faults.poison("poison")
    async with block() as logs:
        logger.info("poison")
        await logs.flush(timeout=60)
        assert logs.statistics().dropped == {"refused": 1}


@pytest.mark.every_loop
async def test_flush_from_another_loop(server, block, logger, elsewhere):
    """Another thread's loop may flush the block as well, with a timeout too."""
    async with block() as logs:
        logger.info("first")
        await elsewhere(asyncio.run, logs.flush())
        assert server.messages("/app") == ["first"]
        server.faults.hang(times=1)
        logger.info("second")
        with pytest.raises(TimeoutError):
            await elsewhere(asyncio.run, logs.flush(timeout=0.05))
        server.drop_connections()
        await elsewhere(asyncio.run, logs.flush(timeout=60))
        assert server.messages("/app") == ["first", "second"]


async def test_flush_while_threads_log(server, block, logger):
    """While threads log without a pause, flushing returns with all that came before it, again and again."""
    is_over = threading.Event()

    def log_on(name):
        number = 0
        while not is_over.is_set():
            logger.info("%s %d", name, number)
            number += 1
            is_over.wait(0.0005)

    async with block() as logs:
        threads = [asyncio.to_thread(log_on, name) for name in "abc"]
        logging = asyncio.gather(*threads)
        for number in range(10):
            logger.info("mark %d", number)
            await logs.flush(timeout=60)
            assert f"mark {number}" in server.messages("/app")
        is_over.set()
        await logging
    seen = logs.statistics()
    assert len(server.messages("/app")) == seen.delivered == seen.logged > 30


async def test_many_flushes_at_once(server, block, logger):
    """Many tasks may flush at the same time; each gets what it logged."""
    async with block() as logs:

        async def serve(number):
            logger.info("record %d", number)
            await logs.flush()
            return f"record {number}" in server.messages("/app")

        assert all(await asyncio.gather(*map(serve, range(50))))
    assert len(server.calls("PutLogEvents")) < 20


async def test_left_while_a_flush_waits(server, block, logger):
    """A flush that is waiting when the block is left returns when the rest has met its fate."""
    server.faults.hang()
    async with block(shutdown_timeout=0.3) as logs:
        logger.info("record")
        flush = asyncio.create_task(logs.flush())
        await asyncio.sleep(0)
    await flush
    assert logs.statistics().dropped == {"shutdown": 1}
