"""Checks a request against the shapes that AWS's own service model declares, as botocore ships it.

Required members, types, lengths, ranges, patterns and enumerations come from there. What no model states (retention
days, reserved names, the form of a KMS key) stands where the operation is carried out; the events of a put are read
by `_rules`, ten thousand at a time.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Literal, cast

from botocore.loaders import Loader

from ._types import INVALID, UNKNOWN, UNREADABLE, Refusal

Service = Literal["logs", "sts"]
Shape = dict[str, object]
Constraint = Callable[[object], bool]

MAX_LONG = 2**63 - 1
MAX_SHOWN = 200
# Members that are read elsewhere, each by the rules that AWS has for it alone.
READ_ELSEWHERE = {"PutLogEvents": ("logEvents", "entity")}

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "float": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
}
_NAMES = {"string": "String", "long": "Long", "integer": "Integer", "boolean": "Boolean"}


def check(service: Service, operation: str, members: dict[str, object]) -> None:
    """Raise `Refusal` for members that the model of the operation does not allow, naming every violation."""
    model = _load(service)
    found = model["operations"].get(operation)
    if found is None:
        raise Refusal(UNKNOWN, f"{operation}: the botocore that is installed does not know it")
    given = found.get("input")
    if given is None:
        return
    name = cast("dict[str, str]", given)["shape"]
    skipped = READ_ELSEWHERE.get(operation, ())
    walk = _Walk(model["shapes"])
    walk.structure(name, members, "", skipped)
    if walk.violations:
        count = len(walk.violations)
        noun = "error" if count == 1 else "errors"
        text = "; ".join(walk.violations)
        raise Refusal(INVALID, f"{count} validation {noun} detected: {text}")


@functools.cache
def _load(service: Service) -> dict[str, dict[str, Shape]]:
    return cast("dict[str, dict[str, Shape]]", Loader().load_service_model(service, "service-2"))


@functools.cache
def regular_expression(pattern: str) -> re.Pattern[str]:
    r"""Compile a pattern of a service model, which is one of Java's, for Python.

    \p{L}, \p{N} and \p{Z} stand in sets that allow "_" as well, so \w, \d and \s say the same.
    """
    for java, python in ((r"\p{L}", r"\w"), (r"\p{N}", r"\d"), (r"\p{Z}", r"\s")):
        pattern = pattern.replace(java, python)
    return re.compile(pattern, 0 if r"\s" in pattern else re.ASCII)


class _Walk:
    """Compares values with shapes, and collects what is violated."""

    def __init__(self, shapes: dict[str, Shape]) -> None:
        self._shapes = shapes
        self.violations: list[str] = []

    def structure(
        self, name: str, value: dict[str, object], path: str, skipped: tuple[str, ...] = ()
    ) -> None:
        shape = self._shapes[name]
        for member in cast("list[str]", shape.get("required", [])):
            if value.get(member) is None and member not in skipped:
                self._add("null", _under(path, member), "Member must not be null")
        members = cast("dict[str, dict[str, str]]", shape.get("members", {}))
        for member, target in members.items():
            if value.get(member) is not None and member not in skipped:
                self._visit(target["shape"], value[member], _under(path, member))

    def _visit(self, name: str, value: object, path: str) -> None:
        shape = self._shapes[name]
        self._check_type(shape, value, path)
        for constraint in _broken(shape, value):
            self._add(value, path, constraint)
        if isinstance(value, dict):
            if shape["type"] == "structure":
                self.structure(name, value, path)
            else:
                self._elements(_target(shape, "key"), list(value), value, path, "Map keys")
                values = list(value.values())
                self._elements(_target(shape, "value"), values, value, path, "Map value")
        elif isinstance(value, list):
            self._elements(_target(shape, "member"), value, value, path, "Member")

    def _elements(
        self, name: str, elements: list[object], whole: object, path: str, what: str
    ) -> None:
        shape = self._shapes[name]
        for position, element in enumerate(elements, 1):
            if shape["type"] in ("structure", "list", "map"):
                self._visit(name, element, f"{path}.{position}.member")
                continue
            self._check_type(shape, element, path)
            if _broken(shape, element):
                every = ", ".join(_constraints(shape))
                self._add(whole, path, f"{what} must satisfy constraint: [{every}]")
                return

    def _check_type(self, shape: Shape, value: object, path: str) -> None:
        kind = cast("str", shape["type"])
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
            wanted = _NAMES.get(kind, kind)
            raise Refusal(
                UNREADABLE, f"{path}: {type(value).__name__} value can not be converted to {wanted}"
            )
        if is_number and abs(cast("float", value)) > MAX_LONG:
            raise Refusal(UNREADABLE, f"{path}: the number is out of range")

    def _add(self, value: object, path: str, constraint: str) -> None:
        shown = str(value)
        if len(shown) > MAX_SHOWN:
            shown = shown[:MAX_SHOWN] + "..."
        self.violations.append(
            f"Value '{shown}' at '{path}' failed to satisfy constraint: {constraint}"
        )


def _under(path: str, member: str) -> str:
    return f"{path}.{member}" if path else member


def _target(shape: Shape, member: str) -> str:
    return cast("dict[str, str]", shape[member])["shape"]


def _broken(shape: Shape, value: object) -> list[str]:
    return [text for text, holds in _constraints(shape).items() if not holds(value)]


def _constraints(shape: Shape) -> dict[str, Constraint]:
    low, high = cast("float | None", shape.get("min")), cast("float | None", shape.get("max"))
    is_number = shape["type"] in ("integer", "long", "double", "float")
    what = "value" if is_number else "length"
    found: dict[str, Constraint] = {}
    if high is not None:
        text = f"Member must have {what} less than or equal to {high}"
        found[text] = lambda value: _size(value) <= high
    if low is not None:
        text = f"Member must have {what} greater than or equal to {low}"
        found[text] = lambda value: _size(value) >= low
    if pattern := cast("str | None", shape.get("pattern")):
        expression = regular_expression(pattern)
        text = f"Member must satisfy regular expression pattern: {pattern}"
        found[text] = lambda value: expression.fullmatch(str(value)) is not None
    if allowed := cast("list[str] | None", shape.get("enum")):
        text = f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        found[text] = lambda value: value in allowed
    return found


def _size(value: object) -> float:
    return value if isinstance(value, (int, float)) else len(cast("str", value))
