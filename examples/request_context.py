"""A request id in every event that a request causes, its line in the access log included.

    uvicorn request_context:app

In Logs Insights: fields @timestamp, message | filter request_id = "..." | sort @timestamp
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from uuid import uuid4

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from aiowatchtower import CloudWatchLogFormatter, CloudWatchLogging

logging.basicConfig(level=logging.INFO)
logger = logging.getLogger("shop")
request_id: ContextVar[str] = ContextVar("request_id")


class RequestIdFilter(logging.Filter):
    """Put the request's id on each record; JSON events carry such extra fields."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Run where the record is logged, so that each request sees its own id."""
        if (identifier := request_id.get(None)) is not None:
            record.request_id = identifier
        return True


class RequestIdMiddleware:
    """Take the id that a proxy has given, or make one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the id in the request's own context."""
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
            request_id.set(given or str(uuid4()))
        await self.app(scope, receive, send)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Ship JSON events that carry the id."""
    async with CloudWatchLogging(
        "/examples/request-context",
        loggers=("", "uvicorn", "uvicorn.error", "uvicorn.access"),
        formatter=CloudWatchLogFormatter(structured=True),
    ) as logs:
        logs.handler.addFilter(RequestIdFilter())
        yield


app = FastAPI(lifespan=lifespan)
app.add_middleware(RequestIdMiddleware)


@app.get("/orders/{number}")
async def ship_order(number: int) -> dict[str, int]:
    """Log before and after waiting, while other requests do the same."""
    logger.info("shipping", extra={"order": number})
    await asyncio.sleep(0.05)
    logger.info("shipped", extra={"order": number})
    return {"order": number}
