"""Leaving the block: with everything delivered, whatever it is that ends it."""

from __future__ import annotations

import asyncio

import anyio
import pytest


def _log(logger, count, text="record"):
    texts = [f"{text} {number}" for number in range(count)]
    for each in texts:
        logger.info(each)
    return texts


def _is_balanced(seen):
    fates = seen.delivered + sum(seen.rejected.values()) + sum(seen.dropped.values())
    return seen.logged == fates + seen.pending


@pytest.mark.every_loop
async def test_many_records_right_before_the_end(server, block, logger, said):
    """Ten thousand records logged just before the block is left are delivered once, in order."""
    server.configure(latency=0.05)
    logs = block(shutdown_timeout=3600)
    await logs.__aenter__()
    texts = _log(logger, 10_000)
    await logs.__aexit__(None, None, None)
    assert server.messages("/app") == texts
    seen = logs.statistics()
    assert (seen.logged, seen.delivered, seen.pending, seen.batches) == (10_000, 10_000, 0, 1)
    assert logs.handler not in logger.handlers
    assert said == []


async def test_more_than_one_batch_at_the_end(server, block, logger):
    """What takes several requests at the end is delivered in order too."""
    async with block(max_batch_count=100, max_in_flight=1):
        texts = _log(logger, 1_050)
    assert server.messages("/app") == texts
    accepted = [call.event_count for call in server.calls("PutLogEvents") if call.status == 200]
    assert accepted == [100] * 10 + [50]


@pytest.mark.every_loop
async def test_body_raises(server, block, logger):
    """The body's exception goes on as it is, after its records were delivered."""
    wrong = ValueError("wrong")
    with pytest.raises(ValueError, match="wrong") as caught:  # noqa: PT012 - the block is the point
        async with block():
            texts = _log(logger, 100)
            raise wrong
    assert caught.value is wrong
    assert (wrong.__cause__, wrong.__context__) == (None, None)
    assert server.messages("/app") == texts


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
async def test_body_ends_the_program(server, block, logger, kind):
    """What is no Exception goes on too, after the records were delivered."""
    reached, texts = None, []
    try:
        async with block():
            texts = _log(logger, 10)
            raise kind
    except BaseException as exc:  # noqa: BLE001 - these are what the test is about
        reached = exc
    assert type(reached) is kind
    assert server.messages("/app") == texts


@pytest.mark.every_loop
async def test_a_generator_that_is_closed(server, block, logger):
    """A lifespan that is an async generator may be closed at its yield; its records are delivered first."""

    async def lifespan():
        async with block():
            yield _log(logger, 10)

    generator = lifespan()
    texts = await anext(generator)
    await generator.aclose()
    assert server.messages("/app") == texts


@pytest.mark.every_loop
async def test_native_cancellation(server, block, logger):
    """A cancelled task delivers its records, and is cancelled then."""
    is_inside = asyncio.Event()

    async def serve():
        async with block():
            _log(logger, 100)
            is_inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(serve())
    await is_inside.wait()
    task.cancel("shutting down")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert len(server.messages("/app")) == 100


@pytest.mark.every_loop
async def test_anyio_cancellation(server, block, logger):
    """A cancelled scope around the block is left with the records delivered."""
    with anyio.CancelScope() as scope:
        async with block():
            texts = _log(logger, 100)
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert server.messages("/app") == texts


async def test_anyio_timeout(server, block, logger):
    """A timeout around the block is a TimeoutError, with the records delivered."""
    with pytest.raises(TimeoutError):  # noqa: PT012 - the block is the point
        with anyio.fail_after(0.01):
            async with block():
                texts = _log(logger, 100)
                await anyio.sleep_forever()
    assert server.messages("/app") == texts


async def test_sibling_task_fails(server, block, logger):
    """In a task group whose other task fails, the group's error is that task's and no other."""

    async def fail():
        raise ValueError("sibling")

    async def serve(*, task_status):
        async with block():
            _log(logger, 10)
            task_status.started()
            await anyio.sleep_forever()

    failures = []
    try:
        async with anyio.create_task_group() as tasks:
            await tasks.start(serve)
            tasks.start_soon(fail)
    except BaseException as group:  # noqa: BLE001 - the builtin ExceptionGroup is of 3.11
        failures = [repr(exc) for exc in group.exceptions]  # type: ignore[attr-defined]
    assert failures == ["ValueError('sibling')"]
    assert len(server.messages("/app")) == 10


@pytest.mark.every_loop
async def test_second_cancellation(server, block, logger, elsewhere):
    """While a cancelled block waits for AWS, one more cancellation ends the wait at once."""
    server.faults.hang()
    logs = block(shutdown_timeout=3600)
    is_inside = asyncio.Event()

    async def serve():
        async with logs:
            _log(logger, 100)
            is_inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(serve())
    await is_inside.wait()
    task.cancel()
    await elsewhere(server.wait_for_calls, 1, "PutLogEvents")
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait([each for each in others if "aiowatchtower" in each.get_name()] or [task])
    seen = logs.statistics()
    assert (seen.dropped, seen.pending) == ({"shutdown": 100}, 0)


async def test_cancelled_while_leaving(server, block, logger, elsewhere):
    """A first cancellation while the block is left in peace lets the delivery end, and then goes on."""
    server.faults.delay(answer=0.3)
    task = asyncio.create_task(_log_and_leave(block(), logger, 10))
    await elsewhere(server.wait_for_calls, 1, "PutLogEvents")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(server.messages("/app")) == 10


async def test_cancelled_twice_while_leaving(server, block, logger, elsewhere):
    """The second cancellation while the block is left in peace ends the wait."""
    server.faults.hang()
    logs = block(shutdown_timeout=3600)
    task = asyncio.create_task(_log_and_leave(logs, logger, 10))
    await elsewhere(server.wait_for_calls, 1, "PutLogEvents")
    task.cancel()
    await asyncio.wait([task], timeout=0.05)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_anyio_cancelled_while_leaving(server, block, logger, elsewhere):
    """A scope that is cancelled while the block is left lets the delivery end."""
    server.faults.delay(answer=0.3)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_log_and_leave, block(), logger, 10)
            await elsewhere(server.wait_for_calls, 1, "PutLogEvents")
            scope.cancel()
    assert scope.cancelled_caught
    assert len(server.messages("/app")) == 10


async def _log_and_leave(logs, logger, count):
    async with logs:
        _log(logger, count)


async def test_cancelled_while_entering(server, block, logger):
    """A strict block that is cancelled while it proves delivery leaves nothing attached or running."""
    server.faults.hang()
    before = asyncio.all_tasks()
    logs = block(strict=True)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_log_and_leave, logs, logger, 1)
            await anyio.to_thread.run_sync(server.wait_for_calls, 1, "PutLogEvents")
            scope.cancel()
    assert logs.handler not in logger.handlers
    assert asyncio.all_tasks() == before


@pytest.mark.every_loop
@pytest.mark.parametrize("fault", ["hang", "never_read", "down", "throttle", "garbage", "cut"])
async def test_dead_endpoint(server, block, logger, said, fault):
    """A block that cannot deliver is left in time, with one warning that says how many and where."""
    if fault == "down":
        server.down()
    else:
        getattr(server.faults, fault)(*(["html_502"] if fault == "garbage" else []))
    tasks = asyncio.all_tasks()
    logs = block(shutdown_timeout=0.5)
    async with logs:
        _log(logger, 25)
    assert asyncio.all_tasks() == tasks
    seen = logs.statistics()
    assert (seen.dropped, seen.pending, seen.pending_bytes) == ({"shutdown": 25}, 0, 0)
    assert _is_balanced(seen)
    [last] = [text for text in said if "could not be delivered" in text]
    assert last.startswith("WARNING 25 records to /app (web) ")
    assert "shutdown_timeout=0.5" in last
    assert seen.last_error is not None


async def test_no_time_to_deliver(server, block, logger, said):
    """`shutdown_timeout=0` gives up what is not delivered, and says so."""
    async with block(shutdown_timeout=0) as logs:
        _log(logger, 5)
    seen = logs.statistics()
    assert (seen.dropped, seen.pending) == ({"shutdown": 5}, 0)
    assert [text.split(" (")[0] for text in said] == ["WARNING 5 records to /app"]


async def test_nothing_to_deliver(server, block):
    """A block in which nothing was logged makes no request and is left at once."""
    async with block(shutdown_timeout=3600):
        pass
    assert server.requests == []
