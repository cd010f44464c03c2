"""Leaving a block: until everything is delivered, the time is up, or a second cancellation comes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import anyio

from aiowatchtower._intake.handler import CloudWatchLogHandler

from .pipeline import Pipeline

_LAST_RUN_SECONDS: Final = 0.6
_LOOK_SECONDS: Final = 0.01


async def leave(pipelines: Sequence[Pipeline], *, is_cancelled: bool) -> None:
    """End several pipelines side by side, so that their timeouts do not add up.

    The first cancellation lets the delivery end within ``shutdown_timeout``, and goes on afterwards. The
    second one ends the wait at once. ``is_cancelled`` says that the block is left by a cancellation, so
    that the next one is the second.
    """
    for pipeline in pipelines:
        pipeline.begin_leaving()
    interruption = None
    try:
        while waiting := [pipeline for pipeline in pipelines if pipeline.is_waited_for]:
            try:
                await _wait(waiting)
            except asyncio.CancelledError as exc:
                if is_cancelled:
                    raise
                is_cancelled, interruption = True, exc
    except GeneratorExit:
        # The loop was closed under this coroutine, as by a second Ctrl+C before Python 3.11: no task of
        # it runs any more.
        for pipeline in pipelines:
            pipeline.give_up()
        raise
    finally:
        for pipeline in pipelines:
            pipeline.cut_short()
    if interruption is not None:
        raise interruption


async def _wait(pipelines: Sequence[Pipeline]) -> None:
    """Wait until one of them has ended or has no time left; start again what was cancelled from outside."""
    tasks = {pipeline.task for pipeline in pipelines}
    seconds = min(pipeline.seconds_left for pipeline in pipelines)
    # The shield keeps anyio's cancellations out of this wait. asyncio's come through, and wait() leaves the
    # tasks alone then.
    with anyio.CancelScope(shield=True):
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for pipeline in pipelines:
        pipeline.restart_if_cancelled()


async def wait_for_last_run(handler: CloudWatchLogHandler) -> None:
    """Wait until the handler's last block has ended on this loop: it would spoil the next one's books.

    That takes a moment at most: only a block that was left by two cancellations has not ended.
    """
    loop = asyncio.get_running_loop()
    with anyio.move_on_after(_LAST_RUN_SECONDS):
        # A look now and then, because nothing of the old block is left that could tell the new one.
        while handler.inbox.is_being_left_on(loop):  # noqa: ASYNC110
            await anyio.sleep(_LOOK_SECONDS)
