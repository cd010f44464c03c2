"""One aiobotocore client: where it comes from, how its calls are changed, when it is closed."""

from __future__ import annotations

import asyncio
import io
import os
import platform
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import AsyncExitStack, nullcontext
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, cast

from aiobotocore.config import AioConfig

from aiowatchtower._config.settings import Settings
from aiowatchtower._core.encoder import Body
from aiowatchtower._core.limits import CREATIONS_AT_ONCE
from aiowatchtower._diagnostics.self_feeding import SHIPPING
from aiowatchtower._substitute import current
from aiowatchtower._version import __version__

from .resolver import with_quiet_resolver
from .session import load_data, new_session
from .threads import DaemonThreads, RoomForThreads

_READ_TIMEOUT: Final = 30
# With a send_interval of 5 s, an endpoint that cannot be reached is told of within 10 s.
_CONNECT_TIMEOUT: Final = 4
# A bytes body above this makes aiohttp warn that it should be a stream.
_LARGE_BODY_BYTES: Final = 2**20
_PUT: Final = "cloudwatch-logs.PutLogEvents"
# botocore reads the first; the second is what the names of its clients make people write.
_ENDPOINT_VARIABLES: Final = ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "AWS_ENDPOINT_URL_LOGS")


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


class Connection:
    """One aiobotocore client, closed when the last call on it is over."""

    def __init__(
        self,
        client: Any,
        stack: AsyncExitStack,
        settings: Settings,
        credentials: tuple[str, ...] | None,
        *,
        is_given: bool,
    ) -> None:
        self._client = client
        self._stack = stack
        self._settings = settings
        self._credentials = credentials
        self._is_given = is_given
        self._calls = 0
        self._is_used = False
        self.has_worked = False
        self.is_retired = False
        self.opened_at = time.monotonic()

    @classmethod
    async def open(cls, settings: Settings) -> Connection:
        """Make the client, or take the application's, or that of a test."""
        async with AsyncExitStack() as stack:
            client = _given(settings)
            credentials = None
            is_given = client is not None
            if not is_given:
                client, credentials = await _made(settings, stack)
            events = client.meta.events
            events.register(f"before-call.{_PUT}", _replace_body, unique_id="aiowatchtower-body")
            events.register(f"before-send.{_PUT}", _give_way, unique_id="aiowatchtower-send")
            events.register(f"after-call.{_PUT}", _keep_answer, unique_id="aiowatchtower-answer")
            return cls(client, stack.pop_all(), settings, credentials, is_given=is_given)

    async def call(self, action: str, **arguments: object) -> dict[str, Any]:
        """Call one operation by its AWS name."""
        method = cast(
            "Callable[..., Awaitable[dict[str, Any]]]", getattr(self._client, _METHODS[action])
        )
        # aiobotocore reads the certificates on the first call, in a thread.
        room = nullcontext() if self._is_used else RoomForThreads()
        self._is_used = True
        self._calls += 1
        try:
            with room:
                answer = await method(**arguments)
            self.has_worked = True
            return answer
        finally:
            self._calls -= 1
            if self.is_retired and not self._calls:
                await self._stack.aclose()

    @property
    def has_credentials(self) -> bool:
        """Whether a call can be signed. A client that was not made here is trusted to know."""
        return self._credentials is not None or self._is_given

    async def has_new_credentials(self) -> bool:
        """Return whether the credentials to be found now differ from those in use."""
        if self._is_given:
            return False
        found = await _frozen(_session(self._settings))
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


def endpoint_url(settings: Settings, session: Any) -> str | None:
    """Return the endpoint to use, or None for the one that botocore finds.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    ours, expected = map(os.environ.get, _ENDPOINT_VARIABLES)
    if settings.endpoint_url or ours or not expected:
        return settings.endpoint_url
    is_ignored = session.get_config_variable("ignore_configured_endpoint_urls")
    return None if is_ignored else expected


def _given(settings: Settings) -> Any:
    """Return the client that there is already: the application's, or what a test has installed."""
    substitute = current()
    if settings.client is not None or substitute is None:
        return settings.client
    return substitute.client()


def _session(settings: Settings) -> Any:
    return settings.session or new_session(settings.profile_name)


def _loaded_session(settings: Settings) -> Any:
    session = _session(settings)
    load_data(session)
    return session


async def _made(settings: Settings, stack: AsyncExitStack) -> tuple[Any, tuple[str, ...] | None]:
    """Return a client and its credentials; the stack closes what they need."""
    # botocore logs what it loads, and a thread does not have the context of what it works for.
    threads = DaemonThreads(partial(SHIPPING.set, True))
    # In a thread and in steps, so that none holds the loop for long.
    loop = asyncio.get_running_loop()
    with RoomForThreads():
        session = await loop.run_in_executor(threads, _loaded_session, settings)
    await asyncio.sleep(0)
    context = session.create_client(
        "logs",
        region_name=settings.region_name,
        endpoint_url=endpoint_url(settings, session),
        config=_config(settings, session, threads),
    )
    client = await stack.enter_async_context(context)
    credentials = await _frozen(session)
    await asyncio.sleep(0)
    return client, credentials


def _config(settings: Settings, session: Any, threads: Executor) -> AioConfig:
    """Return our configuration with the application's over it, but for the retries.

    Two retry loops, one inside the other, would multiply tries and hide what happens.
    """
    config = AioConfig(
        # Without one botocore puts its own together anew, twice for each request, which is a
        # tenth of what a request costs.
        user_agent=(
            f"aiowatchtower/{__version__} {session.user_agent_name}/{session.user_agent_version} "
            f"Python/{platform.python_version()} {platform.system()}/{platform.release()}"
        ),
        # Everything that goes into a request was checked when the handler was made.
        parameter_validation=False,
        connect_timeout=_CONNECT_TIMEOUT,
        read_timeout=_READ_TIMEOUT,
        # Those that put, those that create, and one for the retention.
        max_pool_connections=settings.max_in_flight + CREATIONS_AT_ONCE + 1,
    )
    if settings.config is not None:
        config = config.merge(settings.config)
    config = config.merge(AioConfig(retries={"total_max_attempts": 1}))
    return with_quiet_resolver(config, threads, getattr(settings.config, "connector_args", None))


async def _frozen(session: Any) -> tuple[str, ...] | None:
    credentials = await session.get_credentials()
    if credentials is None:
        return None
    frozen = await credentials.get_frozen_credentials()
    return (frozen.access_key, frozen.secret_key, frozen.token or "")
