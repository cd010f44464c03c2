"""Log one record with the handler on the root logger and everything at DEBUG, then be silent."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import warnings

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from aiowatchtower import CloudWatchLogging

# Every request opens a connection, and looks up its host.
CONFIG = AioConfig(connector_args={"keepalive_timeout": 0.01, "use_dns_cache": False})
clock = logging.getLogger("clock")
clock.propagate = False
clock.setLevel(logging.INFO)


async def three_intervals():
    """Be over when three intervals are, as seen by another block whose records arrive."""
    async with CloudWatchLogging("/clock", "c", loggers=[clock], send_interval=0.3) as ticking:
        for _ in range(3):
            clock.info("tick")
            await arrived(ticking)


async def arrived(ticking):
    """Wait for a delivery; not with flush(), which does not wait for the interval."""
    before = ticking.statistics().delivered
    while ticking.statistics().delivered == before:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.02)


async def main(how):
    loop = asyncio.get_running_loop()
    # A slow callback is the machine's affair, and its record would be the application's.
    loop.slow_callback_duration = 60
    logs = CloudWatchLogging(
        "/app", "web", send_interval=0.1, config=CONFIG, strict=how == "strict"
    )
    async with logs:
        logging.getLogger("shop").warning("the one record")
        if how == "warnings":
            warnings.warn("the one warning", stacklevel=1)
        if how == "own client":
            async with get_session().create_client("logs") as client:
                await client.describe_log_groups()
            logging.getLogger("aiohttp.access").info("an access of the application's own")
        print("logged", flush=True)
        await logs.flush()
        settled = logs.statistics()
        await three_intervals()
        later = logs.statistics()
        print(json.dumps({"settled": settled.logged, "later": later.logged,
                          "batches": later.batches - settled.batches}), flush=True)  # fmt: skip


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.DEBUG)
    logging.captureWarnings(True)
    asyncio.run(main(sys.argv[1]), debug=os.environ.get("DEBUG") == "1")
