"""Helper threads, and room for them beside a busy loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading

import pytest

from aiowatchtower._aws.threads import DaemonThreads, ReadyThreads, RoomForThreads


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


def _at_exit(code: str) -> subprocess.CompletedProcess[str]:
    """Run code that registers functions with `atexit`."""
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(code)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_ready_threads_take_calls_at_the_end_of_the_process():
    """Threads started before the interpreter ends work in `atexit`, also as a loop's default executor."""
    done = _at_exit("""
        import asyncio, atexit, socket
        from aiowatchtower._aws.threads import ReadyThreads

        threads = ReadyThreads(lambda: None)

        @atexit.register
        def late():
            loop = asyncio.new_event_loop()
            loop.set_default_executor(threads)
            print(threads.submit(abs, -1).result(), loop.run_until_complete(asyncio.to_thread(abs, -2)))
            loop.close()
    """)
    assert (done.stdout, done.stderr) == ("1 2\n", "")


def test_ready_threads_get_another_when_all_are_busy():
    """A call that hangs does not hold up the next one; afterwards no thread is left."""
    before = set(threading.enumerate())
    threads = ReadyThreads(lambda: None)
    is_over = threading.Event()
    hanging = [threads.submit(is_over.wait) for _ in range(5)]
    assert threads.submit(abs, -3).result(timeout=60) == 3
    is_over.set()
    assert all(future.result(timeout=60) for future in hanging)
    threads.shutdown()
    assert set(threading.enumerate()) == before


def test_ready_threads_pass_on_what_a_call_raises():
    """The future has the exception, and the thread goes on."""
    threads = ReadyThreads(lambda: None)
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 1, 0).result(timeout=60)
    assert threads.submit(divmod, 7, 2).result(timeout=60) == (3, 1)
    threads.shutdown()
