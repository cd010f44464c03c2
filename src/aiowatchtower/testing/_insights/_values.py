"""The values that queries work on: what is found in messages, and how it is compared and shown."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping

Value = str | int | float | bool | None
Row = Mapping[str, Value]
Expression = Callable[[Row], Value]


def discovered(message: str) -> dict[str, Value]:
    """Return the fields that Insights finds in a JSON message, nested ones with dots: "user.name", "items.0"."""
    try:
        document = json.loads(message)
    except (ValueError, RecursionError):
        return {}
    fields: dict[str, Value] = {}
    pending: list[tuple[str, object]] = [("", document)] if isinstance(document, dict) else []
    while pending:
        path, value = pending.pop()
        if isinstance(value, (dict, list)):
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            pending += [(f"{path}.{key}" if path else str(key), each) for key, each in inner]
        elif isinstance(value, (str, int, float)):
            fields[path] = value
    return fields


def rendered(value: Value) -> str:
    """Return a value as results show it."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value)


def number(value: Value) -> float | None:
    """Return a number, or the number that a text is."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        try:
            found = float(value)
        except ValueError:
            return None
        return found if math.isfinite(found) else None
    return value


def truth(value: Value) -> bool:
    """Tell whether a condition holds."""
    return bool(value)
