"""Functions of single rows, in fields and filter, and of many rows, in stats."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Final

from ._expressions import (
    Expression,
    QueryError,
    Reader,
    Row,
    Value,
    arithmetic,
    number,
    period_ms,
    rendered,
)

Aggregate = Callable[[Sequence[Row]], Value]


def _numeric(function: Callable[[float], float]) -> Callable[[Sequence[Value]], Value]:
    def result(values: Sequence[Value]) -> Value:
        found = number(values[0])
        return None if found is None else function(found)

    return result


def _textual(function: Callable[[str], Value]) -> Callable[[Sequence[Value]], Value]:
    return lambda values: None if values[0] is None else function(rendered(values[0]))


# Name, number of arguments (None: any), and what it makes of their values.
FUNCTIONS: Final[dict[str, tuple[int | None, Callable[[Sequence[Value]], Value]]]] = {
    "abs": (1, _numeric(abs)),
    "ceil": (1, _numeric(math.ceil)),
    "floor": (1, _numeric(math.floor)),
    "ispresent": (1, lambda values: values[0] is not None),
    "isempty": (1, lambda values: values[0] in (None, "")),
    "isblank": (1, lambda values: values[0] is None or not rendered(values[0]).strip()),
    "coalesce": (None, lambda values: next((each for each in values if each is not None), None)),
    "concat": (None, lambda values: "".join(rendered(v) for v in values if v is not None)),
    "strlen": (1, _textual(len)),
    "toupper": (1, _textual(str.upper)),
    "tolower": (1, _textual(str.lower)),
    "trim": (1, _textual(str.strip)),
    "strcontains": (2, lambda values: int(rendered(values[1]) in rendered(values[0]))),
}
AGGREGATES: Final = (
    *("count", "count_distinct", "sum", "avg", "min", "max", "pct", "stddev", "median"),
)


def call(name: str, reader: Reader) -> Expression:
    """Read the arguments of a function of one row."""
    if name == "bin":
        reader.expect("(")
        size_ms = period_ms(reader.next("a period such as 5m").text)
        reader.expect(")")
        return lambda row: _floored(row.get("@timestamp"), size_ms)
    if name not in FUNCTIONS:
        known = ", ".join([*FUNCTIONS, "bin", *AGGREGATES])
        raise QueryError(f"no function {name} here; this service has {known}")
    count, function = FUNCTIONS[name]
    arguments = _arguments(reader)
    if count is not None and len(arguments) != count:
        raise QueryError(f"{name} takes {count} of {len(arguments)} arguments")
    return lambda row: function([argument(row) for argument in arguments])


def aggregate(name: str, reader: Reader) -> Aggregate:
    """Read the arguments of a function of many rows."""
    if name == "count" and _is_of_all(reader):
        return len
    arguments = _arguments(reader)
    if len(arguments) != (2 if name == "pct" else 1):
        raise QueryError(
            f"{name} takes {'a field and a percentage' if name == 'pct' else 'a field'}"
        )
    of = arguments[0]
    if name in ("count", "count_distinct"):
        count = _count_distinct if name == "count_distinct" else _count
        return lambda rows: count([of(row) for row in rows])
    if name == "pct":
        percent = number(arguments[1]({}))
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


def _arguments(reader: Reader) -> list[Expression]:
    reader.expect("(")
    arguments = [] if reader.ahead == ")" else [arithmetic(reader)]
    while reader.skip(","):
        arguments.append(arithmetic(reader))
    reader.expect(")")
    return arguments


def _floored(timestamp: Value, size_ms: int) -> Value:
    found = number(timestamp)
    return None if found is None else int(found // size_ms * size_ms)


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
