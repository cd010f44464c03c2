"""Starlette: the block is entered in the lifespan.

python -m pip install starlette uvicorn
uvicorn starlette_app:app
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    """Ship logs for as long as the application runs."""
    async with CloudWatchLogging("/examples/starlette", loggers=("", "uvicorn", "uvicorn.access")):
        yield


async def order(request: Request) -> PlainTextResponse:
    """Show an order."""
    logger.info("order %d is shown", request.path_params["number"])
    return PlainTextResponse("here it is")


app = Starlette(routes=[Route("/orders/{number:int}", order)], lifespan=lifespan)
