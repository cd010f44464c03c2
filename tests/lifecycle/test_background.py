"""Blocks of programs without an event loop: `with`, `start_background()`, and what they share with hooks."""

from __future__ import annotations

import asyncio
import logging
import threading
from datetime import timedelta

import pytest

from aiowatchtower import BackgroundLogging, CloudWatchLogging, CloudWatchLogHandler, SetupError


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    """Fail the test when a thread of the library outlives it."""
    yield
    left = [each for each in threading.enumerate() if each.name.startswith("aiowatchtower")]
    for each in left:
        # One that reads files ends when it has read them.
        each.join(20)
    assert not [each for each in left if each.is_alive()]


def test_records_of_all_threads(server, block, logger):
    """Each record of each thread arrives once, in the thread's order, the last ones when the block is left."""

    def log_on(name):
        for number in range(500):
            logger.info("%s %d", name, number)

    with block() as logs:
        threads = [threading.Thread(target=log_on, args=[name]) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        logger.info("the end")
    texts = server.messages("/app")
    for name in "abcd":
        assert [text for text in texts if text[0] == name] == [f"{name} {n}" for n in range(500)]
    assert texts[-1] == "the end"
    assert len(texts) == 2001
    assert logs.statistics().delivered == 2001


def test_delivers_while_it_is_open(server, block, logger):
    """Records are sent after `send_interval`, without anybody waiting for them."""
    with block(send_interval=0.05):
        logger.info("first")
        server.wait_for(1)
        logger.info("second")
        server.wait_for(2)
    assert server.messages("/app") == ["first", "second"]


def test_flush_blocks(server, block, logger):
    """`flush()` returns when everything logged before it has arrived, also through the block that was entered."""
    made = block()
    with made as logs:
        logger.info("first")
        logs.flush(timeout=timedelta(seconds=60))
        assert server.messages("/app") == ["first"]
        logger.info("second")
        made.flush(timeout=60)
        assert server.messages("/app") == ["first", "second"]


def test_flush_runs_out_of_time(server, block, logger):
    """A flush that takes too long raises TimeoutError, and delivery goes on."""
    server.faults.hang(times=1)
    with block(shutdown_timeout=20) as logs:
        logger.info("slow")
        with pytest.raises(TimeoutError, match=r"1 records .* after 0\.05 s; delivery goes on"):
            logs.flush(timeout=0.05)
    assert server.messages("/app") == ["slow"]


@pytest.mark.parametrize("timeout", [-1, "soon", float("nan")])
def test_flush_with_a_timeout_that_is_none(block, timeout):
    """A timeout that is no time to wait is refused."""
    with block() as logs, pytest.raises((TypeError, ValueError), match="timeout="):
        logs.flush(timeout=timeout)


def test_flush_of_a_block_that_is_not_open(block, logger):
    """Without a block to deliver them, waiting records make `flush()` raise; without any it returns."""
    made = block()
    with made as logs:
        pass
    logs.flush()
    handler = CloudWatchLogHandler("/app", "web")
    kept = CloudWatchLogging.from_handler(handler)
    logger.addHandler(handler)
    logger.info("kept")
    with pytest.raises(RuntimeError, match="enter `async with` or `with` first"):
        asyncio.run(kept.flush())


async def test_awaiting_a_flush_that_has_blocked(server, block, logger, elsewhere):
    """In a coroutine, what `flush()` of a background block returns may be awaited, or become a task."""
    made = block()
    await elsewhere(made.start_background)
    logger.info("first")
    await made.flush()
    assert server.messages("/app") == ["first"]
    await asyncio.create_task(made.flush())
    await elsewhere(made.close)


async def test_refused_inside_a_running_loop(block, logger):
    """Where a loop runs, `with` and `start_background()` say what to write, and change nothing."""
    before = logger.handlers[:]
    with pytest.raises(RuntimeError, match="async with"), block():
        pass
    with pytest.raises(RuntimeError, match="async with"):
        block().start_background()
    assert logger.handlers == before


def test_the_programs_exception_goes_on(server, block, logger):
    """What the body raises is raised as it was, and the records arrive."""
    problem = ValueError("mine")

    def run():
        with block():
            logger.info("before")
            raise problem

    with pytest.raises(ValueError, match="mine") as caught:
        run()
    assert caught.value is problem
    assert server.messages("/app") == ["before"]


def test_entered_again(server, block, logger):
    """A block that was left may be entered again, in either form."""
    made = block()

    async def on_a_loop():
        async with made:
            logger.info("second")

    with made:
        logger.info("first")
    asyncio.run(on_a_loop())
    with made:
        logger.info("third")
    assert server.messages("/app") == ["first", "second", "third"]
    assert made.handler not in logger.handlers
    assert made.statistics().delivered == 3


def test_two_blocks_left_in_any_order(server, block, logger):
    """Two blocks run side by side, each in a thread of its own."""
    first, second = block("/first").start_background(), block("/second").start_background()
    logger.info("both")
    first.close()
    logger.info("one")
    second.close()
    assert server.messages("/first") == ["both"]
    assert server.messages("/second") == ["both", "one"]


def test_handlers_that_are_configured(server, logger):
    """`configured()` and `from_handler()` run handlers that are there, with what they have kept."""
    handler = CloudWatchLogHandler("/app", "web", endpoint_url=server.url)
    logger.addHandler(handler)
    logger.info("early")
    with CloudWatchLogging.configured() as logs:
        assert logs.handler is handler
        logger.info("inside")
    with CloudWatchLogging.from_handler(handler) as logs:
        assert logs.handlers == (handler,)
        logger.info("again")
    assert server.messages("/app") == ["early", "inside", "again"]


def test_strict(server, block, logger):
    """With `strict=True` entering fails when nothing can be delivered, and leaves nothing behind."""
    server.faults.fail("AccessDeniedException")
    made = block(strict=True)
    with pytest.raises(SetupError), made:
        pass
    assert made.handler not in logger.handlers


def test_switched_off(server, block, logger):
    """With `enabled=False` nothing is attached, and no thread is started."""
    with block(enabled=False) as logs:
        assert logs.handler not in logger.handlers
        assert not [each for each in threading.enumerate() if "aiowatchtower" in each.name]
        logger.info("nobody listens")
        logs.flush()
    assert server.requests == []


def test_dead_endpoint(server, block, logger, said):
    """With an endpoint that never answers, the block is left within its timeout, with one warning."""
    server.faults.hang()
    with block(shutdown_timeout=0.5) as logs:
        logger.info("lost")
    assert logs.statistics().dropped == {"shutdown": 1}
    assert len([text for text in said if "could not be delivered" in text]) == 1


def test_a_second_time(block):
    """A block that is open cannot be started, and one that is closed may be closed again."""
    made = block()
    logs = made.start_background()
    assert isinstance(logs, BackgroundLogging)
    with pytest.raises(RuntimeError, match="open already"):
        made.start_background()
    with pytest.raises(RuntimeError, match="open already"), made:
        pass
    with pytest.raises(RuntimeError, match="open already"):
        asyncio.run(made.start())
    with pytest.raises(RuntimeError, match="call close"):
        asyncio.run(made.aclose())
    for close in (made.close, logs.close, made.close):
        close()
    asyncio.run(made.aclose())


async def test_hooks_on_a_loop(server, block, logger):
    """`start()` and `aclose()` do what entering and leaving do, in different tasks, and closing may be repeated."""
    made = block()
    await made.aclose()
    assert await asyncio.create_task(made.start()) is made
    logger.info("inside")
    with pytest.raises(RuntimeError, match="open already"):
        await made.start()
    with pytest.raises(RuntimeError, match="await aclose"):
        made.close()
    await asyncio.gather(made.aclose(), made.aclose())
    assert server.messages("/app") == ["inside"]
    await made.aclose()
    assert made.handler not in logger.handlers


async def test_closing_twice_waits_twice(server, block, logger):
    """Whoever closes a block that is being closed returns when everything has arrived."""
    made = block()
    await made.start()
    logger.info("inside")
    first = asyncio.create_task(made.aclose())
    await asyncio.sleep(0)
    await made.aclose()
    assert server.messages("/app") == ["inside"]
    await first


def test_close_is_harmless_before_it_was_started(block):
    """`close()` of a block that nobody has started does nothing."""
    block().close()


def test_shown(block):
    """Its `repr` shows the handlers and what waits in them."""
    with block() as logs:
        assert repr(logs).startswith("<BackgroundLogging <CloudWatchLogHandler /app web (open")


def test_never_a_handler(block, logger):
    """What `with` returns is refused as a logger's handler, as the block itself is."""
    with block() as logs, pytest.raises(TypeError, match="is not a logging handler"):
        logger.addHandler(logs)


def test_logged_while_the_logger_has_another_level(server, block):
    """The handler's level applies in the background as on a loop."""
    shop = logging.getLogger("shop")
    with block(loggers=["shop"], level="ERROR"):
        shop.warning("too low")
        shop.error("high enough")
    assert server.messages("/app") == ["high enough"]
