"""Sets of record numbers, which mostly follow one another. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import TypeAlias

# The first and the last number of a run, both included.
Run: TypeAlias = tuple[int, int]


class Ranges:
    """A set of integers, kept as its runs of consecutive numbers, in order.

    A million records in a row take the room of one.
    """

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in runs:
            self.add(first, last)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Ranges:
        """Return the set of these numbers, given in any order."""
        given = list(numbers)
        found = cls()
        if given and given == list(range(given[0], given[0] + len(given))):
            found.add(given[0], given[-1])
            return found
        for number in sorted(given):
            if found._lasts and found._lasts[-1] == number - 1:
                found._lasts[-1] = number
            else:
                found.add(number, number)
        return found

    def __iter__(self) -> Iterator[Run]:
        return iter(list(zip(self._firsts, self._lasts, strict=True)))

    def __len__(self) -> int:
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number)
        return at > 0 and number <= self._lasts[at - 1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranges) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Ranges({list(self)})"

    def add(self, first: int, last: int) -> None:
        """Add the numbers from ``first`` to ``last``."""
        # The runs that overlap or touch the new one.
        begin = bisect_left(self._lasts, first - 1)
        end = bisect_right(self._firsts, last + 1)
        if begin < end:
            first = min(first, self._firsts[begin])
            last = max(last, self._lasts[end - 1])
        self._firsts[begin:end] = [first]
        self._lasts[begin:end] = [last]

    def remove(self, first: int, last: int) -> None:
        """Remove the numbers from ``first`` to ``last``, as far as they are in."""
        begin = bisect_left(self._lasts, first)
        end = bisect_right(self._firsts, last)
        if begin >= end:
            return
        kept: list[Run] = []
        if self._firsts[begin] < first:
            kept.append((self._firsts[begin], first - 1))
        if self._lasts[end - 1] > last:
            kept.append((last + 1, self._lasts[end - 1]))
        self._firsts[begin:end] = [run[0] for run in kept]
        self._lasts[begin:end] = [run[1] for run in kept]

    def update(self, other: Ranges) -> None:
        """Add every number of the other set."""
        for first, last in other:
            self.add(first, last)

    def subtract(self, other: Ranges) -> None:
        """Remove every number of the other set."""
        for first, last in other:
            self.remove(first, last)

    def common(self, other: Ranges) -> Ranges:
        """Return the numbers that are in both sets."""
        found = Ranges()
        for first, last in other:
            begin = bisect_left(self._lasts, first)
            end = bisect_right(self._firsts, last)
            for at in range(begin, end):
                found.add(max(first, self._firsts[at]), min(last, self._lasts[at]))
        return found
