"""CloudWatch Logs over aiobotocore: sends bodies of our own, checks the raw answers, raises DeliveryError."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, Final, cast

import anyio

from aiowatchtower._config.settings import Settings
from aiowatchtower._core.compression import Compression
from aiowatchtower._core.encoder import Body, encode
from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.events import Answer, LogEvent
from aiowatchtower._core.logs_client import TRY_SECONDS, Departure
from aiowatchtower._core.presentable import presentable
from aiowatchtower._diagnostics.guards import guards

from .acceptance import check_acceptance, garbled
from .connection import Connection
from .errors import fit_to_be_shown, translated
from .exchange import EXCHANGE, Exchange

_REBUILD_SECONDS: Final = 60.0
# Look for other credentials no more often: each look may start a process or ask a service.
_LOOK_SECONDS: Final = 1.0
# Give up on a source of credentials that takes longer; the next look asks it anew.
_OPEN_SECONDS: Final = 30.0


class AwsLogsClient:
    """CloudWatch Logs through aiobotocore. Made on first use; one for each block."""

    def __init__(self, settings: Settings, threads: Executor | None = None) -> None:
        self._settings = settings
        # For name servers and data files; None: a thread for each such call.
        self._threads = threads
        self._group = settings.log_group_name
        self._compression = Compression(is_wanted=settings.compression is not None)
        self._connection: Connection | None = None
        self._opening: asyncio.Task[Connection] | None = None
        self._renewing = asyncio.Lock()
        self._looked_at = self._rebuilt_at = float("-inf")

    async def prepare(self) -> None:
        """Make the client, and find out whether there are credentials."""
        try:
            connection = await self._connected()
        except Exception as exc:  # noqa: BLE001 - whatever making a client raises is a failed call
            error = self._unconnected(exc, "PutLogEvents", self._group, _OPEN_SECONDS)
            raise error from fit_to_be_shown(exc)
        if not connection.has_credentials:
            raise DeliveryError(
                "PutLogEvents", "NoCredentials", "no AWS credentials found", resource=self._group
            )

    @property
    def endpoint(self) -> str:
        """The address that calls go to; empty while there is no client."""
        return self._connection.endpoint if self._connection is not None else ""

    async def put(
        self,
        stream: str,
        events: Sequence[LogEvent],
        deadline: float,
        departure: Departure | None = None,
    ) -> Answer:
        """Send events, within ``deadline`` seconds.

        Until the endpoint has accepted a compressed body, one that it refuses is sent once more as it is.
        """
        body = await self._encoded(stream, events, compress=self._compression.is_next(stream))
        try:
            answer = await self._sent(stream, body, deadline, departure or Departure())
        except DeliveryError as exc:
            if not self._compression.failed(stream, exc, is_compressed=body.is_compressed):
                raise
            body = await self._encoded(stream, events, compress=False)
            try:
                answer = await self._sent(stream, body, deadline, departure or Departure())
            except DeliveryError as again:
                self._compression.failed(stream, again, is_compressed=False)
                raise
        only_plain = self._compression.accepted(stream, is_compressed=body.is_compressed)
        return answer._replace(only_uncompressed=True) if only_plain else answer

    async def _sent(self, stream: str, body: Body, deadline: float, departure: Departure) -> Answer:
        resource = f"{self._group}:{stream}"
        departure.may_have_left = False
        exchange = Exchange(body, departure)
        token = EXCHANGE.set(exchange)
        try:
            # The real events travel in the exchange; this one passes the validation that an
            # application's own client may have on.
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
        if exchange.answer is not None:
            check_acceptance(exchange.answer, resource, (*self._secrets(), exchange.token))
        try:
            return _answer(response, len(body.data))
        except (AttributeError, TypeError, ValueError) as exc:
            raise garbled(resource, f"the answer makes no sense: {exc}") from exc

    async def _encoded(self, stream: str, events: Sequence[LogEvent], *, compress: bool) -> Body:
        entity = self._settings.entity
        resource = f"{self._group}:{stream}"
        work = encode(self._group, stream, events, entity=entity, compress=compress)
        while True:
            try:
                next(work)
            except StopIteration as finished:
                await asyncio.sleep(0)
                return cast("Body", finished.value)
            except MemoryError:
                raise
            except Exception as exc:
                # A bug of ours, which would be met again each time: the event is looked for by halving.
                said = f"{type(exc).__name__}: {exc}"
                raise DeliveryError(
                    "PutLogEvents", "EncodingFailed", said, resource=resource
                ) from exc
            await asyncio.sleep(0)

    async def create_stream(self, stream: str) -> None:
        """Create a log stream; one that exists is success."""
        await self._create("CreateLogStream", f"{self._group}:{stream}", logStreamName=stream)

    async def create_group(self, *, tags: bool) -> None:
        """Create the log group, with or without its tags; one that exists is success."""
        given: dict[str, object] = {}
        if tags and self._settings.log_group_tags:
            given["tags"] = dict(self._settings.log_group_tags)
        if self._settings.log_group_kms_key_id:
            given["kmsKeyId"] = self._settings.log_group_kms_key_id
        if self._settings.log_group_class:
            given["logGroupClass"] = self._settings.log_group_class
        await self._create("CreateLogGroup", self._group, **given)

    async def _create(self, action: str, resource: str, **arguments: object) -> None:
        try:
            await self._call(action, resource, TRY_SECONDS, **arguments)
        except DeliveryError as exc:
            # OperationAborted: another process is creating the same thing right now.
            if exc.code not in {"ResourceAlreadyExistsException", "OperationAbortedException"}:
                raise

    async def set_retention(self) -> None:
        """Set the log group's retention."""
        days = self._settings.log_group_retention_days
        await self._call("PutRetentionPolicy", self._group, TRY_SECONDS, retentionInDays=days)

    async def _call(
        self, action: str, resource: str, deadline: float, **arguments: object
    ) -> dict[str, Any]:
        connection = None
        try:
            with anyio.fail_after(deadline):
                connection = await self._connected()
                return await connection.call(action, logGroupName=self._group, **arguments)
        except DeliveryError:
            raise
        except Exception as exc:  # noqa: BLE001 - whatever a client raises is a failed call
            if connection is None:
                error = self._unconnected(exc, action, resource, deadline)
            else:
                error = translated(
                    exc, action, resource, deadline, self._secrets(), connection.endpoint
                )
            cause = fit_to_be_shown(exc, self._secrets())
        try:
            # Not in the except clause: the exception would be the context of ours, and be kept.
            raise error from cause
        finally:
            del error, cause

    def _secrets(self) -> tuple[str, ...]:
        """Return what no message may show: the credentials in use, and the token that went out."""
        exchange = EXCHANGE.get()
        sent = exchange.token if exchange is not None else ""
        return (*(self._connection.secrets if self._connection else ()), sent)

    def _unconnected(
        self, exc: Exception, action: str, resource: str, deadline: float
    ) -> DeliveryError:
        """Return the error for a call that had no client to be made with: nothing was sent to AWS."""
        if not isinstance(exc, TimeoutError):
            error = translated(exc, action, resource, deadline)
            error.maybe_accepted = False
            return error
        message = f"the AWS credentials are still being looked up after {deadline:g} s"
        return DeliveryError(action, "CredentialsUnavailable", message, resource=resource)

    async def _connected(self) -> Connection:
        """Return the connection. One task makes it for all callers; cancelling a caller leaves it alone."""
        while self._connection is None:
            if self._opening is None or self._opening.done():
                self._opening = asyncio.create_task(self._open(), name="aiowatchtower connects")
                self._opening.add_done_callback(_retrieve)
            opening = self._opening
            # wait(), unlike shield(), raises nothing here when the task itself is cancelled.
            await asyncio.wait({opening})
            if not opening.cancelled():
                return opening.result()
        return self._connection

    async def _open(self) -> Connection:
        with anyio.fail_after(_OPEN_SECONDS):
            self._connection = await Connection.open(self._settings, self._threads)
        # Making a client imports modules, which make loggers of their own.
        guards.look_again()
        return self._connection

    async def renew(self) -> None:
        """Look for new credentials; make a new client when there are any, or once a minute.

        As long as no client has worked, a new one is made once a minute at most: some sources return
        other credentials each time that they are asked. A client that the application has passed in
        is left alone: the application renews it.
        """
        connection = self._connection
        async with self._renewing:
            # The task of another stream may have renewed it while this one waited for the lock.
            if self._settings.client is None and connection is self._connection:
                await self._renew(connection)

    async def _renew(self, connection: Connection | None) -> None:
        now = time.monotonic()
        if connection is None or now - self._looked_at < _LOOK_SECONDS:
            return
        if not connection.has_worked and now - self._rebuilt_at < _REBUILD_SECONDS:
            return
        is_young = now - connection.opened_at < _REBUILD_SECONDS
        if is_young and not await self._finds_others(connection):
            return
        self._rebuilt_at, self._connection = now, None
        await connection.retire()

    async def _finds_others(self, connection: Connection) -> bool:
        try:
            with anyio.fail_after(_OPEN_SECONDS):
                return await connection.has_new_credentials()
        except Exception:  # noqa: BLE001 - the next try says what is wrong with the old ones
            return False
        finally:
            self._looked_at = time.monotonic()

    async def aclose(self) -> None:
        """Close the connection. The next call makes a new one."""
        if self._opening is not None and not self._opening.done():
            self._opening.cancel()
            await asyncio.wait({self._opening})
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.retire()


def _retrieve(opening: asyncio.Task[Connection]) -> None:
    """Look at the failure, or asyncio would log it as never retrieved. The next call meets it again."""
    if not opening.cancelled():
        opening.exception()


def _answer(response: Mapping[str, Any], wire_bytes: int) -> Answer:
    rejected = response.get("rejectedLogEventsInfo") or {}
    entity = response.get("rejectedEntityInfo") or {}
    return Answer(
        wire_bytes=wire_bytes,
        too_old_end=_index(rejected, "tooOldLogEventEndIndex") or 0,
        expired_end=_index(rejected, "expiredLogEventEndIndex") or 0,
        too_new_start=_index(rejected, "tooNewLogEventStartIndex"),
        entity_error=presentable(str(entity.get("errorType", ""))),
    )


def _index(rejected: Mapping[str, Any], name: str) -> int | None:
    index = rejected.get(name)
    if index is None or (type(index) is int and index >= 0):
        return index
    msg = f"{name} is {index!r}"
    raise ValueError(msg)
