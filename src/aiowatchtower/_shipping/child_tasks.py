"""The worker's child tasks, started and cleaned up so that nothing is said of a loop that ends early."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import TypeAlias

from anyio.abc import TaskGroup

Work: TypeAlias = Coroutine[object, object, None]


def start_all(tasks: TaskGroup, works: Sequence[Work]) -> None:
    """Start a task for each; let Ctrl+C and SystemExit that come meanwhile out of the loop."""
    try:
        for work in works:
            tasks.start_soon(partial(_same, work), name="aiowatchtower works")
    except (KeyboardInterrupt, SystemExit) as exc:
        # As part of the task group's exception it would not get out of the loop.
        asyncio.get_running_loop().call_soon(_let_out, exc)
        tasks.cancel_scope.cancel()


def close_all(works: Sequence[Work]) -> None:
    """Close what was never started, after the tasks have ended.

    A task that is cancelled before its first step, because the loop ends one turn after entry, leaves its
    coroutine unawaited, and Python would warn of that.
    """
    for work in works:
        work.close()


def _same(work: Work) -> Work:
    return work


def _let_out(exc: BaseException) -> None:
    raise exc
