"""A program that starts a block and never leaves it; its loop ends in the way that the first argument names."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
how = sys.argv[1]
started = threading.Event()


async def main() -> None:
    """Log three records that wait for their batch."""
    logs = CloudWatchLogging("/app", "web", loggers=["shop"], send_interval=3600)
    await logs.start()
    for number in range(3):
        logger.info("record %d", number)
    if how == "delivered":
        await logs.flush()
    started.set()
    if how == "runs on":
        await asyncio.Event().wait()


if how == "not closed":
    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
elif how == "runs on":
    threading.Thread(target=asyncio.run, args=(main(),), daemon=True).start()
    started.wait()
else:
    asyncio.run(main())
if how == "logs on":
    logger.info("without a loop")
