"""Fork inside the block while threads log; each child logs, and delivers in a block of its own."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading

import uvloop

from aiowatchtower import CloudWatchLogging

CHILDREN = 8
logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)


def log_on(name, is_over, counts):
    number = 0
    while not is_over.is_set():
        logger.info("%s %d", name, number)
        number += 1
        if not number % 50:
            is_over.wait(0.001)
    counts[name] = number


async def deliver(handler, number):
    async with CloudWatchLogging.from_handler(handler) as logs:
        logger.info("child %d inside", number)
    return logs.statistics()


def be_a_child(handler, number, run):
    signal.alarm(100)
    logger.info("child %d before", number)
    logger.info("child %d again", number)
    waiting = handler.statistics()
    seen = run(deliver(handler, number))
    good = (waiting.logged, waiting.pending, seen.delivered, seen.pending) == (2, 2, 3, 0)
    os._exit(0 if good else 1)


async def main(run):
    async with CloudWatchLogging(
        "/app", "{process_id}", loggers=["shop"], send_interval=0.05
    ) as logs:
        is_over = threading.Event()
        counts: dict[str, int] = {}
        threads = [threading.Thread(target=log_on, args=(name, is_over, counts)) for name in "abcd"]
        for thread in threads:
            thread.start()
        codes = []
        for number in range(CHILDREN):
            child = os.fork()
            if not child:
                be_a_child(logs.handler, number, run)
            _, status = await asyncio.to_thread(os.waitpid, child, 0)
            codes.append(os.waitstatus_to_exitcode(status))
        is_over.set()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        logger.info("last")
    seen = logs.statistics()
    print(json.dumps({"pid": os.getpid(), "counts": counts, "codes": codes,
                      "delivered": seen.delivered, "pending": seen.pending}), flush=True)  # fmt: skip


if __name__ == "__main__":
    runner = uvloop.run if sys.argv[1:] == ["uvloop"] else asyncio.run
    runner(main(runner))
