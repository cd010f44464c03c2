"""Helper threads, and room for them beside a busy loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from aiowatchtower._aws.threads import DaemonThreads, RoomForThreads


class Rests:
    """Counts rests instead of taking them; ``done`` is set after so many."""

    def __init__(self, expected: int) -> None:
        self.taken: list[float] = []
        self.done = asyncio.Event()
        self._expected = expected

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        if len(self.taken) == self._expected:
            self.done.set()


async def _others_rest():
    """Return when there was time for more rests."""
    rests = Rests(3)
    with RoomForThreads(rests):
        await rests.done.wait()


async def test_rests_again_and_again_until_left():
    """Short rests, so that a thread can take the interpreter's lock; none once it is over."""
    rests = Rests(3)
    with RoomForThreads(rests):
        await rests.done.wait()
    await _others_rest()
    assert rests.taken == [0.000_1] * 3


async def test_left_by_an_exception_it_ends_too():
    """What was waited for failed."""
    rests = Rests(1)
    with pytest.raises(OSError, match="refused"), RoomForThreads(rests):
        raise OSError("refused")
    await _others_rest()
    assert rests.taken == []


async def test_gives_up_after_half_a_second_of_rests():
    """Something else is slow then, and the loop is the application's."""
    rests = Rests(100)
    with RoomForThreads(rests):
        await rests.done.wait()
        await _others_rest()
    assert len(rests.taken) == 100


async def test_a_rest_returns():
    """The default one waits without the lock, for a moment."""
    with RoomForThreads():
        await _others_rest()


async def test_a_call_runs_in_a_thread_that_no_process_waits_for():
    """What it returns or raises comes back, and it is prepared before."""
    prepared = []
    threads = DaemonThreads(lambda: prepared.append(threading.current_thread()))
    loop = asyncio.get_running_loop()
    thread = await loop.run_in_executor(threads, threading.current_thread)
    assert thread.daemon
    assert thread.name == "aiowatchtower"
    assert prepared == [thread]
    with pytest.raises(ZeroDivisionError):
        await loop.run_in_executor(threads, divmod, 1, 0)


async def test_a_call_that_nobody_waits_for_is_not_made():
    """When it is cancelled before its thread runs."""
    is_ready = threading.Event()
    made: list[int] = []
    threads = DaemonThreads(is_ready.wait)
    future = threads.submit(made.append, 1)
    assert future.cancel()
    is_ready.set()
    assert await asyncio.get_running_loop().run_in_executor(threads, list, made) == []
