"""A program that stops and closes its loop inside the block, and lets the coroutine in it be collected."""

import asyncio
import gc
import logging
import sys

from aiowatchtower import CloudWatchLogging

log = logging.getLogger("app")
log.setLevel("INFO")
logs = CloudWatchLogging("/app", "web", send_interval=0, loggers=[log])


async def main(turns: str) -> None:
    async with logs:
        log.info("kept")
        if turns.isdigit():
            for _ in range(int(turns)):
                await asyncio.sleep(0)
        else:
            while logs.statistics().last_error is None:  # noqa: ASYNC110 - nothing tells of a failure
                await asyncio.sleep(0.01)
        asyncio.get_running_loop().stop()
        await asyncio.Event().wait()


loop = asyncio.new_event_loop()
# asyncio's loops know their tasks weakly: only this name keeps the coroutine.
running = loop.create_task(main(sys.argv[1]))
loop.run_forever()
loop.close()
del running
gc.collect()
print("filters:", logging.getLogger("botocore.endpoint").filters, "handlers:", log.handlers)
print("pending:", logs.statistics().pending)
