"""Watchtower as its README sets it up, and closed as `logging.shutdown` would."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Iterator

import boto3
import watchtower

from clients import GROUP


@contextlib.contextmanager
def attached(endpoint: str, logger: str, stream: str) -> Iterator[None]:
    """Attach a handler with one stream; on leaving wait until its queues are empty."""
    client = boto3.client("logs", endpoint_url=endpoint)
    handler: logging.Handler = watchtower.CloudWatchLogHandler(GROUP, stream, boto3_client=client)
    logging.getLogger(logger).addHandler(handler)
    yield
    logging.getLogger(logger).removeHandler(handler)
    handler.close()


@contextlib.asynccontextmanager
async def connect(endpoint: str, logger: str, stream: str) -> AsyncIterator[None]:
    """Do the same from a coroutine."""
    with attached(endpoint, logger, stream):
        yield
