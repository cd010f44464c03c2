"""Much at once, from everywhere, in every size and script, against a server that checks each request."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import threading
from collections import defaultdict
from itertools import count

from aiowatchtower import CloudWatchLogging

# 300 000 in five sources: RECORDS_PER_SOURCE=60000.
RECORDS_PER_SOURCE = int(os.environ.get("RECORDS_PER_SOURCE", "8000"))
SCRIPTS = ("request took ", "日本語のログ ", "🦉 emoji ", 'quotes " and \\ and \n ')
PROGRAM_SIZES = (1, 20, 110, 110, 110, 800)


def texts(source: str, seed: int):
    """Yield numbered texts of mixed sizes and scripts; the last of 2 000 is up to 300 KB long."""
    chance = random.Random(seed)
    for number in count():
        size = 300_000 // 12 if number % 2000 == 1999 else chance.choice(PROGRAM_SIZES) // 10
        yield f"{source} {number} {chance.choice(SCRIPTS) * size}"


def log_all(logger: logging.Logger, source: str, seed: int) -> None:
    for _, text in zip(range(RECORDS_PER_SOURCE), texts(source, seed), strict=False):
        logger.info("%s", text)


async def log_from_the_loop(logger: logging.Logger) -> None:
    for number, text in zip(range(RECORDS_PER_SOURCE), texts("loop", 0), strict=False):
        logger.info("%s", text)
        if number % 100 == 0:
            await asyncio.sleep(0)


async def test_records_of_any_size_and_script_arrive_once_and_in_order(server):
    """Four threads and the loop log at once: each record arrives once, each source's in order."""
    logger = logging.getLogger("load")
    logger.setLevel(logging.INFO)
    threads = [
        threading.Thread(target=log_all, args=(logger, f"thread{seed}", seed))
        for seed in range(1, 5)
    ]
    async with CloudWatchLogging(
        "/app/load",
        "all",
        loggers=("load",),
        endpoint_url=server.url,
        max_buffer_size=2**30,
        shutdown_timeout=120,
    ) as logs:
        for thread in threads:
            thread.start()
        await log_from_the_loop(logger)
        for thread in threads:
            await asyncio.to_thread(thread.join)

    seen = logs.statistics()
    assert seen.delivered == seen.logged == 5 * RECORDS_PER_SOURCE
    arrived = defaultdict(list)
    for event in server.events("/app/load"):
        source, number, _ = event.message.split(" ", 2)
        arrived[source].append(int(number))
    assert len(arrived) == 5
    assert all(numbers == list(range(RECORDS_PER_SOURCE)) for numbers in arrived.values())
    puts = server.calls("PutLogEvents")
    assert [put.error_code for put in puts if put.status != 200] == ["ResourceNotFoundException"]
    assert server.signatures_verified == len(server.requests)
