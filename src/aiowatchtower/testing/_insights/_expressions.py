"""Tokens and expressions of the query language, and the values that they work on."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

Value = str | int | float | bool | None
Row = Mapping[str, Value]
Expression = Callable[[Row], Value]

_TOKEN = re.compile(
    r"(?P<space>\s+|\#[^\n]*)"
    r"|(?P<string>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<quoted>`[^`]+`)"
    r"|(?P<period>\d+(?:ms|s|m|h|d|w)\b)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[@A-Za-z_][\w.@]*)"
    r"|(?P<sign>=~|!=|<=|>=|[=<>+*/%^(),|\[\]-])"
)
# A slash begins a regular expression only right of one of these.
_EXPRESSION = re.compile(r"\s*(?P<regex>/(?:[^/\\]|\\.)+/)")
_UNIT_MS: Final = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}


class QueryError(ValueError):
    """A query is malformed, or uses what this service does not have."""


class Word(NamedTuple):
    """A part of a query, and where it stands."""

    kind: str
    text: str
    start: int
    end: int


def tokenize(query: str) -> list[Word]:
    """Split a query into its parts."""
    words: list[Word] = []
    position = 0
    while position < len(query):
        found = _TOKEN.match(query, position)
        if words and (words[-1].text.lower() == "like" or words[-1].text == "=~"):
            found = _EXPRESSION.match(query, position) or found
        if found is None:
            raise QueryError(f"unexpected {query[position]!r} at character {position + 1}")
        kind = found.lastgroup or ""
        if kind != "space":
            words.append(Word(kind, found[kind], found.start(kind), found.end()))
        position = found.end()
    return words


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


def period_ms(text: str) -> int:
    """Return the milliseconds of a period such as 5m."""
    found = re.fullmatch(r"(\d+)(\w+)", text)
    if found is None or not int(found[1]):
        raise QueryError(f"{text} is no period")
    return int(found[1]) * _UNIT_MS[found[2]]


class Reader:
    """Reads words one by one."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._words = tokenize(query)
        self._position = 0

    @property
    def is_done(self) -> bool:
        return self._position == len(self._words)

    @property
    def ahead(self) -> str:
        """The next word in lower case, "" at the end."""
        return "" if self.is_done else self._words[self._position].text.lower()

    def next(self, wanted: str) -> Word:
        if self.is_done:
            raise QueryError(f"the query ends where {wanted} is expected")
        self._position += 1
        return self._words[self._position - 1]

    def back(self) -> None:
        """Read the last word once more."""
        self._position -= 1

    def skip(self, text: str) -> bool:
        found = self.ahead == text
        self._position += found
        return found

    def expect(self, text: str) -> None:
        if not self.skip(text):
            raise QueryError(f"{self.ahead or 'the end'!r} stands where {text!r} is expected")

    def source(self, start: int) -> str:
        """Return the text of the query from a character to the last word read."""
        return self._query[start : self._words[self._position - 1].end]

    @property
    def start(self) -> int:
        """Where the next word begins."""
        return len(self._query) if self.is_done else self._words[self._position].start


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
    from ._functions import call

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
    return call(word.text.lower(), reader) if reader.ahead == "(" else field(word.text)


def text_of(word: Word) -> str:
    """Return what stands in quotation marks."""
    return re.sub(r"\\(.)", r"\1", word.text[1:-1])
