"""The context that delivery runs in: a copy of the one in which the block was entered."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import weakref

import pytest

SERVICE: contextvars.ContextVar[str] = contextvars.ContextVar("service")
REQUEST: contextvars.ContextVar[object] = contextvars.ContextVar("request")


class _Console(logging.Handler):
    """Keeps what a filter of the application finds in the context, as it stamps each record."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def emit(self, record):
        self.found.add(SERVICE.get("not set"))


@pytest.fixture
def console():
    """Return a handler of the application that sees what botocore logs."""
    handler, botocore = _Console(), logging.getLogger("botocore")
    level = botocore.level
    botocore.setLevel(logging.DEBUG)
    botocore.addHandler(handler)
    yield handler
    botocore.removeHandler(handler)
    botocore.setLevel(level)


@pytest.mark.every_loop
async def test_what_is_set_before_entering_is_there(server, block, logger, console):
    """What botocore logs in the worker finds the context variables that were set at start-up."""
    SERVICE.set("shop")
    async with block() as logs:
        logger.info("record")
        await logs.flush(60)
        SERVICE.set("changed later")
    assert server.messages("/app") == ["record"]
    assert console.found == {"shop"}


class _Request:
    """Something that a request keeps in its context."""


async def test_the_context_of_a_request_is_not_kept(server, block, logger):
    """A request that logs is not kept alive by the block that delivers its record."""

    async def handle():
        request = _Request()
        REQUEST.set(request)
        logger.info("record")
        return weakref.ref(request)

    async with block() as logs:
        request = await asyncio.create_task(handle())
        await logs.flush(60)
        gc.collect()
        assert request() is None
    assert server.messages("/app") == ["record"]
