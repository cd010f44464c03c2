"""A block for a program without an event loop: the loop runs in a background thread."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from concurrent.futures import Future, wait
from datetime import timedelta
from functools import partial
from typing import Final, NoReturn, TypeVar

from anyio.from_thread import BlockingPortal

from ._aws.threads import ReadyThreads
from ._config.arguments import checked_seconds
from ._core.ledger import Statistics
from ._diagnostics.own_log import say
from ._diagnostics.self_feeding import start_shipping
from ._intake.handler import CloudWatchLogHandler
from ._intake.wrong_kind import NotAHandler
from ._open_block import OpenBlock

_T = TypeVar("_T")
# How much longer than `shutdown_timeout` leaving takes at most, if the loop's thread does not answer.
_OVERTIME_SECONDS: Final = 1.0
# For the loop's thread to end once it has nothing left to do.
_END_SECONDS: Final = 2.0


class BackgroundLoop:
    """An event loop in a daemon thread, made with all the threads that it will need.

    At the end of the interpreter Python lets nobody start one.
    """

    def __init__(self) -> None:
        self.threads = ReadyThreads(start_shipping)
        started: Future[BlockingPortal] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(started,), name="aiowatchtower-loop", daemon=True
        )
        try:
            self._thread.start()
            self._portal = started.result()
        except BaseException:
            self.threads.shutdown()
            raise

    def _run(self, started: Future[BlockingPortal]) -> None:
        loop = asyncio.new_event_loop()
        # In debug mode asyncio would warn of each slow step, which holds up nobody here.
        loop.set_debug(False)
        # aiobotocore reads certificates in the default executor.
        loop.set_default_executor(self.threads)
        try:
            loop.run_until_complete(self._serve(started))
        except BaseException as exc:  # noqa: BLE001 - passed on to the thread that waits for it
            if not started.done():
                started.set_exception(exc)
        finally:
            # Not asyncio.run(): it starts a thread to shut the default executor down.
            _cancel_tasks(loop)
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    async def _serve(self, started: Future[BlockingPortal]) -> None:
        async with BlockingPortal() as portal:
            started.set_result(portal)
            await portal.sleep_until_stopped()

    def start(self, function: Callable[..., Awaitable[_T]], *arguments: object) -> Future[_T]:
        """Call a coroutine function on the loop, in a copy of the caller's context."""
        return self._portal.start_task_soon(function, *arguments)

    def run(self, function: Callable[..., Awaitable[_T]], *arguments: object) -> _T:
        """Call a coroutine function on the loop, and wait for its result."""
        future = self.start(function, *arguments)
        try:
            return future.result()
        except BaseException:
            # Ctrl+C ends the wait, and then what was waited for.
            future.cancel()
            raise

    def call(self, function: Callable[[], object]) -> None:
        """Call a function on the loop."""
        self._portal.call(function)

    def stop(self) -> None:
        """End the loop and its thread. One that does not answer is left behind, as a daemon."""
        with contextlib.suppress(RuntimeError):
            self._portal.start_task_soon(self._portal.stop, True)
        self._thread.join(_END_SECONDS)


class BackgroundLogging(NotAHandler):
    """An open block whose event loop runs in a background thread.

    ``with CloudWatchLogging(...) as logs:`` and ``start_background()`` return it. Each of its methods
    may be called from any thread.
    """

    def __init__(
        self,
        handlers: tuple[CloudWatchLogHandler, ...] | None,
        loggers: Sequence[logging.Logger],
    ) -> None:
        # None when nothing runs: closed, or nothing to run.
        self._loop: BackgroundLoop | None = None
        if handlers is not None and not any(handler.enabled for handler in handlers):
            self._block = OpenBlock(handlers, loggers)
            return
        loop = BackgroundLoop()
        self._block = OpenBlock(handlers, loggers, loop.threads)
        try:
            loop.run(self._block.enter)
        except BaseException:
            loop.stop()
            raise
        self._loop = loop

    def __repr__(self) -> str:
        """Show the handlers and what waits in them."""
        return f"<BackgroundLogging {', '.join(map(repr, self._block.handlers))}>"

    @property
    def handler(self) -> CloudWatchLogHandler:
        """The handler, to attach by hand. With ``configured()``: the only one there is."""
        return only_one(self._block.handlers)

    @property
    def handlers(self) -> tuple[CloudWatchLogHandler, ...]:
        """The handlers that this block runs."""
        return self._block.handlers

    @property
    def is_open(self) -> bool:
        """Whether it delivers: False once it is closed, and in a forked child."""
        return self._block.is_open

    def statistics(self) -> Statistics:
        """Return what became of the records so far; of all handlers together, if several."""
        return self._block.statistics()

    def flush(self, timeout: float | timedelta | None = None) -> None:
        """Wait until every record logged before the call was delivered, rejected or dropped.

        Args:
            timeout: Seconds to wait, also as a timedelta, or None for as long as it takes.

        Raises:
            TimeoutError: The time is up. No record is lost by it: delivery goes on.
            RuntimeError: The block is closed and records are waiting.
            ValueError, TypeError: This is no time to wait.
        """
        seconds = None if timeout is None else checked_seconds("timeout", timeout)
        if self._loop is not None and self._block.is_open:
            self._loop.run(self._block.flush, seconds)
        elif self.statistics().pending:
            msg = "flush() needs an open block: enter `with` or call start_background() first"
            raise RuntimeError(msg)

    def close(self) -> None:
        """Deliver what is left, for ``shutdown_timeout`` seconds at most, and end the thread.

        Does nothing when it was called before, also from a signal handler while it runs.
        """
        self.leave(is_cancelled=False)

    def close_at_exit(self) -> None:
        """Have the interpreter call ``close()`` when it ends, unless that was done before."""
        atexit.register(self.close)

    def leave(self, *, is_cancelled: bool) -> None:
        """Do what ``close()`` says.

        Ctrl+C, or whatever else a signal handler raises, is raised again when all is delivered. The
        second time it ends the wait at once; ``is_cancelled`` says that there was a first.
        """
        atexit.unregister(self.close)
        loop, self._loop = self._loop, None
        if self._block.is_forked:
            # The thread was not copied, and the loop's descriptors are shared with the parent.
            self._block.detach()
        elif loop is None:
            self._block.detach()
        else:
            self._leave(loop, is_cancelled=is_cancelled)

    def _leave(self, loop: BackgroundLoop, *, is_cancelled: bool) -> None:
        longest = max((handler.settings.grace for handler in self._block.handlers), default=0.0)
        ends_at = time.monotonic() + longest + _OVERTIME_SECONDS
        leaving = loop.start(partial(self._block.leave, is_cancelled=is_cancelled))
        interruption = None
        while not leaving.done() and (left := ends_at - time.monotonic()) > 0:
            try:
                wait({leaving}, left)
            except BaseException as exc:  # noqa: BLE001 - raised again below
                interruption = exc
                if is_cancelled:
                    loop.call(self._block.abort)
                    ends_at = min(ends_at, time.monotonic() + _OVERTIME_SECONDS)
                is_cancelled = True
        if not leaving.done():
            say(
                logging.WARNING,
                f"the thread that delivers does not answer, and is left behind with "
                f"{self.statistics().pending} records",
            )
        loop.stop()
        if interruption is not None:
            raise interruption


class Finished(Coroutine[object, object, None]):
    """What ``flush()`` returns when it has blocked: awaiting it, once or never, does nothing."""

    def send(self, value: object) -> NoReturn:  # noqa: ARG002 - as coroutines have it
        """Return None to whoever awaits this."""
        raise StopIteration

    def throw(self, *exc_info: object) -> NoReturn:  # noqa: ARG002 - as coroutines have it
        """Return None, as a coroutine that was about to end does."""
        raise StopIteration

    def close(self) -> None:
        """Do nothing."""

    def __await__(self) -> Generator[object, object, None]:
        yield from ()


def only_one(handlers: Sequence[CloudWatchLogHandler]) -> CloudWatchLogHandler:
    """Return the handler, or raise a RuntimeError unless there is exactly one."""
    if len(handlers) != 1:
        msg = f"this block runs {len(handlers)} handlers: use .handlers"
        raise RuntimeError(msg)
    return handlers[0]


def _cancel_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what still runs on the loop, as asyncio.run() does."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks))
