"""Many streams over one block: nothing of them stays when they are idle."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
import tracemalloc

import aiobotocore.session


def _log_to(logger, names):
    for name in names:
        record = logging.makeLogRecord({"name": name, "msg": f"to {name}", "levelno": logging.INFO})
        record.created = time.time()
        logger.handle(record)


async def _create(server, names):
    session = aiobotocore.session.get_session()
    async with session.create_client("logs", endpoint_url=server.url) as client:
        await client.create_log_group(logGroupName="/app")
        for name in names:
            await client.create_log_stream(logGroupName="/app", logStreamName=name)


async def test_streams_are_created_below_the_quota(server, block, logger, said):
    """Streams that do not exist are created at a rate that AWS does not throttle."""
    server.configure(create_streams_per_second=50)
    names = [f"stream-{number}" for number in range(60)]
    async with block(stream="{logger_name}", send_interval=0) as logs:
        _log_to(logger, names)
        await logs.flush(timeout=60)
    created = [
        call.monotonic_time for call in server.calls("CreateLogStream") if call.status == 200
    ]
    assert len(created) == 60
    assert max(created) - min(created) > 59 / 50
    assert sorted(server.messages("/app")) == sorted(f"to {name}" for name in names)
    assert said == []


async def test_streams_in_turn(server, block, logger):
    """Hundreds of streams in turn: same threads and connections, and no memory that grows."""
    names = [f"stream-{number}" for number in range(300)]
    await _create(server, names)
    async with block(stream="{logger_name}", send_interval=0, max_in_flight=4) as logs:
        sizes, threads, connections = [], [], []
        tracemalloc.start()
        for turn in range(3):
            _log_to(logger, names[turn * 100 :][:100])
            await logs.flush(timeout=60)
            sizes.append(_own_memory())
            threads.append(threading.active_count())
            connections.append(await asyncio.to_thread(lambda: server.open_connections))
        tracemalloc.stop()
    assert len(server.messages("/app")) == 300
    assert max(connections) <= 4
    assert max(threads) - min(threads) <= 1  # that of asyncio's to_thread
    # 200 names more are remembered, of a bounded number, each with some 400 bytes in all places.
    assert sizes[-1] - sizes[0] < 200 * 400 + 20_000


def _own_memory():
    gc.collect()
    ours = tracemalloc.Filter(inclusive=True, filename_pattern="*/aiowatchtower/_*")
    snapshot = tracemalloc.take_snapshot().filter_traces([ours])
    return sum(statistic.size for statistic in snapshot.statistics("filename"))


async def test_bodies_are_not_kept(server, block, logger):
    """What was sent is free after the answer, although asyncio keeps cancelled timers with their context."""
    async with block(send_interval=0, compression=None) as logs:
        logger.info("warm up")
        await logs.flush()
        tracemalloc.start()
        before = _own_memory()
        for _ in range(30):
            logger.info("x" * 100_000)
            await logs.flush(timeout=60)
        after = _own_memory()
        tracemalloc.stop()
    assert after - before < 500_000
