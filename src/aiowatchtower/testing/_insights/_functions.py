"""Functions of single rows, for fields and filter."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from ._values import Value, number, rendered


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
