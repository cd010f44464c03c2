"""A worker whose records survive SIGKILL: start it again, and the next process delivers them.

    AWS_DEFAULT_REGION=eu-central-1 python examples/survives_a_kill.py

Kill it with `kill -9`, look at what it has left with `python -m aiowatchtower spool ./spool`, and start it again.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os

from aiowatchtower import CloudWatchLogging

log = logging.getLogger("worker")


async def main() -> None:
    """Work, and log it, until somebody kills the process."""
    logging.basicConfig(level=logging.INFO)
    async with CloudWatchLogging(
        "/examples/worker", spool_directory=os.environ.get("SPOOL_DIRECTORY", "spool")
    ) as logs:
        for number in itertools.count(1):
            log.info("job %d of process %d is done", number, os.getpid())
            if number % 100 == 0:
                print("recovered so far:", logs.statistics().recovered, flush=True)
            await asyncio.sleep(0.01)


asyncio.run(main())
