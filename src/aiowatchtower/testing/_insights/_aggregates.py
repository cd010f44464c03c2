"""Functions of many rows, for stats."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Final

from ._expressions import arguments
from ._values import Expression, Row, Value, number, rendered
from ._words import QueryError, Reader

Aggregate = Callable[[Sequence[Row]], Value]
AGGREGATES: Final = (
    *("count", "count_distinct", "sum", "avg", "min", "max", "pct", "stddev", "median"),
)


def aggregate(name: str, reader: Reader) -> Aggregate:
    """Read the arguments of a function of many rows."""
    if name == "count" and _is_of_all(reader):
        return len
    given = arguments(reader)
    if len(given) != (2 if name == "pct" else 1):
        raise QueryError(
            f"{name} takes {'a field and a percentage' if name == 'pct' else 'a field'}"
        )
    of = given[0]
    if name in ("count", "count_distinct"):
        count = _count_distinct if name == "count_distinct" else _count
        return lambda rows: count([of(row) for row in rows])
    if name == "pct":
        percent = number(given[1]({}))
        if percent is None or not 0 <= percent <= 100:
            raise QueryError("pct takes a percentage from 0 to 100")
        return lambda rows: _percentile(_numbers(of, rows), percent)
    function = _OF_NUMBERS[name]
    return lambda rows: function(found) if (found := _numbers(of, rows)) else None


def _is_of_all(reader: Reader) -> bool:
    reader.expect("(")
    if not (reader.skip("*") or reader.ahead == ")"):
        reader.back()
        return False
    reader.expect(")")
    return True


def _count(values: list[Value]) -> int:
    return sum(value is not None for value in values)


def _count_distinct(values: list[Value]) -> int:
    return len({rendered(value) for value in values if value is not None})


def _numbers(of: Expression, rows: Sequence[Row]) -> list[float]:
    found = [number(of(row)) for row in rows]
    return sorted(value for value in found if value is not None)


def _percentile(values: list[float], percent: float) -> Value:
    """Return the smallest value that at least so many percent of the values do not exceed."""
    if not values:
        return None
    return values[max(0, math.ceil(percent / 100 * len(values)) - 1)]


_OF_NUMBERS: Final[dict[str, Callable[[list[float]], float]]] = {
    "sum": sum,
    "avg": statistics.fmean,
    "min": min,
    "max": max,
    "stddev": statistics.pstdev,
    "median": statistics.median,
}
