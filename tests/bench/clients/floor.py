"""The floor: `logging` itself, with a `NullHandler` on the same logger."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def connect(endpoint: str, logger: str, stream: str) -> AsyncIterator[None]:
    """Attach a handler that does nothing."""
    handler = logging.NullHandler()
    logging.getLogger(logger).addHandler(handler)
    yield
    logging.getLogger(logger).removeHandler(handler)
