"""A stand-in for an aiobotocore `logs` client that opens no socket."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from aiobotocore.hooks import AioHierarchicalEmitter
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    ParamValidationError,
)

from ._operations import LOGS_OPERATIONS, method_name
from ._playing import RawReply, Service, conclude, take
from ._types import Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from typing_extensions import Self

MULTIPLE_CHOICES = 300  # from here on botocore raises
ENDPOINT = "memory://cloudwatch-logs"

_ACTIONS: Final = {method_name(action): action for action in LOGS_OPERATIONS}
# What aiobotocore raises when a connection breaks in this way.
_LOST: Final[dict[str, Callable[[], Exception]]] = {
    "reset_before_reading": lambda: EndpointConnectionError(
        endpoint_url=ENDPOINT, error="Connection reset by peer"
    ),
    "cut": lambda: ConnectionClosedError(endpoint_url=ENDPOINT),
    "not_http": lambda: HTTPClientError(error="Bad status line", request=None, response=None),
}


class HTTPResponse:
    """What handlers of `after-call` events read; shaped like aiobotocore's `AioAWSResponse`."""

    def __init__(self, status_code: int, content: bytes, content_type: str) -> None:
        self.url = ENDPOINT
        self.status_code = status_code
        self.headers = {
            "content-type": content_type,
            "content-length": str(len(content)),
            "x-amzn-requestid": "00000000-0000-0000-0000-000000000000",
        }
        self._content = content

    async def _read(self) -> bytes:
        return self._content

    @property
    def content(self) -> Awaitable[bytes]:
        """Awaitable of the body."""
        return self._read()


class InMemoryMeta:
    """The parts of `client.meta` that make sense without a network."""

    def __init__(self, region_name: str) -> None:
        self.region_name = region_name
        self.endpoint_url = ENDPOINT
        self.partition = "aws"
        # As on the real client: not typed, because aiobotocore is not.
        self.events: Any = AioHierarchicalEmitter()


class _Call(NamedTuple):
    """A call as an incoming request: its body is at hand, and nothing is signed."""

    action: str
    wire: Wire
    body: bytes

    async def read(self) -> bytes:
        # A call to AWS never comes back without the event loop having run.
        await asyncio.sleep(0)
        return self.body

    def verify(self, body: bytes) -> None:
        pass


class InMemoryClient:
    """Async methods named as on aiobotocore's `logs` client, answered by a `CloudWatchLogs` in memory.

    There is one for each operation of the service. `before-call`, `before-send` and `after-call` handlers run as botocore runs
    them, so a body replaced by a handler is what the service reads. Faults of the service show as the exceptions
    that aiobotocore raises.
    """

    def __init__(self, service: Service, region_name: str) -> None:
        self._service = service
        self.meta: InMemoryMeta = InMemoryMeta(region_name)
        self.closed: bool = False

    def __getattr__(self, name: str) -> Callable[..., Awaitable[dict[str, object]]]:
        action = _ACTIONS.get(name)
        if action is None:
            message = (
                f"{type(self).__name__!r} has no method {name!r}; there are {', '.join(_ACTIONS)}"
            )
            raise AttributeError(message)

        async def call(**parameters: object) -> dict[str, object]:
            return await self._call(action, parameters)

        call.__name__ = name
        return call

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *_ACTIONS]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Refuse later calls; idempotent."""
        self.closed = True

    async def _call(self, action: str, parameters: dict[str, object]) -> dict[str, object]:
        if self.closed:
            raise HTTPClientError(error="Session is closed", request=None, response=None)
        request = _build(action, parameters)
        parsed: dict[str, object]
        _, short_cut = await self.meta.events.emit_until_response(
            f"before-call.cloudwatch-logs.{action}",
            model=None,
            params=request,
            request_signer=None,
            context={},
        )
        if short_cut is not None:
            response, parsed = short_cut
        else:
            sent = await self._exchange(action, request)
            response = HTTPResponse(sent.status, sent.body, sent.content_type)
            parsed = _parse(sent)
        await self.meta.events.emit(
            f"after-call.cloudwatch-logs.{action}",
            http_response=response,
            parsed=parsed,
            model=None,
            context={},
        )
        if response.status_code >= MULTIPLE_CHOICES:
            raise ClientError(parsed, action)
        return parsed

    async def _exchange(self, action: str, request: dict[str, object]) -> RawReply:
        headers = cast("dict[str, str]", request["headers"])
        encoding = {name.lower(): value for name, value in headers.items()}.get(
            "content-encoding", ""
        )
        await self.meta.events.emit(
            f"before-send.cloudwatch-logs.{action}",
            request=AWSPreparedRequest(
                "POST", ENDPOINT, headers, request["body"], stream_output=False
            ),
        )
        wire = Wire(str(encoding).lower(), region=self.meta.region_name)
        call = _Call(action, wire, _read_body(request["body"]))
        outcome = await conclude(await take(self._service, call), call)
        if isinstance(outcome, RawReply):
            return outcome
        if outcome in ("hang", "never_read"):
            await asyncio.Event().wait()
        error = _LOST[outcome]()
        raise error


def _build(action: str, parameters: dict[str, object]) -> dict[str, object]:
    absent = [name for name, value in parameters.items() if value is None]
    if absent:  # botocore refuses None: an optional parameter has to be left out
        raise ParamValidationError(report=f"Invalid type for parameter {absent[0]}, value: None")
    return {
        "url_path": "/",
        "query_string": "",
        "method": "POST",
        "headers": {
            "X-Amz-Target": f"Logs_20140328.{action}",
            "Content-Type": "application/x-amz-json-1.1",
        },
        "body": json.dumps(parameters).encode(),
        "url": ENDPOINT,
        "context": {},
    }


def _read_body(body: object) -> bytes:
    if isinstance(body, io.BytesIO):
        return body.read()
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    return str(body).encode()


def _parse(sent: RawReply) -> dict[str, object]:
    # As botocore's JSON parser: unreadable text becomes a message, unknown members of a success vanish.
    try:
        document = json.loads(sent.body or b"{}")
    except ValueError:
        document = {"message": sent.body.decode()} if sent.status >= MULTIPLE_CHOICES else {}
    metadata = {"HTTPStatusCode": sent.status, "HTTPHeaders": {}, "RetryAttempts": 0}
    if sent.status < MULTIPLE_CHOICES:
        return {**document, "ResponseMetadata": metadata}
    error = {
        "Code": document.get("__type", str(sent.status)),
        "Message": document.get("message", ""),
    }
    return {"Error": error, "ResponseMetadata": metadata}
