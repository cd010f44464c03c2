"""A formatter of python-json-logger, unchanged: any logging.Formatter will do.

python -m pip install python-json-logger
python json_logger_app.py
"""

import asyncio
import logging

from pythonjsonlogger.json import JsonFormatter

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")


async def main() -> None:
    """Log through the formatter that the service had before."""
    formatter = JsonFormatter(
        "%(levelname)s %(name)s %(message)s", static_fields={"service": "shop"}
    )
    async with CloudWatchLogging("/examples/json-logger", formatter=formatter):
        logger.info("order shipped", extra={"order": 7})
        logger.info({"message": "a mapping", "order": 8})
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            logger.exception("a step failed")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main())
