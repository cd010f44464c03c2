"""Log a hundred records, say so, and end in the way that the first argument names."""

from __future__ import annotations

import asyncio
import logging
import sys

import uvloop

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
logger.addHandler(logging.NullHandler())


async def main(how):
    async with CloudWatchLogging(
        "/app", "web", loggers=["shop"], send_interval=3600, shutdown_timeout=3600
    ):
        for number in range(100):
            logger.info("record %d", number)
        # Before Python 3.11 Ctrl+C strikes wherever the loop is: let it be idle.
        await asyncio.sleep(0.2)
        print("ready", flush=True)
        if how == "wait":
            await asyncio.Event().wait()
        elif how == "raise":
            raise ValueError("wrong")
        elif how == "exit":
            sys.exit(3)
        elif how == "exit in a task":
            await asyncio.create_task(leave())


async def leave():
    sys.exit(3)


if __name__ == "__main__":
    run = uvloop.run if sys.argv[2:] == ["uvloop"] else asyncio.run
    run(main(sys.argv[1]))
