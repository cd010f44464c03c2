"""One real worker: ready when it has imported everything, at work from the line that it is sent."""

from __future__ import annotations

import asyncio
import json
import logging
import sys

import aiowatchtower


async def work(number: int, seconds: int) -> None:
    """Log once a second from a random part of the first second on, then stay until all has arrived."""
    logger = logging.getLogger("app")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    block = aiowatchtower.CloudWatchLogging(
        "/fleet", f"worker-{number:05}", loggers=("app",), send_interval=1.0, shutdown_timeout=300.0
    )
    async with block as logs:
        for _ in range(seconds):
            logger.info("x" * 200)
            await asyncio.sleep(1.0)
        await logs.flush(300.0)
    seen = logs.statistics()
    print(json.dumps({"logged": seen.logged, "delivered": seen.delivered}), flush=True)


if __name__ == "__main__":
    aiowatchtower.prewarm()
    logging.getLogger("aiowatchtower").addHandler(logging.NullHandler())
    logging.getLogger("aiowatchtower").propagate = False
    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(work(int(sys.argv[1]), int(sys.argv[2])))
