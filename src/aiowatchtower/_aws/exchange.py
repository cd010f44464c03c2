"""The hooks in botocore that put our body into a request and keep the raw answer."""

from __future__ import annotations

import asyncio
import io
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

from aiowatchtower._core.encoder import Body
from aiowatchtower._core.logs_client import Departure

# A bytes body above this makes aiohttp warn that it should be a stream.
_LARGE_BODY_BYTES: Final = 2**20
_PUT: Final = "cloudwatch-logs.PutLogEvents"


class HttpAnswer(NamedTuple):
    """An answer as it came, before botocore made something of it.

    Attributes:
        status: The HTTP status.
        body: All of it.
        request_id: The header ``x-amzn-requestid``, which AWS and all of its stand-ins send.
        redirect: The status and the host of the redirect by which the answer came, or None.
    """

    status: int
    body: bytes
    request_id: str
    redirect: tuple[int, str] | None


class Exchange:
    """One PutLogEvents under way: the body that goes out, and the answer that comes back.

    Whoever has made it drops the body when the call is over: timers that were cancelled keep the
    context, and with it the exchange, for as long as they would have run.
    """

    def __init__(self, body: Body, departure: Departure | None = None) -> None:
        self.body: Body | None = body
        self.departure = departure or Departure()
        self.answer: HttpAnswer | None = None
        # The session token that went out, so that an answer which quotes it can be masked.
        self.token = ""


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


async def _give_way(request: Any, **_: object) -> None:
    """Let others have a turn between signing a request, which is done by then, and sending it."""
    exchange = EXCHANGE.get()
    if exchange is not None:
        exchange.token = str(request.headers.get("X-Amz-Security-Token") or "")
        await asyncio.sleep(0)
        # From here on the client's HTTP session has it. Ours tells when it is really sent.
        exchange.departure.may_have_left = True


async def _keep_answer(http_response: Any, **_: object) -> None:
    """Keep the raw answer: botocore parses HTML and truncated JSON as an empty success."""
    exchange = EXCHANGE.get()
    if exchange is not None:
        exchange.answer = HttpAnswer(
            http_response.status_code,
            await http_response.content,
            http_response.headers.get("x-amzn-requestid", ""),
            _redirect(http_response),
        )


def _redirect(http_response: Any) -> tuple[int, str] | None:
    """Return what an HTTP client of the application has followed; ours follows nothing.

    aiohttp and httpx both name the answers on the way ``history``.
    """
    raw: Any = getattr(http_response, "raw", None)
    history = getattr(raw, "history", None)
    if not history:
        return None
    first = history[0]
    return int(getattr(first, "status", 0) or getattr(first, "status_code", 0)), str(raw.url)


def hook_into(client: Any) -> None:
    """Have the client's PutLogEvents use the exchange of whoever calls it."""
    events = client.meta.events
    events.register(f"before-call.{_PUT}", _replace_body, unique_id="aiowatchtower-body")
    events.register(f"before-send.{_PUT}", _give_way, unique_id="aiowatchtower-send")
    events.register(f"after-call.{_PUT}", _keep_answer, unique_id="aiowatchtower-answer")
