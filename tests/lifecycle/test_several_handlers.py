"""One block that runs several handlers."""

from __future__ import annotations

import asyncio
import os

import pytest

from aiowatchtower import CloudWatchLogging, CloudWatchLogHandler

GROUPS = ("/a", "/b", "/c")


@pytest.fixture
def handlers(server, logger):
    """Return three handlers on one logger, which ship when their block is left."""
    made = [
        CloudWatchLogHandler(
            group, "web", endpoint_url=server.url, send_interval=3600, shutdown_timeout=20
        )
        for group in GROUPS
    ]
    for handler in made:
        logger.addHandler(handler)
    return made


async def _until_cancelled(logger, is_open):
    async with CloudWatchLogging.configured():
        logger.info("record")
        is_open.set()
        await asyncio.Event().wait()


def _ours():
    return [task for task in asyncio.all_tasks() if "aiowatchtower" in task.get_name()]


@pytest.mark.every_loop
async def test_a_cancellation_while_leaving_waits_for_all(server, handlers, logger, elsewhere):
    """The first one, once the last of them has ended."""
    server.faults.delay(answer=0.5, group="/b")
    is_open = asyncio.Event()

    async def leave():
        async with CloudWatchLogging.configured():
            logger.info("record")
            is_open.set()

    task = asyncio.create_task(leave())
    await is_open.wait()
    await elsewhere(server.wait_for_calls, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [server.messages(group) for group in GROUPS] == [["record"]] * 3
    assert _ours() == []


@pytest.mark.every_loop
async def test_the_second_cancellation_ends_the_wait_for_all(
    server, handlers, logger, said, elsewhere
):
    """Each gives up what it has, counts it and says so."""
    server.faults.hang()
    is_open = asyncio.Event()
    task = asyncio.create_task(_until_cancelled(logger, is_open))
    await is_open.wait()
    task.cancel()
    await elsewhere(server.wait_for_calls, 3, "PutLogEvents")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    if left := _ours():
        await asyncio.wait(left, timeout=10)
    assert _ours() == []
    assert [handler.statistics().dropped for handler in handlers] == [{"shutdown": 1}] * 3
    assert len([text for text in said if "could not be delivered" in text]) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_forked_child_leaves_the_parents_block(server, handlers, logger, elsewhere):
    """As with one handler: nothing is raised, and the records are the parent's."""
    child = 1
    try:
        async with CloudWatchLogging.configured():
            logger.info("record")
            child = os.fork()
    finally:
        if not child:
            os._exit(0 if all(handler.inbox.is_keeping for handler in handlers) else 1)
    assert await elsewhere(os.waitpid, child, 0) == (child, 0)
    assert [server.messages(group) for group in GROUPS] == [["record"]] * 3


async def test_entered_again_right_after_it_was_cut_short(server, block, logger, elsewhere):
    """What the block before has given up is not taken off the books of the next one."""
    logs = block()
    async with logs:
        logger.info("first")
    server.faults.delay(answer=2, times=1)
    is_open = asyncio.Event()

    async def hold():
        try:
            async with logs:
                logger.info("second")
                is_open.set()
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            async with logs:
                logger.info("third")

    task = asyncio.create_task(hold())
    await is_open.wait()
    task.cancel()
    await elsewhere(server.wait_for_calls, 4)
    task.cancel()
    await task
    seen = logs.statistics()
    assert (seen.logged, seen.delivered, seen.dropped) == (3, 2, {"shutdown": 1})
    assert (seen.pending, seen.pending_bytes) == (0, 0)
