"""The aiobotocore edge: the only module that knows its exceptions and its untyped objects."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

import anyio
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession

from ._encoder import Body, encode
from ._errors import DeliveryError
from ._events import Answer, LogEvent
from ._settings import Settings
from ._translate import translated

_CONNECT_TIMEOUT: Final = 5
_READ_TIMEOUT: Final = 30
_REBUILD_SECONDS: Final = 60.0
# A bytes body above this makes aiohttp warn; it also is where it stops being sent in one piece.
_LARGE_BODY_BYTES: Final = 2**20
# Below this, the way to a thread and back costs more than the work.
_INLINE_BYTES: Final = 16 * 1024
_PUT: Final = "cloudwatch-logs.PutLogEvents"


@dataclass
class _Exchange:
    """One PutLogEvents under way: the body it takes out, the raw answer it brings back."""

    body: Body
    answer: bytes | None = None


_exchange: ContextVar[_Exchange | None] = ContextVar("aiowatchtower_exchange", default=None)


def _replace_body(params: dict[str, Any], **_: object) -> None:
    """Supply our body through botocore's documented ``before-call`` event.

    https://boto3.amazonaws.com/v1/documentation/api/latest/guide/events.html
    Calls that are not ours, on a client that belongs to the application, find no exchange.
    """
    exchange = _exchange.get()
    if exchange is not None:
        data = exchange.body.data
        params["body"] = io.BytesIO(data) if len(data) > _LARGE_BODY_BYTES else data
        params["headers"].update(exchange.body.headers)


async def _keep_answer(http_response: Any, **_: object) -> None:
    """Keep the raw answer: botocore parses HTML and truncated JSON as an empty success."""
    exchange = _exchange.get()
    if exchange is not None:
        exchange.answer = await http_response.content


class AwsLogsClient:
    """CloudWatch Logs through aiobotocore. Made on first use; one for each block."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._group = settings.log_group_name
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="aiowatchtower-encoder")

    async def put(self, stream: str, events: Sequence[LogEvent], deadline: float) -> Answer:
        """Send events, within ``deadline`` seconds."""
        resource = f"{self._group}:{stream}"
        exchange = _Exchange(await self._encoded(stream, events))
        token = _exchange.set(exchange)
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
            _exchange.reset(token)
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
        return _answer(response, len(exchange.body.data))

    async def _encoded(self, stream: str, events: Sequence[LogEvent]) -> Body:
        work = partial(
            encode,
            self._group,
            stream,
            events,
            entity=self._settings.entity,
            compress=self._settings.compression is not None,
        )
        if sum(event[3] for event in events) < _INLINE_BYTES:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

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
            await self._call(action, resource, _READ_TIMEOUT, **arguments)
        except DeliveryError as exc:
            # OperationAborted: another process is creating the same thing right now.
            if exc.code not in {"ResourceAlreadyExistsException", "OperationAbortedException"}:
                raise

    async def set_retention(self) -> None:
        """Set the log group's retention."""
        days = self._settings.log_group_retention_days
        await self._call("PutRetentionPolicy", self._group, _READ_TIMEOUT, retentionInDays=days)

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

    async def _connected(self) -> _Connection:
        async with self._connecting:
            if self._connection is None:
                self._connection = await _Connection.open(self._settings)
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
        """Close the connections and end the threads."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.retire()
        self._threads.shutdown(wait=False)


class _Connection:
    """One aiobotocore client, closed when the last call on it is over."""

    def __init__(self, client: Any, session: Any, settings: Settings) -> None:
        self._client = client
        self._session = session
        self._settings = settings
        self._credentials: tuple[str, ...] | None = None
        self._stack = AsyncExitStack()
        self._calls = 0
        self.is_retired = False
        self.opened_at = time.monotonic()

    @classmethod
    async def open(cls, settings: Settings) -> _Connection:
        """Make the client, or take the application's."""
        if settings.client is not None:
            connection = cls(settings.client, None, settings)
        else:
            session: Any = settings.session or AioSession(profile=settings.profile_name)
            connection = cls(None, session, settings)
            connection._client = await connection._stack.enter_async_context(
                session.create_client(
                    "logs",
                    region_name=settings.region_name,
                    endpoint_url=settings.endpoint_url,
                    config=_config(settings),
                )
            )
            connection._credentials = await _frozen(session)
        events = connection._client.meta.events
        events.register(f"before-call.{_PUT}", _replace_body, unique_id="aiowatchtower")
        events.register(f"after-call.{_PUT}", _keep_answer, unique_id="aiowatchtower-answer")
        return connection

    async def call(self, action: str, **arguments: object) -> dict[str, Any]:
        """Call one operation by its AWS name."""
        self._calls += 1
        try:
            method = cast(
                "Callable[..., Awaitable[dict[str, Any]]]",
                getattr(self._client, _METHODS[action]),
            )
            return await method(**arguments)
        finally:
            self._calls -= 1
            if self.is_retired and not self._calls:
                await self._stack.aclose()

    async def has_new_credentials(self) -> bool:
        """Return whether the credentials to be found now differ from those in use."""
        session: Any = self._settings.session or AioSession(profile=self._settings.profile_name)
        found = await _frozen(session)
        return found is not None and found != self._credentials

    async def retire(self) -> None:
        """Let no new call begin here; close now or when the calls under way are over."""
        self.is_retired = True
        if not self._calls:
            await self._stack.aclose()


_METHODS: Final = {
    "PutLogEvents": "put_log_events",
    "CreateLogStream": "create_log_stream",
    "CreateLogGroup": "create_log_group",
    "PutRetentionPolicy": "put_retention_policy",
}


def _config(settings: Settings) -> AioConfig:
    """Return our configuration with the application's over it, but for the retries.

    Two retry loops, one inside the other, would multiply tries and hide what happens.
    """
    ours = AioConfig(
        connect_timeout=_CONNECT_TIMEOUT,
        read_timeout=_READ_TIMEOUT,
        max_pool_connections=settings.max_in_flight + 2,
    )
    theirs = cast("AioConfig | None", settings.config)
    merged = ours if theirs is None else ours.merge(theirs)
    return cast("AioConfig", merged.merge(AioConfig(retries={"total_max_attempts": 1})))


async def _frozen(session: Any) -> tuple[str, ...] | None:
    credentials = await session.get_credentials()
    if credentials is None:
        return None
    frozen = await credentials.get_frozen_credentials()
    return (frozen.access_key, frozen.secret_key, frozen.token or "")


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
