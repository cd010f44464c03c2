"""Helper threads that do not delay the end of the process, and that get their turn beside a busy loop."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import select
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import Final, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")
_EVERY_SECONDS: Final = 0.005
# Long enough for a waiting thread to wake up and take the interpreter's lock.
_REST_SECONDS: Final = 0.000_1
# Stop after so many: whatever still runs then is not waiting for the lock.
_RESTS: Final = 100
# One looks up a host name while the other reads certificates.
_READY_THREADS: Final = 2
# An idle thread needs no longer to end. One that waits for a name server is left behind.
_END_SECONDS: Final = 0.2


def _wait(seconds: float) -> None:
    """Wait without holding the interpreter's lock.

    Does nothing on Windows, where ``select`` accepts no empty lists.
    """
    if sys.platform != "win32":
        select.select([], [], [], seconds)


def _prepared(prepare: Callable[[], object], call: Callable[[], _T]) -> _T:
    prepare()
    return call()


class DaemonThreads(Executor):
    """Runs each call in a daemon thread of its own. There are few calls: one for each look-up or client.

    At its end, a process waits for all threads of a ``ThreadPoolExecutor``, also for one that waits
    for a name server which does not answer. It does not wait for daemon threads.
    """

    def __init__(self, prepare: Callable[[], object]) -> None:
        self._prepare = prepare

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Start a thread that calls ``fn``, and return its future."""
        future: Future[_T] = Future()

        # In a copy of the caller's context, where the application's filters find what they ask for.
        context = copy_context()

        def run() -> None:
            context.run(self._prepare)
            _fulfil(future, partial(context.run, partial(fn, *args, **kwargs)))

        threading.Thread(target=run, name="aiowatchtower", daemon=True).start()
        return future


class ReadyThreads(ThreadPoolExecutor):
    """Runs calls in daemon threads that are started when it is made, ready for the end of the process.

    Once the interpreter ends, Python starts no thread (from 3.12 on), and lets no
    ``ThreadPoolExecutor`` take a call; the functions that ``atexit`` runs then may still have records
    to deliver. A call that finds every thread busy gets another one, if there is one to be had.

    asyncio takes nothing but a ``ThreadPoolExecutor`` as a loop's default executor. Of that class
    this one uses nothing.
    """

    def __init__(self, prepare: Callable[[], object]) -> None:
        super().__init__(1)
        self._prepare = prepare
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._started: list[threading.Thread] = []
        self._unfinished = 0
        self._count = threading.Lock()
        for _ in range(_READY_THREADS):
            self._start_one()

    def _start_one(self) -> None:
        thread = threading.Thread(target=self._work, name="aiowatchtower-helper", daemon=True)
        thread.start()
        self._started.append(thread)

    def _work(self) -> None:
        self._prepare()
        while (call := self._calls.get()) is not None:
            call()
            del call
            with self._count:
                self._unfinished -= 1

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Have a thread call ``fn``, and return its future."""
        future: Future[_T] = Future()
        with self._count:
            self._unfinished += 1
            is_short = self._unfinished > len(self._started)
        call = partial(copy_context().run, _prepared, self._prepare, partial(fn, *args, **kwargs))
        self._calls.put(partial(_fulfil, future, call))
        if is_short:
            # Without another thread the call waits for one of those that there are.
            with contextlib.suppress(RuntimeError, MemoryError):
                self._start_one()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Let each thread end after its call; those that are idle have ended on return."""
        started, self._started = self._started, []
        for _ in started:
            self._calls.put(None)
        for thread in started:
            thread.join(_END_SECONDS)


def _fulfil(future: Future[_T], work: Callable[[], _T]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(work())
        except BaseException as exc:  # noqa: BLE001 - passed on
            future.set_exception(exc)


class RoomForThreads:
    """While entered, pauses the loop for a moment every few milliseconds, for half a second at most.

    A thread requests the interpreter's lock after 5 ms in which no other thread has released it. A
    busy loop releases the lock each time it polls its sockets, and takes it back before the waiting
    thread has woken up; the 5 ms then start anew. Reading the certificates took 0.8 s instead of
    0.03 s beside such a loop, and no record was shipped before that.
    """

    def __init__(self, wait: Callable[[float], None] = _wait) -> None:
        self._wait = wait
        self._loop = asyncio.get_running_loop()
        self._left = _RESTS
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        """Start to pause the loop."""
        self._timer = self._loop.call_later(_EVERY_SECONDS, self._rest)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        if self._timer is not None:
            self._timer.cancel()

    def _rest(self) -> None:
        self._wait(_REST_SECONDS)
        self._left -= 1
        if self._left:
            self._timer = self._loop.call_later(_EVERY_SECONDS, self._rest)
