"""Host names looked up in a thread of our own."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import Executor
from functools import partial
from typing import Any

from aiohttp.resolver import ThreadedResolver


class _Lookups:
    """Stands in for the loop that aiohttp's resolver calls ``getaddrinfo`` and ``getnameinfo`` of.

    The real loop runs them in its default executor, where they queue behind the application's
    blocking calls. In asyncio's debug mode they also log there, outside the worker's context, so that
    each look-up would be shipped and would lead to the next.
    """

    def __init__(self, threads: Executor) -> None:
        self._threads = threads

    async def getaddrinfo(self, host: str, port: int, **options: int) -> list[Any]:
        work = partial(socket.getaddrinfo, host, port, **options)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def getnameinfo(self, address: Any, flags: int = 0) -> tuple[str, str]:
        work = partial(socket.getnameinfo, address, flags)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def quiet_resolver(threads: Executor) -> ThreadedResolver:
    """Return aiohttp's resolver, which looks names up in these threads."""
    lookups: Any = _Lookups(threads)
    return ThreadedResolver(loop=lookups)
