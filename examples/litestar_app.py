"""Litestar: the block is entered in the lifespan, after Litestar has configured logging.

python -m pip install litestar uvicorn
uvicorn litestar_app:app
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, get

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)


@asynccontextmanager
async def cloudwatch(_app: Litestar) -> AsyncIterator[None]:
    """Ship logs for as long as the application runs."""
    async with CloudWatchLogging("/examples/litestar", loggers=("", "uvicorn", "uvicorn.access")):
        yield


@get("/orders/{number:int}")
async def order(number: int) -> str:
    """Show an order."""
    logger.info("order %d is shown", number)
    return "here it is"


app = Litestar(route_handlers=[order], lifespan=[cloudwatch])
