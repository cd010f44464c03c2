"""An event loop whose clock jumps to the next timer when there is nothing else to do.

A test marked `virtual_time` runs on it. Pauses, intervals and deadlines of hours pass at once there, and a busy
machine changes none of them: the loop's time stands still while code runs. Talk to a `CloudWatchLogs` in memory
(the `cloudwatch` fixture): what an endpoint behind a socket takes to answer is no time that this clock knows of.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable

_PATIENCE_SECONDS = 86_400.0


class Clock:
    """A clock for pure parts: it stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for sockets and threads in real time, and for timers in no time at all."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.calls_in_threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0 or self.calls_in_threads:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self.now += timeout
        return ready


class _LonelySelector(_JumpingSelector):
    """Waits for timers only: it never looks at a socket, which saves a call of the system in each turn."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            message = "nothing is left that could happen"
            raise RuntimeError(message)
        self.now += max(0.0, timeout)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A selector loop with such a clock; it starts at 0. Calls in its executor take no time."""

    def __init__(self, selector: _JumpingSelector | None = None) -> None:
        self._jumping = selector or _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(self, executor, func, *args):  # type: ignore[override]
        """Let the clock stand still until the call has returned."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.calls_in_threads += 1
        future.add_done_callback(self._returned)
        return future

    def _returned(self, _: object) -> None:
        self._jumping.calls_in_threads -= 1


class TimersOnlyLoop(VirtualTimeLoop):
    """Such a loop for what needs neither sockets nor threads, and needs many turns of the loop."""

    def __init__(self) -> None:
        super().__init__(_LonelySelector())


async def until(condition: Callable[[], object], seconds: float = _PATIENCE_SECONDS) -> None:
    """Return when `condition()` is true; fail after so many seconds of the loop's time.

    For virtual time, where looking every hundredth of a second is nothing that anybody waits for.
    """
    ends_at = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < ends_at, f"not so within {seconds:g} s"
        await asyncio.sleep(0.01)
