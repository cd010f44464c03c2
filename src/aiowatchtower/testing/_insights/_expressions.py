"""Expressions of the query language: `or`, `and`, `not`, comparisons, arithmetic and functions of one row."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from ._functions import FUNCTIONS
from ._values import Expression, Row, Value, number, rendered, truth
from ._words import QueryError, Reader, period_ms, text_of


def field(name: str) -> Expression:
    """Return the expression that a field is."""
    return lambda row: row.get(name)


def condition(reader: Reader) -> Expression:
    """Read an expression: `or`, `and`, `not`, comparisons and arithmetic, in this order of binding."""
    left = _conjunction(reader)
    while reader.skip("or"):
        left = _either(left, _conjunction(reader))
    return left


def _conjunction(reader: Reader) -> Expression:
    left = _negation(reader)
    while reader.skip("and"):
        left = _both(left, _negation(reader))
    return left


def _either(left: Expression, right: Expression) -> Expression:
    return lambda row: truth(left(row)) or truth(right(row))


def _both(left: Expression, right: Expression) -> Expression:
    return lambda row: truth(left(row)) and truth(right(row))


def _negation(reader: Reader) -> Expression:
    if reader.skip("not"):
        inner = _negation(reader)
        return lambda row: not truth(inner(row))
    return _comparison(reader)


def _comparison(reader: Reader) -> Expression:
    left = arithmetic(reader)
    sign = reader.ahead
    if sign in ("=", "!=", "<", "<=", ">", ">="):
        reader.next("a sign")
        return _compared(sign, left, arithmetic(reader))
    is_negated = reader.skip("not")
    if reader.skip("like") or reader.skip("=~"):
        found = _likeness(left, reader)
    elif reader.skip("in"):
        found = _membership(left, reader)
    elif is_negated:
        raise QueryError(f"not {reader.ahead}: there are `not like` and `not in`")
    else:
        return left
    return (lambda row: not truth(found(row))) if is_negated else found


def _likeness(left: Expression, reader: Reader) -> Expression:
    word = reader.next("a text or /an expression/")
    if word.kind == "string":
        part = text_of(word)
        return lambda row: (value := left(row)) is not None and part in rendered(value)
    if word.kind != "regex":
        raise QueryError(f"like {word.text}: a text or /an expression/ is expected")
    try:
        # Inline flags may stand anywhere in AWS's expressions, and in front only in Python's.
        source = word.text[1:-1].replace(r"\/", "/")
        is_case_blind = "(?i)" in source
        expression = re.compile(source.replace("(?i)", ""), re.IGNORECASE if is_case_blind else 0)
    except re.error as error:
        raise QueryError(f"{word.text}: {error}") from error
    return lambda row: (value := left(row)) is not None and bool(expression.search(rendered(value)))


def _membership(left: Expression, reader: Reader) -> Expression:
    reader.expect("[")
    members = [arithmetic(reader)]
    while reader.skip(","):
        members.append(arithmetic(reader))
    reader.expect("]")
    tests = [_compared("=", left, member) for member in members]
    return lambda row: any(truth(test(row)) for test in tests)


def _compared(sign: str, left: Expression, right: Expression) -> Expression:
    def compare(row: Row) -> bool:
        one, two = left(row), right(row)
        if one is None or two is None:
            return False
        numbers = number(one), number(two)
        pair: tuple[float, float] | tuple[str, str]
        if numbers[0] is not None and numbers[1] is not None:
            pair = (numbers[0], numbers[1])
        else:
            pair = (rendered(one), rendered(two))
        order = (pair[0] > pair[1]) - (pair[0] < pair[1])  # type: ignore[operator]
        return {
            "=": order == 0,
            "!=": order != 0,
            "<": order < 0,
            "<=": order <= 0,
            ">": order > 0,
            ">=": order >= 0,
        }[sign]

    return compare


def arithmetic(reader: Reader) -> Expression:
    """Read sums of products."""
    left = _product(reader)
    while reader.ahead in ("+", "-"):
        left = _calculated(reader.next("a sign").text, left, _product(reader))
    return left


def _product(reader: Reader) -> Expression:
    left = _primary(reader)
    while reader.ahead in ("*", "/", "%", "^"):
        left = _calculated(reader.next("a sign").text, left, _primary(reader))
    return left


def _calculated(sign: str, left: Expression, right: Expression) -> Expression:
    calculate: Callable[[float, float], float] = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
        "%": math.fmod,
        "^": lambda a, b: a**b,
    }[sign]

    def result(row: Row) -> Value:
        one, two = number(left(row)), number(right(row))
        if one is None or two is None:
            return None
        try:
            found = calculate(one, two)
        except ArithmeticError:
            return None
        return int(found) if float(found).is_integer() else found

    return result


def _primary(reader: Reader) -> Expression:
    if reader.skip("("):
        inner = condition(reader)
        reader.expect(")")
        return inner
    if reader.skip("-"):
        return _calculated("-", lambda _: 0, _primary(reader))
    word = reader.next("a value")
    if word.kind == "string":
        text = text_of(word)
        return lambda _: text
    if word.kind == "number":
        value = float(word.text)
        constant = int(value) if value.is_integer() else value
        return lambda _: constant
    if word.kind == "quoted":
        return field(word.text[1:-1])
    if word.kind != "name":
        raise QueryError(f"{word.text!r} is no value")
    return _call(word.text.lower(), reader) if reader.ahead == "(" else field(word.text)


def _call(name: str, reader: Reader) -> Expression:
    """Read the arguments of a function of one row."""
    if name == "bin":
        reader.expect("(")
        size_ms = period_ms(reader.next("a period such as 5m").text)
        reader.expect(")")
        return lambda row: _floored(row.get("@timestamp"), size_ms)
    if name not in FUNCTIONS:
        known = ", ".join([*FUNCTIONS, "bin"])
        raise QueryError(f"no function {name} here; this service has {known}")
    count, function = FUNCTIONS[name]
    given = arguments(reader)
    if count is not None and len(given) != count:
        raise QueryError(f"{name} takes {count} of {len(given)} arguments")
    return lambda row: function([argument(row) for argument in given])


def arguments(reader: Reader) -> list[Expression]:
    """Read the arguments of a function, in their parentheses."""
    reader.expect("(")
    found = [] if reader.ahead == ")" else [arithmetic(reader)]
    while reader.skip(","):
        found.append(arithmetic(reader))
    reader.expect(")")
    return found


def _floored(timestamp: Value, size_ms: int) -> Value:
    found = number(timestamp)
    return None if found is None else int(found // size_ms * size_ms)
