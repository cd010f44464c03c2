"""Records from threads, and records one at a time."""

from __future__ import annotations

import asyncio
import logging
import threading
import time

import pytest


@pytest.mark.every_loop
async def test_eight_threads(server, block, logger, elsewhere):
    """Of 8 threads with 5 000 records each, all arrive once and each thread's in order."""
    ready = threading.Barrier(9)

    def log(thread):
        ready.wait()
        for number in range(5_000):
            logger.info("%d %d", thread, number)

    async with block(send_interval=0.3) as logs:
        threads = [threading.Thread(target=log, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        await elsewhere(ready.wait)
        await elsewhere(server.wait_for, 1)
        for thread in threads:
            await elsewhere(thread.join)
    texts = server.messages("/app")
    assert len(texts) == logs.statistics().delivered == 40_000
    for name in range(8):
        mine = [int(text.split()[1]) for text in texts if text.startswith(f"{name} ")]
        assert mine == list(range(5_000))


async def test_first_record_of_a_thread_wakes_an_idle_loop(server, block, logger, elsewhere):
    """A thread's record reaches AWS while the loop has nothing else to wake up for."""
    async with block(send_interval=0.2) as logs:
        logger.info("warm up")
        await logs.flush()

        def log_and_wait(number):
            # A round trip, in which the loop has come to its rest. The thread's end would wake it.
            assert server.accepted == 1 + number
            logger.info("record %d", number)
            server.wait_for(2 + number)

        for number in range(5):
            await elsewhere(log_and_wait, number)


async def test_left_while_a_thread_formats(server, block, logger, elsewhere):
    """A record that is being formatted while the block is left is counted as logged after exit."""
    begun, may_end = threading.Event(), threading.Event()

    class Slow(logging.Formatter):
        def format(self, record):
            if record.msg == "slow":
                begun.set()
                may_end.wait()
            return super().format(record)

    async with block(formatter=Slow()) as logs:
        thread = threading.Thread(target=logger.info, args=["slow"])
        thread.start()
        await elsewhere(begun.wait)
        logger.info("record")
    may_end.set()
    await elsewhere(thread.join)
    assert server.messages("/app") == ["record"]
    seen = logs.statistics()
    assert (seen.logged, seen.delivered, seen.dropped) == (2, 1, {"after_exit": 1})
    assert (seen.pending, seen.pending_bytes) == (0, 0)


async def test_to_thread(server, block, logger):
    """`asyncio.to_thread` and the loop log side by side; each keeps its order."""

    def log(name):
        for number in range(500):
            logger.info("%s %d", name, number)

    async with block():
        others = [asyncio.to_thread(log, name) for name in "abcd"]
        await asyncio.gather(*others, asyncio.to_thread(asyncio.run, _log_in_a_loop(log)))
        log("here")
    texts = server.messages("/app")
    assert len(texts) == 3000
    for name in ("a", "b", "c", "d", "loop", "here"):
        mine = [text for text in texts if text.split()[0] == name]
        assert mine == [f"{name} {number}" for number in range(500)]


async def _log_in_a_loop(log):
    log("loop")


@pytest.mark.every_loop
async def test_one_record_then_silence(server, block, logger, elsewhere):
    """One record is delivered within the interval, again and again: no wake-up gets lost."""
    async with block(send_interval=0.05) as logs:
        logger.info("warm up")
        await logs.flush()
        for number in range(20):
            logger.info("record %d", number)
            await elsewhere(server.wait_for, 2 + number)
    assert len(server.messages("/app")) == 21


async def test_many_short_silences(server, block, logger):
    """Records that come just when the worker goes to sleep are seen all the same."""
    async with block(send_interval=0) as logs:
        loop = asyncio.get_running_loop()
        at = loop.time()
        for number in range(100):
            # Around the 10 ms after which staged records are taken over.
            at += 0.0085 + (number % 30) * 0.0001
            loop.call_at(at, logger.info, "record %d", number)
        is_logged = asyncio.Event()
        loop.call_at(at, is_logged.set)
        await is_logged.wait()
        await logs.flush(timeout=60)
        assert len(server.messages("/app")) == 100


@pytest.mark.parametrize("step", [-3600, 3600])
async def test_wall_clock_steps(server, block, logger, elsewhere, step):
    """A wall clock that jumps neither stalls the delivery nor breaks a batch."""

    def log(text, offset):
        record = logging.makeLogRecord({"msg": text, "levelno": logging.INFO})
        record.created = time.time() + offset
        logger.handle(record)

    async with block(send_interval=0.2) as logs:
        log("warm up", 0)
        await logs.flush()
        log("before the step", 0)
        log("after the step", step)
        await elsewhere(server.wait_for, 3)
    assert len(server.calls("PutLogEvents")) == 3  # the first finds no stream
    assert logs.statistics().rejected == {}


async def test_wall_clock_steps_over_a_day(server, block, logger):
    """A clock that is set a day forward splits what lies more than 24 hours apart, and no more."""

    def log(text, offset):
        record = logging.makeLogRecord({"msg": text, "levelno": logging.INFO})
        record.created = time.time() + offset
        logger.handle(record)

    async with block():
        for number in range(100):
            log(f"record {number}", -86_401 if number % 2 else 0)
    accepted = [call.event_count for call in server.calls("PutLogEvents") if call.status == 200]
    assert accepted == [50, 50]
    assert len(server.messages("/app")) == 100
