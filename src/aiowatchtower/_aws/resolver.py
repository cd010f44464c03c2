"""Host names looked up in a thread of our own."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import Executor
from functools import partial
from typing import Any, cast

from aiobotocore.config import AioConfig
from aiohttp.resolver import ThreadedResolver
from botocore.exceptions import ParamValidationError


class _Lookups:
    """The two look-ups that aiohttp's resolver asks its loop for.

    The loop's own run in its default executor, where they wait behind the application's blocking
    calls; and in asyncio's debug mode they log there, outside the worker's context, so that each
    look-up would be shipped and lead to the next.
    """

    def __init__(self, threads: Executor) -> None:
        self._threads = threads

    async def getaddrinfo(self, host: str, port: int, **options: int) -> list[Any]:
        work = partial(socket.getaddrinfo, host, port, **options)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def getnameinfo(self, address: Any, flags: int = 0) -> tuple[str, str]:
        work = partial(socket.getnameinfo, address, flags)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def with_quiet_resolver(config: AioConfig, threads: Executor, given: Any) -> AioConfig:
    """Return the configuration with it, unless it has a resolver, or its HTTP client takes none.

    ``given``: the connector arguments of the application.
    """
    lookups: Any = _Lookups(threads)
    ours = {"resolver": ThreadedResolver(loop=lookups)}
    try:
        wanted = AioConfig(connector_args={**ours, **(given or {})})
        # Older releases keep the connector arguments of the first, newer ones those of the second.
        merged = wanted.merge(config).merge(wanted)
    except ParamValidationError:
        return config
    return cast("AioConfig", merged)
