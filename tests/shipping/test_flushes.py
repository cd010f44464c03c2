"""What waiting in `flush()` costs, told by counts, however many wait and however many have given up."""

from __future__ import annotations

import asyncio

from aiowatchtower._core.batcher import Batcher
from aiowatchtower._core.events import own_event
from aiowatchtower._shipping.flushes import Flushes


class Compared(int):
    """A number that counts how often one like it is compared."""

    times = 0

    def __lt__(self, other):
        Compared.times += 1
        return int(self) < int(other)


def _batcher():
    return Batcher(max_age=1.0, phase=lambda _: 0.0, max_batch_bytes=2**20, max_batch_count=10_000)


def _comparisons(flushes: int) -> int:
    """Return how many comparisons it takes to cut what was flushed after each record."""
    batcher = _batcher()
    Compared.times = 0
    for number in range(flushes):
        batcher.feed([own_event("web", Compared(number), "record", 0)], 0.0)
        batcher.seal()
    batch = batcher.next_batch("web")
    assert batch is not None
    assert len(batch.events) == flushes
    return Compared.times


def test_a_flush_for_each_record_costs_each_record_the_same():
    """Four times as many flushes, with all records pending, cost about four times as much to deliver."""
    assert _comparisons(4_000) < 6 * _comparisons(1_000)


def test_flushing_again_without_a_record_marks_nothing_anew():
    """Ten thousand flushes in a row, while one record is pending, share one seal."""
    batcher = _batcher()
    batcher.feed([own_event("web", 1, "record", 0)], 0.0)
    first = batcher.seal()
    assert {batcher.seal() for _ in range(10_000)} == {first}
    assert batcher.next_batch("web") is not None
    assert batcher.seal() == first
    assert not batcher.is_met(first)
    batcher.finish("web")
    assert batcher.is_met(first)
    assert batcher.seal() != first


async def test_many_waiters_are_looked_at_once_each():
    """Ten thousand flushes after as many records cost ten thousand looks, and one for each answer."""
    flushes, looks, met = Flushes(), [], 0

    def is_met(number):
        looks.append(number)
        return number <= met

    waiting = []
    for number in range(1, 10_001):
        waiting.append(flushes.ask())
        flushes.seal(number, 1)
        flushes.resolve(is_met)
    assert len(looks) == 10_000
    for number in range(1, 10_001):
        met = number
        flushes.resolve(is_met)
    assert len(looks) < 30_001
    await asyncio.gather(*waiting)
    assert flushes.waiting == 0


async def test_a_flush_that_has_timed_out_is_forgotten():
    """Ten thousand flushes that time out leave nothing behind while an earlier one waits on."""
    flushes = Flushes()
    patient = flushes.ask()
    flushes.seal(1, 1)
    for number in range(2, 10_002):
        asked = flushes.ask()
        flushes.seal(number, 1)
        asked.cancel()
        flushes.forget(asked)
    assert flushes.waiting == 1
    flushes.resolve(lambda number: number == 1)
    await patient
