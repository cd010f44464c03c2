from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from aiowatchtower._spool.ranges import Ranges

_NUMBERS = st.sets(st.integers(1, 60))
_RUNS = st.lists(st.tuples(st.booleans(), st.integers(1, 60), st.integers(0, 12)))


def _set(ranges: Ranges) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(_RUNS)
def test_ranges_are_the_set_that_they_stand_for(changes):
    """Adding and removing runs in any order gives what a set of the numbers gives."""
    ranges, expected = Ranges(), set()
    for is_added, first, length in changes:
        if is_added:
            ranges.add(first, first + length)
            expected |= set(range(first, first + length + 1))
        else:
            ranges.remove(first, first + length)
            expected -= set(range(first, first + length + 1))
    assert _set(ranges) == expected
    assert len(ranges) == len(expected)
    assert [number in ranges for number in range(75)] == [n in expected for n in range(75)]


@given(_NUMBERS, _NUMBERS)
def test_two_ranges_behave_as_two_sets(one, other):
    """Union, difference and intersection are those of sets."""
    union, difference = Ranges.of(one), Ranges.of(one)
    union.update(Ranges.of(other))
    difference.subtract(Ranges.of(other))
    assert _set(union) == one | other
    assert _set(difference) == one - other
    assert _set(Ranges.of(one).common(Ranges.of(other))) == one & other


@given(_NUMBERS)
def test_ranges_are_kept_as_few_runs_as_possible(numbers):
    """Numbers in a row are one run, so that a million of them take the room of one."""
    runs = list(Ranges.of(numbers))
    assert all(second[0] - first[1] > 1 for first, second in itertools.pairwise(runs))
