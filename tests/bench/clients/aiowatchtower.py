"""The library that is measured, with its default settings."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from aiowatchtower import CloudWatchLogging
from clients import GROUP, Flush


@contextlib.asynccontextmanager
async def connect(endpoint: str, logger: str, stream: str, **settings: Any) -> AsyncIterator[Flush]:
    """Enter a block on the logger, and leave it."""
    shipping = CloudWatchLogging(
        GROUP, stream, loggers=(logger,), endpoint_url=endpoint, **settings
    )
    async with shipping as logs:
        yield logs.flush


@contextlib.contextmanager
def attached(endpoint: str, logger: str, stream: str) -> Iterator[None]:
    """Enter the block without an event loop, and leave it."""
    with CloudWatchLogging(GROUP, stream, loggers=(logger,), endpoint_url=endpoint):
        yield
