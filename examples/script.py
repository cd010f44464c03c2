"""A script, a worker or a scheduled job whose logs go to CloudWatch Logs.

python script.py
"""

import asyncio
import logging

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("job")


async def main() -> None:
    """Log text, a mapping and a traceback: each becomes one event."""
    async with CloudWatchLogging("/examples/script"):
        logger.info("the job begins")
        # A mapping becomes JSON, whose fields CloudWatch Logs Insights finds by itself.
        logger.info({"event": "order shipped", "order": 7, "items": ["tea", "cup"]})
        await asyncio.to_thread(logger.info, "a thread's records are shipped, too")
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            logger.exception("a step failed")
    # Here everything above is delivered.


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main())
