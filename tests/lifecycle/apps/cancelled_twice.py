"""A program that is cancelled twice, once it gets SIGUSR1: the second time while its block is being left."""

import asyncio
import contextlib
import gc
import logging
import signal

from aiowatchtower import CloudWatchLogging

log = logging.getLogger("app")
log.setLevel("INFO")
logs = CloudWatchLogging("/app", "web", send_interval=0, loggers=[log], shutdown_timeout=3600)


async def serve() -> None:
    async with logs:
        log.info("on its way")
        await asyncio.Event().wait()


async def main() -> None:
    loop = asyncio.get_running_loop()
    task = loop.create_task(serve())

    def cancel_twice() -> None:
        task.cancel()
        # The task takes note of the first cancellation in the next turn.
        loop.call_soon(lambda: loop.call_soon(lambda: loop.call_soon(task.cancel)))

    loop.add_signal_handler(signal.SIGUSR1, cancel_twice)
    with contextlib.suppress(asyncio.CancelledError):
        await task


asyncio.run(main())
gc.collect()
print("dropped:", logs.statistics().dropped, "pending:", logs.statistics().pending)
