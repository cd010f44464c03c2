"""A FastAPI service whose logs, and uvicorn's, go to CloudWatch Logs.

uvicorn fastapi_app:app
"""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from aiowatchtower import CloudWatchLogging

logging.basicConfig(level=logging.INFO)  # else the root logger lets WARNING and above pass only
logger = logging.getLogger("shop")

UNLUCKY = 13
LOG_GROUP = os.environ.get("LOG_GROUP", "/examples/fastapi")
# uvicorn's loggers do not pass their records on to the root logger, so they are named.
LOGGERS = ("", "uvicorn", "uvicorn.error", "uvicorn.access")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Ship logs for as long as the application runs."""
    async with CloudWatchLogging(LOG_GROUP, loggers=LOGGERS) as logs:
        logger.info("the shop is open")
        yield
        logger.info("the shop is closed")
    # The block is left and everything is delivered: this line goes to the console alone.
    seen = logs.statistics()
    sent = f"batches: {seen.batches}, bytes sent: {seen.wire_bytes}"
    logger.info("%d of %d records delivered (%s)", seen.delivered, seen.logged, sent)


app = FastAPI(lifespan=lifespan)


@app.get("/orders/{number}")
async def show_order(number: int) -> dict[str, int]:
    """Log one line for each order, and fail on one: its traceback is shipped too."""
    logger.info("order %d is shown", number)
    if number == UNLUCKY:
        raise RuntimeError("no such luck")
    return {"order": number}
