"""How long to wait after a failure."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiowatchtower._core.backoff import Backoff

chances = st.floats(0, 1, exclude_max=True)


@given(chances, st.integers(1, 10_000))
def test_a_pause_keeps_its_bounds_for_any_random(chance, tries):
    """However the dice fall, a pause is no hot loop, and no longer than its ceiling or the cap."""
    pause = Backoff(lambda: chance).pause(tries)
    assert 0.05 <= pause <= 60.0
    assert pause <= max(0.05, 0.2 * 2.0 ** min(tries - 1, 20))


@given(chances, st.integers(1, 100), st.floats(0.01, 10), st.floats(0.01, 100))
def test_a_pause_is_the_share_of_its_ceiling_that_the_dice_say(chance, tries, first, cap):
    """Full jitter: anything from the floor to the ceiling, which doubles up to the cap."""
    pause = Backoff(lambda: chance, first=first, cap=cap, floor=0.0).pause(tries)
    assert pause == pytest.approx(chance * min(cap, first * 2.0 ** (tries - 1)))


def test_ceilings_grow_and_then_stay():
    """With the highest throw, pauses double from a fifth of a second to a minute."""
    backoff = Backoff(lambda: 1.0)
    pauses = [backoff.pause(tries) for tries in range(1, 12)]
    assert pauses[:4] == [0.2, 0.4, 0.8, 1.6]
    assert pauses[-2:] == [60.0, 60.0]
    assert pauses == sorted(pauses)


def test_two_workers_do_not_wait_alike():
    """Pauses are drawn anew each time, so that workers that failed together come back apart."""
    one, two = Backoff(random.Random(1).random), Backoff(random.Random(2).random)
    assert len({backoff.pause(8) for backoff in (one, two) for _ in range(10)}) == 20
