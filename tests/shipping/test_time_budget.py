"""The end of a block as the sender sees it."""

from __future__ import annotations

import contextlib
import math

import anyio
import pytest
from anyio.lowlevel import checkpoint

from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.phase import Lifecycle
from aiowatchtower._shipping.time_budget import TimeBudget


def _budget(clock) -> TimeBudget:
    lifecycle = Lifecycle()
    lifecycle.enter()
    return TimeBudget(lifecycle, clock, max_in_flight=4)


def _leave(budget, seconds):
    budget._lifecycle.leave(budget._clock() + seconds, "after_exit")
    budget.shorten()


@contextlib.contextmanager
def _lanes(budget, count):
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(budget.lane())
        yield


async def test_an_open_block_has_all_the_time(clock):
    """While the block is not being left, neither it nor a try runs out of time."""
    budget = _budget(clock)
    assert not budget.is_leaving
    assert budget.remaining == math.inf
    assert budget.try_seconds == math.inf


async def test_leaving_starts_the_clock(clock):
    """From the moment of leaving, the time that is left counts down."""
    budget = _budget(clock)
    _leave(budget, 10.0)
    clock.now += 4.0
    assert budget.is_leaving
    assert budget.remaining == 6.0


@pytest.mark.parametrize(
    ("lanes", "seconds"),
    [(0, 4.0), (1, 4.0), (4, 4.0), (8, 3.0), (40, 1.0), (4_000, 1.0)],
)
async def test_streams_share_the_time_that_is_left(clock, lanes, seconds):
    """A try has half of its stream's share, but three seconds if there are, and enough to work."""
    budget = _budget(clock)
    _leave(budget, 8.0)
    with _lanes(budget, lanes):
        assert budget.try_seconds == seconds


@pytest.mark.parametrize(("took", "seconds"), [(0.01, 0.5), (0.2, 0.6), (2.0, 4.0), (9.0, 13.5)])
async def test_a_try_has_three_times_what_the_last_answer_took(clock, took, seconds):
    """However many streams share the time, but half of it at most: cut short, none would be answered."""
    budget = _budget(clock)
    with budget.limited_try("PutLogEvents", "/app:web"):
        clock.now += took
    _leave(budget, 8.0)
    with _lanes(budget, 4_000):
        assert budget.try_seconds == pytest.approx(seconds)


async def test_a_try_that_was_cut_short_is_followed_by_a_longer_one(clock):
    """Nobody knows yet how long an answer takes."""
    budget = _budget(clock)
    _leave(budget, 8.0)

    async def hang():
        with budget.limited_try("PutLogEvents", "/app:web"):
            clock.now += budget.try_seconds
            next(iter(budget._tries)).cancel()
            await checkpoint()

    with _lanes(budget, 4_000):
        with pytest.raises(DeliveryError):
            await hang()
        assert budget.try_seconds == 2.0


async def test_tries_come_closer_together_until_the_last(clock):
    """When each of them hangs, one of 10 s, 3 s are followed by another."""
    budget = _budget(clock)
    _leave(budget, 10.0)
    tries = []
    while budget.remaining > 0:
        tries.append(budget.try_seconds)
        clock.now += tries[-1]
    assert tries == [5.0, 3.0, 2.0]


async def test_a_try_under_way_is_cut_short_by_leaving():
    """It hangs, and another one has to fit."""
    budget = _budget(anyio.current_time)
    with budget.limited_try("PutLogEvents", "/app:web"):
        pass

    async def hang():
        with budget.limited_try("PutLogEvents", "/app:web"):
            _leave(budget, 0.1)
            await anyio.sleep_forever()

    with pytest.raises(DeliveryError) as caught:
        await hang()
    error = caught.value
    assert (error.action, error.code, error.resource) == ("PutLogEvents", "Timeout", "/app:web")
    assert error.maybe_accepted


async def test_a_try_that_is_over_is_not_cut_short(clock):
    """Only those under way as the block is left."""
    budget = _budget(clock)
    with budget.limited_try("PutLogEvents", "/app:web"):
        [scope] = budget._tries
    _leave(budget, 10.0)
    assert scope.deadline == math.inf
    assert not scope.cancelled_caught


async def test_after_the_deadline_a_try_is_short(clock):
    """When the time is over, a try gets the shortest one there is."""
    budget = _budget(clock)
    with budget.limited_try("PutLogEvents", "/app:web"):
        pass
    _leave(budget, 1.0)
    clock.now += 5.0
    assert budget.try_seconds == 0.25


async def test_leaving_ends_a_pause(clock):
    """A back-off of an hour ends when the block is left."""
    budget = _budget(clock)
    ended = anyio.Event()

    async def back_off():
        await budget.pause(3_600)
        ended.set()

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(back_off)
            await anyio.wait_all_tasks_blocked()
            assert not ended.is_set()
            _leave(budget, 10.0)
            await ended.wait()


async def test_a_pause_lasts_as_long_as_it_was_meant_to(clock):
    """While the block is open, a pause ends by itself after its time."""
    budget = _budget(clock)
    began = anyio.current_time()
    with anyio.fail_after(60):
        await budget.pause(0.02)
    assert anyio.current_time() - began >= 0.02
    assert not budget.is_leaving


@pytest.mark.parametrize(("left", "shortest"), [(0.2, 0.1), (0.0, 0.05), (-5.0, 0.05)])
async def test_pauses_get_shorter_towards_the_end(clock, left, shortest):
    """When leaving, a pause takes half of what is left at most, and is no hot loop."""
    budget = _budget(clock)
    _leave(budget, left)
    began = anyio.current_time()
    with anyio.fail_after(60):
        await budget.pause(3_600)
    assert anyio.current_time() - began >= shortest - 0.001


async def test_a_short_pause_stays_short_when_leaving(clock):
    """When leaving, a pause is no longer than it was meant to be."""
    budget = _budget(clock)
    _leave(budget, 3_600.0)
    with anyio.fail_after(60):
        await budget.pause(0.0)
    await checkpoint()
