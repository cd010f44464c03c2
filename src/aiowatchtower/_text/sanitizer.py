"""Values that JSON has no form for, made into some that it has, with what was changed named. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, TypeAlias

_NON_FINITE: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_MAX_DEPTH: Final = 100
_MAX_REPEATS: Final = 1_000
_MAX_PROBLEMS: Final = 8
# 4 214 digits: readers refuse more than 4 300 (sys.set_int_max_str_digits).
_MAX_INT_BITS: Final = 14_000
Fields: TypeAlias = dict[object, object]


class Sanitizer:
    """Copy a value into one that strict JSON can carry, and name in `problems` what was changed."""

    def __init__(self, default: Callable[[object], object]) -> None:
        self.problems: dict[str, None] = {}
        self._default = default
        self._path: set[int] = set()
        # Holds the objects, for the id of a freed one may come again.
        self._seen: dict[int, object] = {}
        self._repeats = 0

    def mapping(self, value: Fields, depth: int) -> Fields:
        fields: Fields = {}
        for key, item in list(value.items()):
            name = self._key(key)
            if name in fields:
                self._note("equal keys were renamed", name)
            fields = merge(fields, {name: self._value(item, depth)})
        return fields

    def _note(self, problem: str, instead: str) -> str:
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems[problem] = None
        return instead

    def _key(self, key: object) -> str:
        if issubclass(type(key), str):
            # What json writes for a key that is an Enum as well, not what that calls itself.
            return str.__str__(key)
        if key is None or issubclass(type(key), (int, float)):
            scalar = self._value(key, 0)
            return scalar if isinstance(scalar, str) else json.dumps(scalar)
        return self._note(f"a key was {type(key).__name__}, not a string", guard(str, key))

    def _value(self, value: object, depth: int) -> object:
        try:
            if value is None or isinstance(value, (str, int, float)):
                return self._scalar(value)
            return self._nested(value, depth)
        except Exception as error:  # noqa: BLE001 - noted
            problem = f"a value of type {type(value).__name__} became text: {describe(error)}"
            return self._note(problem, guard(repr, value))

    def _scalar(self, value: str | float | None) -> str | float | None:
        if isinstance(value, int) and value.bit_length() > _MAX_INT_BITS:
            return self._note("a number was too long", hex(value))
        if isinstance(value, float) and float.__repr__(value) in _NON_FINITE:
            return self._note("NaN or Infinity became a string", _NON_FINITE[float.__repr__(value)])
        return value

    def _nested(self, value: object, depth: int) -> object:
        identity = id(value)
        # Without a bound on repeats, values that all refer to each other would unfold for ever.
        self._repeats += identity in self._seen
        if depth >= _MAX_DEPTH or identity in self._path or self._repeats > _MAX_REPEATS:
            problem = "a value contained itself, or was nested too deep"
            return self._note(problem, f"<{type(value).__name__}, not shown>")
        self._seen[identity] = value
        self._path.add(identity)
        try:
            if isinstance(value, dict):
                return self.mapping(value, depth + 1)
            if isinstance(value, (list, tuple)):
                return [self._value(item, depth + 1) for item in list(value)]
            return self._value(self._default(value), depth + 1)
        finally:
            self._path.discard(identity)


def merge(fields: Fields, more: Fields) -> Fields:
    """Return both; a name that is taken already goes on with ``_`` appended."""
    if not fields:
        return more
    for key, value in more.items():
        name = key
        while name in fields:
            name = f"{name}_"
        fields[name] = value
    return fields


def describe(error: BaseException) -> str:
    """Return what to say of a value or record that could not be shown."""
    return f"formatting failed: {type(error).__name__}: {guard(str, error)}"


def guard(show: Callable[..., str], value: object) -> str:
    """Return ``show(value)``, or what to say of one that raises."""
    try:
        return show(value)
    except Exception as error:  # noqa: BLE001 - shown
        return f"<{type(value).__name__}: {show.__name__} raised {type(error).__name__}>"
