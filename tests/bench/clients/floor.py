"""The floor: `logging` itself, with a `NullHandler` on the same logger."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Iterator


@contextlib.contextmanager
def attached(endpoint: str, logger: str, stream: str) -> Iterator[None]:
    """Attach a handler that does nothing."""
    handler = logging.NullHandler()
    logging.getLogger(logger).addHandler(handler)
    yield
    logging.getLogger(logger).removeHandler(handler)


@contextlib.asynccontextmanager
async def connect(endpoint: str, logger: str, stream: str) -> AsyncIterator[None]:
    """Do the same from a coroutine."""
    with attached(endpoint, logger, stream):
        yield
