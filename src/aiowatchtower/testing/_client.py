"""A stand-in for an aiobotocore `logs` client that opens no socket."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING, Any, cast

from aiobotocore.hooks import AioHierarchicalEmitter
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    ParamValidationError,
)

from ._garbage import GARBAGE, Nonsense
from ._types import Answer, Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from types import TracebackType

    from typing_extensions import Self

    from ._faults import Fault
    from ._service import CloudWatchLogs

MULTIPLE_CHOICES = 300  # from here on botocore raises
ENDPOINT = "memory://cloudwatch-logs"


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


class Meta:
    """The parts of `client.meta` that make sense without a network."""

    def __init__(self, region_name: str) -> None:
        self.region_name = region_name
        self.endpoint_url = ENDPOINT
        self.partition = "aws"
        # As on the real client: not typed, because aiobotocore is not.
        self.events: Any = AioHierarchicalEmitter()


class InMemoryClient:
    """Async methods named as on aiobotocore's `logs` client, answered by a `CloudWatchLogs` in memory.

    `before-call` and `after-call` handlers run as botocore runs them, so a body replaced by a handler is what the
    service reads. Faults of the service show as the exceptions that aiobotocore raises.
    """

    def __init__(self, service: CloudWatchLogs) -> None:
        self._service = service
        self.meta: Meta = Meta(service.settings.region_name)
        self.closed: bool = False

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

    async def put_log_events(self, **parameters: object) -> dict[str, object]:
        return await self._call("PutLogEvents", parameters)

    async def create_log_group(self, **parameters: object) -> dict[str, object]:
        return await self._call("CreateLogGroup", parameters)

    async def create_log_stream(self, **parameters: object) -> dict[str, object]:
        return await self._call("CreateLogStream", parameters)

    async def delete_log_group(self, **parameters: object) -> dict[str, object]:
        return await self._call("DeleteLogGroup", parameters)

    async def delete_log_stream(self, **parameters: object) -> dict[str, object]:
        return await self._call("DeleteLogStream", parameters)

    async def put_retention_policy(self, **parameters: object) -> dict[str, object]:
        return await self._call("PutRetentionPolicy", parameters)

    async def associate_kms_key(self, **parameters: object) -> dict[str, object]:
        return await self._call("AssociateKmsKey", parameters)

    async def tag_resource(self, **parameters: object) -> dict[str, object]:
        return await self._call("TagResource", parameters)

    async def tag_log_group(self, **parameters: object) -> dict[str, object]:
        return await self._call("TagLogGroup", parameters)

    async def describe_log_groups(self, **parameters: object) -> dict[str, object]:
        return await self._call("DescribeLogGroups", parameters)

    async def describe_log_streams(self, **parameters: object) -> dict[str, object]:
        return await self._call("DescribeLogStreams", parameters)

    async def get_log_events(self, **parameters: object) -> dict[str, object]:
        return await self._call("GetLogEvents", parameters)

    async def filter_log_events(self, **parameters: object) -> dict[str, object]:
        return await self._call("FilterLogEvents", parameters)

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
            sent = await self._exchange(
                action, _read_body(request["body"]), cast("dict[str, str]", request["headers"])
            )
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

    async def _exchange(self, action: str, body: bytes, headers: dict[str, str]) -> Nonsense:
        encoding = {name.lower(): value for name, value in headers.items()}.get(
            "content-encoding", ""
        )
        wire = Wire(str(encoding).lower())
        early = self._service.faults.pick_early(action)
        await asyncio.sleep(
            self._service.settings.latency + (early.delay_reading if early else 0.0)
        )
        if early is not None and early.effect in ("reset_before_reading", "never_read"):
            self._service.remember(action, {}, Answer(0, {}), early, wire, 0)
            return await _play(early)
        answer, fault = self._service.exchange(action, body, wire, early)
        if fault is not None:
            await asyncio.sleep(fault.delay_answer)
            if fault.effect not in ("none", "error"):
                return await _play(fault)
        return Nonsense(answer.status, answer.encode())


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


def _parse(sent: Nonsense) -> dict[str, object]:
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


async def _play(fault: Fault) -> Nonsense:
    if fault.effect in ("hang", "never_read"):
        await asyncio.Event().wait()
    if fault.effect == "reset_before_reading":
        raise EndpointConnectionError(endpoint_url=ENDPOINT, error="Connection reset by peer")
    if fault.effect == "cut":
        raise ConnectionClosedError(endpoint_url=ENDPOINT)
    if fault.effect == "not_http":
        raise HTTPClientError(error="Bad status line", request=None, response=None)
    return GARBAGE[fault.effect]
