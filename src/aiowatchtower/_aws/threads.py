"""Helper threads: such as hold up no process, and room for them beside a loop that is never idle."""

from __future__ import annotations

import asyncio
import select
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from types import TracebackType
from typing import Final, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")
_EVERY_SECONDS: Final = 0.005
# Long enough for a thread that waits for the lock to wake up and take it.
_REST_SECONDS: Final = 0.000_1
# What takes longer than all of them does not wait for the lock.
_RESTS: Final = 100


def _wait(seconds: float) -> None:
    """Wait without the lock, as a loop does that has nothing to do.

    Not on Windows, where ``select`` takes no empty lists.
    """
    if sys.platform != "win32":
        select.select([], [], [], seconds)


class DaemonThreads(Executor):
    """Runs each call in a daemon thread of its own: they are few, and far between.

    A process waits for all threads of a ``ThreadPoolExecutor`` when it ends, also for one in which
    a name server is asked that does not answer.
    """

    def __init__(self, prepare: Callable[[], object]) -> None:
        self._prepare = prepare

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Start a thread that calls ``fn``, and return its future."""
        future: Future[_T] = Future()

        def run() -> None:
            self._prepare()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as exc:  # noqa: BLE001 - passed on
                    future.set_exception(exc)

        threading.Thread(target=run, name="aiowatchtower", daemon=True).start()
        return future


class RoomForThreads:
    """While entered, rests the loop for a moment every few milliseconds, half a second at most.

    A thread asks for the lock when it has waited 5 ms in which nobody gave it up. A loop gives it
    up each time that it looks at its sockets, and takes it again before the thread has woken; with
    nothing to wait for, it does so many times in those 5 ms. Reading the certificates then took
    0.8 s instead of 0.03 s, and no record was shipped before.
    """

    def __init__(self, wait: Callable[[float], None] = _wait) -> None:
        self._wait = wait
        self._loop = asyncio.get_running_loop()
        self._left = _RESTS
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        """Begin to rest."""
        self._timer = self._loop.call_later(_EVERY_SECONDS, self._rest)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it."""
        if self._timer is not None:
            self._timer.cancel()

    def _rest(self) -> None:
        self._wait(_REST_SECONDS)
        self._left -= 1
        if self._left:
            self._timer = self._loop.call_later(_EVERY_SECONDS, self._rest)
