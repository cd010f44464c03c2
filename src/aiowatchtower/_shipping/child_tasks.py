"""Tasks, started and cleaned up so that Python says nothing of a loop that ends early."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Sequence
from functools import partial
from typing import TypeAlias

from anyio.abc import TaskGroup

Work: TypeAlias = Coroutine[object, object, None]


class StartedLater(Coroutine[object, object, None]):
    """A coroutine that is made in its task's first step.

    Where the loop ends before that step, there is none that Python could warn of as never awaited.
    """

    def __init__(self, function: Callable[[], Work]) -> None:
        self._function = function
        self.__name__ = self.__qualname__ = function.__qualname__
        self._work: Work | None = None

    def send(self, value: object) -> object:
        """Go on until the next wait."""
        if self._work is None:
            self._work = self._function()
        return self._work.send(value)

    def throw(self, *exc_info: object) -> object:
        """Raise an exception in it, such as a cancellation."""
        if self._work is None:
            self._work = self._function()
        [exc] = [each for each in exc_info if isinstance(each, BaseException)]
        return self._work.throw(exc)

    def close(self) -> None:
        """End it, if it has begun."""
        if self._work is not None:
            self._work.close()

    def __await__(self) -> Generator[object, None, None]:
        return self._function().__await__()


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
