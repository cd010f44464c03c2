"""loguru: the handler is a sink like any other.

python -m pip install loguru
python loguru_app.py
"""

import asyncio

from loguru import logger

from aiowatchtower import CloudWatchLogFormatter, CloudWatchLogging


async def main() -> None:
    """Log bound fields and a traceback; both are in the JSON events."""
    async with CloudWatchLogging(
        "/examples/loguru", formatter=CloudWatchLogFormatter(structured=True)
    ) as logs:
        # Time, level and place are fields of the event: the message needs none of them.
        # diagnose=True, loguru's default, would put the values of variables into tracebacks.
        sink = logger.add(logs.handler, format="{message}", backtrace=False, diagnose=False)
        logger.bind(request_id="r-1").info("order {} shipped", 7)
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            logger.exception("a step failed")
        logger.remove(sink)


if __name__ == "__main__":
    asyncio.run(main())
