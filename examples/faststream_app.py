"""FastStream: the block is entered in the lifespan.

python -m pip install "faststream[redis,cli]"
faststream run faststream_app:app
"""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faststream import FastStream
from faststream.redis import RedisBroker

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
broker = RedisBroker(os.environ.get("BROKER_URL", "redis://127.0.0.1"))


@asynccontextmanager
async def lifespan() -> AsyncIterator[None]:
    """Ship logs for as long as the application runs."""
    async with CloudWatchLogging("/examples/faststream", loggers=("", "faststream")):
        yield


app = FastStream(broker, lifespan=lifespan)


@broker.subscriber(list="orders")
@broker.publisher(list="shipped")
async def ship(number: int) -> int:
    """Ship an order."""
    logger.info("order %d is shown", number)
    return number
