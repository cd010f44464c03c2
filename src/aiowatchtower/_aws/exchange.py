"""The hooks in botocore that put our body into a request and keep the raw answer."""

from __future__ import annotations

import asyncio
import io
from contextvars import ContextVar
from typing import Any, Final

from aiowatchtower._core.encoder import Body

# A bytes body above this makes aiohttp warn that it should be a stream.
_LARGE_BODY_BYTES: Final = 2**20
_PUT: Final = "cloudwatch-logs.PutLogEvents"


class Exchange:
    """One PutLogEvents under way: the body it takes out, the raw answer it brings back.

    Without a body once it is over: cancelled timers keep the context, and with it this, for as
    long as they would have run, which at full speed is many batches.
    """

    def __init__(self, body: Body) -> None:
        self.body: Body | None = body
        self.answer: bytes | None = None


EXCHANGE: Final[ContextVar[Exchange | None]] = ContextVar("aiowatchtower_exchange", default=None)


async def _replace_body(params: dict[str, Any], **_: object) -> None:
    """Supply our body through botocore's documented ``before-call`` event.

    https://boto3.amazonaws.com/v1/documentation/api/latest/guide/events.html
    Calls that are not ours, on a client that belongs to the application, find no exchange.
    """
    exchange = EXCHANGE.get()
    if exchange is not None and exchange.body is not None:
        data = exchange.body.data
        params["body"] = io.BytesIO(data) if len(data) > _LARGE_BODY_BYTES else data
        params["headers"].update(exchange.body.headers)
        # Preparing a request is done by now, signing it comes next: each a turn of the loop.
        await asyncio.sleep(0)


async def _give_way(**_: object) -> None:
    """Let others have a turn between signing a request, which is done by then, and sending it."""
    if EXCHANGE.get() is not None:
        await asyncio.sleep(0)


async def _keep_answer(http_response: Any, **_: object) -> None:
    """Keep the raw answer: botocore parses HTML and truncated JSON as an empty success."""
    exchange = EXCHANGE.get()
    if exchange is not None:
        exchange.answer = await http_response.content


def hook_into(client: Any) -> None:
    """Have the client's PutLogEvents use the exchange of whoever calls it."""
    events = client.meta.events
    events.register(f"before-call.{_PUT}", _replace_body, unique_id="aiowatchtower-body")
    events.register(f"before-send.{_PUT}", _give_way, unique_id="aiowatchtower-send")
    events.register(f"after-call.{_PUT}", _keep_answer, unique_id="aiowatchtower-answer")
