"""`enabled=False` is silence; `strict=True` is proof."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from aiowatchtower import SetupError


@pytest.mark.parametrize("how", ["argument", "environment"])
async def test_disabled(server, block, logger, said, monkeypatch, how):
    """A disabled block makes no request, attaches nothing, starts no task and says nothing."""
    if how == "environment":
        monkeypatch.setenv("AIOWATCHTOWER_ENABLED", "0")
    tasks, handlers = asyncio.all_tasks(), logger.handlers[:]
    async with block(enabled=how != "argument", strict=True) as logs:
        logger.info("nothing")
        assert logger.handlers == handlers
        logger.addHandler(logs.handler)
        logger.info("by hand")
        assert asyncio.all_tasks() == tasks
        await logs.flush()
    logger.info("late")
    assert server.requests == said == []
    assert logs.statistics().logged == 0


async def test_proof(server, block, logger, said):
    """A strict block that can deliver is entered with the stream there and nothing in it."""
    async with block(strict=True) as logs:
        assert server.streams("/app") == ["web"]
        assert server.messages("/app") == []
        assert logs.statistics().logged == 0
        logger.info("record")
    assert server.messages("/app") == ["record"]
    assert said == []


async def test_no_proof(server, block, logger, said):
    """A strict block that may not deliver raises SetupError, with nothing left behind; later it may enter."""
    server.configure(deny=["PutLogEvents"])
    tasks, handlers = asyncio.all_tasks(), logger.handlers[:]
    logs = block(strict=True)
    with pytest.raises(SetupError, match=r"AccessDenied.*Allow it.*logs:PutLogEvents") as caught:
        await logs.__aenter__()
    assert caught.value.__cause__ is not None
    assert (asyncio.all_tasks(), logger.handlers) == (tasks, handlers)
    server.configure(deny=[])
    async with logs:
        logger.info("allowed")
    assert server.messages("/app") == ["allowed"]


async def test_same_text_with_and_without_proof(server, block, logger, said):
    """What strict raises is what is logged otherwise."""
    server.configure(deny=["PutLogEvents"])
    with pytest.raises(SetupError) as caught:
        await block(strict=True).__aenter__()
    cause = caught.value.__cause__
    assert str(caught.value).startswith(str(cause))
    advice = str(caught.value).removeprefix(str(cause))
    async with block(shutdown_timeout=0.3, send_interval=0):
        logger.info("record")
        with anyio.fail_after(60):
            while not any(advice in text for text in said):  # noqa: ASYNC110 - texts set no event
                await asyncio.sleep(0.01)


@pytest.mark.every_loop
async def test_no_region(server, block, monkeypatch):
    """Without a region strict names what to set, before anything is sent."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(SetupError, match="AWS_DEFAULT_REGION or region_name="):
        await block(strict=True).__aenter__()
    assert server.requests == []
