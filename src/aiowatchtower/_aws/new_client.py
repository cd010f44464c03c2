"""Where a client comes from: the application, a test, or botocore with our configuration."""

from __future__ import annotations

import asyncio
import os
import platform
from concurrent.futures import Executor
from contextlib import AsyncExitStack
from typing import Any, Final, cast

from aiobotocore.config import AioConfig

from aiowatchtower._config.settings import Settings
from aiowatchtower._core.limits import CREATIONS_AT_ONCE
from aiowatchtower._diagnostics.self_feeding import start_shipping
from aiowatchtower._substitute import current
from aiowatchtower._version import __version__

from .http_session import with_one_host
from .resolver import quiet_resolver
from .session import load_data, new_session
from .threads import DaemonThreads, RoomForThreads

# Longer than the longest try, whose deadline is the one that counts.
_READ_TIMEOUT: Final = 70
# So that an unreachable endpoint is warned of within 10 s, with the default send_interval of 5 s.
_CONNECT_TIMEOUT: Final = 4
# botocore reads the first. People write the second, because the client is named "logs".
_ENDPOINT_VARIABLES: Final = ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "AWS_ENDPOINT_URL_LOGS")


def endpoint_url(settings: Settings, session: Any) -> str | None:
    """Return the endpoint to use, or None for the one that botocore finds.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    ours, expected = map(os.environ.get, _ENDPOINT_VARIABLES)
    if settings.endpoint_url or ours or not expected:
        return settings.endpoint_url
    is_ignored = session.get_config_variable("ignore_configured_endpoint_urls")
    return None if is_ignored else expected


def given_client(settings: Settings) -> Any:
    """Return the client that there is already: the application's, or what a test has installed."""
    substitute = current()
    if settings.client is not None or substitute is None:
        return settings.client
    return substitute.client()


def session_for(settings: Settings) -> Any:
    """Return the application's session, or a new one."""
    return settings.session or new_session(settings.profile_name, settings.region_name)


def _loaded_session(settings: Settings) -> Any:
    session = session_for(settings)
    load_data(session)
    return session


async def made_client(
    settings: Settings, stack: AsyncExitStack, threads: Executor | None
) -> tuple[Any, tuple[str, ...] | None]:
    """Return a client and its credentials; the stack closes what they need."""
    # botocore logs while it loads, and a new thread does not have the mark of this context.
    threads = threads or DaemonThreads(start_shipping)
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
    credentials = await frozen_credentials(session)
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
        # For puts, for creations, and one for the retention.
        max_pool_connections=settings.max_in_flight + CREATIONS_AT_ONCE + 1,
    )
    if settings.config is not None:
        config = config.merge(settings.config)
    config = config.merge(AioConfig(retries={"total_max_attempts": 1}))
    return with_one_host(config, cast("AioConfig | None", settings.config), quiet_resolver(threads))


async def frozen_credentials(session: Any) -> tuple[str, ...] | None:
    """Return the credentials that the session finds now, or None."""
    credentials = await session.get_credentials()
    if credentials is None:
        return None
    frozen = await credentials.get_frozen_credentials()
    return (frozen.access_key, frozen.secret_key, frozen.token or "")
