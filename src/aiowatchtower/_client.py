"""CloudWatch Logs over aiobotocore: our body out, the raw answer back, one kind of error."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import anyio

from ._connection import EXCHANGE, READ_TIMEOUT, Connection, Exchange
from ._encoder import Body, encode
from ._errors import DeliveryError
from ._events import Answer, LogEvent
from ._settings import Settings
from ._translate import translated

_REBUILD_SECONDS: Final = 60.0


class AwsLogsClient:
    """CloudWatch Logs through aiobotocore. Made on first use; one for each block."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._group = settings.log_group_name
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()

    async def prepare(self) -> None:
        """Make the client, and find out whether there are credentials."""
        try:
            connection = await self._connected()
        except Exception as exc:
            raise translated(exc, "PutLogEvents", self._group, READ_TIMEOUT) from exc
        if not connection.has_credentials:
            raise DeliveryError(
                "PutLogEvents", "NoCredentials", "no AWS credentials found", resource=self._group
            )

    async def put(self, stream: str, events: Sequence[LogEvent], deadline: float) -> Answer:
        """Send events, within ``deadline`` seconds."""
        resource = f"{self._group}:{stream}"
        body = await self._encoded(stream, events)
        exchange = Exchange(body)
        token = EXCHANGE.set(exchange)
        try:
            # The real events travel in the exchange; this one passes botocore's validation.
            response = await self._call(
                "PutLogEvents",
                resource,
                deadline,
                logStreamName=stream,
                logEvents=[{"timestamp": 0, "message": "-"}],
            )
        finally:
            EXCHANGE.reset(token)
            exchange.body = None
        if exchange.answer is not None and not _is_object(exchange.answer):
            shown = repr(exchange.answer[:80])
            raise DeliveryError(
                "PutLogEvents",
                "GarbledAnswer",
                f"the answer is not a JSON object: {shown}",
                status=200,
                resource=resource,
                maybe_accepted=True,
            )
        return _answer(response, len(body.data))

    async def _encoded(self, stream: str, events: Sequence[LogEvent]) -> Body:
        compress = self._settings.compression is not None
        entity = self._settings.entity
        work = encode(self._group, stream, events, entity=entity, compress=compress)
        while True:
            try:
                next(work)
            except StopIteration as finished:
                await asyncio.sleep(0)
                return cast("Body", finished.value)
            await asyncio.sleep(0)

    async def create_stream(self, stream: str) -> None:
        """Create a log stream; one that exists is success."""
        await self._create("CreateLogStream", f"{self._group}:{stream}", logStreamName=stream)

    async def create_group(self, *, tags: bool, kms_key: bool) -> None:
        """Create the log group, with or without these; one that exists is success."""
        given: dict[str, object] = {}
        if tags and self._settings.log_group_tags:
            given["tags"] = dict(self._settings.log_group_tags)
        if kms_key and self._settings.log_group_kms_key_id:
            given["kmsKeyId"] = self._settings.log_group_kms_key_id
        if self._settings.log_group_class:
            given["logGroupClass"] = self._settings.log_group_class
        await self._create("CreateLogGroup", self._group, **given)

    async def _create(self, action: str, resource: str, **arguments: object) -> None:
        try:
            await self._call(action, resource, READ_TIMEOUT, **arguments)
        except DeliveryError as exc:
            # OperationAborted: another process is creating the same thing right now.
            if exc.code not in {"ResourceAlreadyExistsException", "OperationAbortedException"}:
                raise

    async def set_retention(self) -> None:
        """Set the log group's retention."""
        days = self._settings.log_group_retention_days
        await self._call("PutRetentionPolicy", self._group, READ_TIMEOUT, retentionInDays=days)

    async def _call(
        self, action: str, resource: str, deadline: float, **arguments: object
    ) -> dict[str, Any]:
        try:
            with anyio.fail_after(deadline):
                connection = await self._connected()
                return await connection.call(action, logGroupName=self._group, **arguments)
        except DeliveryError:
            raise
        except Exception as exc:  # whatever a client raises is a failed call
            raise translated(exc, action, resource, deadline) from exc

    async def _connected(self) -> Connection:
        async with self._connecting:
            if self._connection is None:
                self._connection = await Connection.open(self._settings)
            return self._connection

    async def renew(self) -> None:
        """Look for new credentials; rebuild the client when there are any, or once a minute.

        A client that the application has passed in is the application's to renew.
        """
        connection = self._connection
        if self._settings.client is not None or connection is None or connection.is_retired:
            return
        is_young = time.monotonic() - connection.opened_at < _REBUILD_SECONDS
        if is_young and not await connection.has_new_credentials():
            return
        if self._connection is connection:
            self._connection = None
            await connection.retire()

    async def aclose(self) -> None:
        """Close the connections. May be used again, with new ones."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.retire()


def _is_object(answer: bytes) -> bool:
    try:
        return isinstance(json.loads(answer), dict)
    except ValueError:
        return False


def _answer(response: Mapping[str, Any], wire_bytes: int) -> Answer:
    rejected = response.get("rejectedLogEventsInfo") or {}
    entity = response.get("rejectedEntityInfo") or {}
    return Answer(
        wire_bytes=wire_bytes,
        too_old_end=rejected.get("tooOldLogEventEndIndex", 0),
        expired_end=rejected.get("expiredLogEventEndIndex", 0),
        too_new_start=rejected.get("tooNewLogEventStartIndex"),
        entity_error=entity.get("errorType", ""),
    )
