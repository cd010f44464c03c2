"""One block over several tasks, one handler over several loops, several blocks at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import anyio
import pytest
import uvloop
from aiohttp import web

from aiowatchtower import CloudWatchLogging

EACH_LOOP = pytest.mark.parametrize(
    "new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


def _run(new_loop, main):
    """Do what `asyncio.run` does, on any loop: cancel what is left, wait for it, close."""
    loop = new_loop()
    try:
        return loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@pytest.mark.every_loop
async def test_entered_in_one_task_and_left_in_another(server, block, logger):
    """A block need not be left by the task that has entered it."""
    logs = block()
    stack = contextlib.AsyncExitStack()
    await asyncio.create_task(stack.enter_async_context(logs))
    logger.info("between")
    await asyncio.create_task(stack.aclose())
    assert server.messages("/app") == ["between"]
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("aiowatchtower")]


async def test_entered_inside_a_scope_that_is_left_before(server, block, logger):
    """A cancel scope or task group around the entering alone has no hold on the block."""
    stack = contextlib.AsyncExitStack()
    async with anyio.create_task_group() as tasks:
        with anyio.fail_after(60) as scope:
            logs = await stack.enter_async_context(block())
            scope.cancel()
        tasks.cancel_scope.cancel()
    logger.info("after")
    await logs.flush(timeout=60)
    await stack.aclose()
    assert server.messages("/app") == ["after"]


@pytest.fixture
async def open_block(server, block):
    """Give an open block to a test, as a user's fixture would."""
    async with block() as logs:
        yield logs


@pytest.mark.parametrize("run", [1, 2])
async def test_open_in_a_fixture(server, logger, open_block, run):
    """A fixture's setup and teardown may be different tasks than the test."""
    logger.info("run %d", run)
    await open_block.flush(timeout=60)
    assert server.messages("/app") == [f"run {run}"]


async def test_cleanup_context_of_aiohttp(server, block, logger):
    """A server of aiohttp enters and leaves a cleanup context in whichever tasks call setup and cleanup."""

    async def ship(app):
        async with block():
            yield

    app = web.Application()
    app.cleanup_ctx.append(ship)
    runner = web.AppRunner(app)
    await asyncio.create_task(runner.setup())
    logger.info("served")
    await asyncio.create_task(runner.cleanup())
    assert server.messages("/app") == ["served"]


@EACH_LOOP
def test_same_block_in_two_loops(server, block, logger, new_loop):
    """A block that was left may be entered again in another loop; counters go on."""
    logs = block()

    async def main(text):
        async with logs:
            logger.info(text)

    for text in ("first", "second"):
        _run(new_loop, main(text))
    assert server.messages("/app") == ["first", "second"]
    assert logs.statistics().delivered == 2


def test_same_handler_in_two_runs(server, logger, block):
    """A handler of its own keeps what is logged before its block, in each of two runs."""
    handler = block().handler
    logger.addHandler(handler)

    async def main(text):
        async with CloudWatchLogging.from_handler(handler) as logs:
            logger.info(text)
            assert logs.handler is handler

    logger.info("before")
    asyncio.run(main("first"))
    logger.info("between: dropped, and counted")
    asyncio.run(main("second"))
    assert server.messages("/app") == ["before", "first", "second"]
    seen = handler.statistics()
    assert (seen.logged, seen.delivered, seen.dropped) == (4, 3, {"after_exit": 1})


def test_loop_closed_without_leaving(server, block, logger):
    """When a loop was closed with the block open, the records wait for the next one."""
    logs = block()
    logger.addHandler(logs.handler)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(logs.__aenter__())
    loop.run_until_complete(logs.flush())
    for task in asyncio.all_tasks(loop):
        task.cancel()
        loop.run_until_complete(asyncio.wait([task]))
    loop.close()
    logger.info("homeless")
    assert logs.statistics().pending == 1

    async def main():
        async with CloudWatchLogging.from_handler(logs.handler):
            pass

    asyncio.run(main())
    assert server.messages("/app") == ["homeless"]


async def test_entered_again(server, block, logger):
    """The same block may be entered again and again, one after the other."""
    logs = block()
    for number in range(3):
        async with logs:
            logger.info("round %d", number)
    assert server.messages("/app") == ["round 0", "round 1", "round 2"]
    assert len([each for each in logger.handlers if each is logs.handler]) == 0


async def test_entered_twice_at_once(server, block, logger):
    """Entering an open block is a mistake that is named, and does the open one no harm."""
    logs = block()
    async with logs:
        with pytest.raises(RuntimeError, match="open already"):
            await logs.__aenter__()
        with pytest.raises(RuntimeError, match="another block"):
            await CloudWatchLogging.from_handler(logs.handler).__aenter__()
        logger.info("still here")
    assert server.messages("/app") == ["still here"]


@pytest.mark.every_loop
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first first", "last first"])
async def test_two_blocks(server, block, logger, order):
    """Two blocks on one logger ship to their groups, and may be left in either order."""
    blocks = [block("/one"), block("/two")]
    for each in blocks:
        await each.__aenter__()
    logger.info("to both")
    await blocks[order[0]].__aexit__(None, None, None)
    logger.info("to the other")
    await blocks[order[1]].__aexit__(None, None, None)
    logger.info("to none")
    groups = ["/one", "/two"]
    assert server.messages(groups[order[0]]) == ["to both"]
    assert server.messages(groups[order[1]]) == ["to both", "to the other"]


def _cancel_others():
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


@EACH_LOOP
def test_every_other_task_is_cancelled(server, block, logger, said, new_loop):
    """An application that cancels all tasks but its own does not end the delivery."""

    async def main():
        async with block(send_interval=0.1) as logs:
            logger.info("before")
            _cancel_others()
            await asyncio.sleep(0)
            logger.info("after")
            await logs.flush(timeout=60)
            assert server.messages("/app") == ["before", "after"]
        assert logs.statistics().delivered == 2

    _run(new_loop, main())
    assert said == []


@EACH_LOOP
def test_cancelled_worker_comes_back_by_itself(server, block, logger, new_loop):
    """After such a cancellation delivery goes on without a flush, with what was on its way."""
    server.faults.hang(times=1)

    async def main():
        async with block(send_interval=0.1) as logs:
            logger.info("on its way")
            await asyncio.to_thread(server.wait_for_calls, 1, "PutLogEvents")
            _cancel_others()
            logger.info("after")
            await asyncio.to_thread(server.wait_for, 2)
        assert logs.statistics().delivered == 2

    _run(new_loop, main())
    assert server.messages("/app") == ["on its way", "after"]


async def test_one_request_is_cancelled(server, block, logger, elsewhere):
    """Cancelling the task of one request alone neither ends the delivery nor loses its records."""
    server.faults.hang(times=1)
    async with block(send_interval=0) as logs:
        logger.info("on its way")
        await elsewhere(server.wait_for_calls, 1, "PutLogEvents")
        [lane] = [task for task in asyncio.all_tasks() if task.get_name().endswith("_lane")]
        lane.cancel()
        logger.info("after")
        await logs.flush(timeout=60)
        assert server.messages("/app") == ["on its way", "after"]
    seen = logs.statistics()
    assert (seen.delivered, seen.possible_duplicates, seen.pending) == (2, 1, 0)


@EACH_LOOP
def test_every_task_is_cancelled(server, block, logger, new_loop):
    """Cancelling every task, its own too, leaves the block with everything delivered."""

    async def main():
        async with block():
            for number in range(10):
                logger.info("record %d", number)
            for task in asyncio.all_tasks():
                task.cancel()
            await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        _run(new_loop, main())
    assert len(server.messages("/app")) == 10


@EACH_LOOP
def test_cancelled_again_and_again(server, block, logger, new_loop):
    """Cancellations that come while records flow, flushes wait and the block is left cost no record."""

    async def main():
        server.configure(latency=0.005)
        async with block(send_interval=0) as logs:
            for number in range(200):
                logger.info("record %d", number)
                if number % 20 == 19:
                    flush = asyncio.ensure_future(asyncio.shield(logs.flush()))
                    await asyncio.to_thread(server.wait_for, 1)
                    _cancel_worker()
                    await asyncio.wait([flush], timeout=0.01)
            await logs.flush(timeout=60)
            asyncio.get_running_loop().call_later(0.01, _cancel_worker)
            logger.info("record 200")
        return logs.statistics()

    seen = _run(new_loop, main())
    assert (seen.logged, seen.delivered, seen.pending) == (201, 201, 0)
    texts = server.messages("/app")
    assert set(texts) == {f"record {number}" for number in range(201)}
    # A cancelled request may have been accepted: nobody can know, and it is sent again.
    assert len(texts) - 201 <= seen.possible_duplicates


def _cancel_worker():
    for task in asyncio.all_tasks():
        if task.get_name().startswith("aiowatchtower /"):
            task.cancel()


@EACH_LOOP
def test_run_ends_with_the_block_open(server, block, logger, new_loop):
    """A block held by a background task is left when the runner cancels that task at the end."""
    held = []
    forever = asyncio.Event()

    async def hold(is_open):
        async with block():
            is_open.set()
            await forever.wait()

    async def main():
        is_open = asyncio.Event()
        held.append(asyncio.create_task(hold(is_open)))
        await is_open.wait()
        logger.info("last words")

    _run(new_loop, main())
    assert server.messages("/app") == ["last words"]


def test_logging_from_another_loop(server, block, logger):
    """Records of a second loop, in a thread of its own, arrive through the first loop's block."""

    async def log(name):
        for number in range(500):
            logging.getLogger("scenario").info("%s %d", name, number)
            await asyncio.sleep(0)

    async def main():
        async with block(send_interval=0.1):
            await asyncio.gather(log("here"), asyncio.to_thread(asyncio.run, log("there")))

    asyncio.run(main())
    texts = server.messages("/app")
    for name in ("here", "there"):
        found = [text for text in texts if text.startswith(name)]
        assert found == [f"{name} {number}" for number in range(500)]
    assert len(texts) == 1000
