"""A worker under asyncio.run that an orchestrator ends by SIGTERM.

    python sigterm.py

asyncio.run turns Ctrl+C into a cancellation, but SIGTERM ends the process at once, and what was
logged last is lost. Two lines turn it into a cancellation, too. Windows has no SIGTERM.
"""

import asyncio
import contextlib
import logging
import signal

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("worker")


async def main() -> None:
    """Work until somebody says stop."""
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)

    async with CloudWatchLogging("/examples/sigterm"):
        number = 0
        while True:
            logger.info("order %d is shown", number)
            print(number, flush=True)
            number += 1
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(main())
