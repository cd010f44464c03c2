"""The application that goes with uvicorn_log_config.yaml, where the handler is declared.

uvicorn uvicorn_log_config_app:app --log-config uvicorn_log_config.yaml
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Run the handlers that the file declares."""
    async with CloudWatchLogging.configured():
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/orders/{number}")
async def show_order(number: int) -> dict[str, int]:
    """Log one line for each order."""
    logger.info("order %d is shown", number)
    return {"order": number}
