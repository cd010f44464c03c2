"""Patterns for messages that are JSON: `{ $.level = "ERROR" && ($.took_ms > 10 || $.user.name NOT EXISTS) }`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ._values import PatternError, Test, Token, comparison, tokenize

Condition = Callable[[object], bool]
Step = str | int | None  # None is the wildcard: any element, any field

MAX_WILDCARDS = 3

_STEP = re.compile(
    r"\.?\['(?P<quoted>[^']+)'\]|\.(?P<name>[\w-]+)|\[(?P<index>\d+)\]|(?P<wildcard>\.\*|\[\*\])"
)
_GRAMMAR = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<regex>%[^%]*%)"
    r"|(?P<selector>\$(?:\.?\['[^']+'\]|\.[\w-]+|\[\d+\]|\.\*|\[\*\])+)"
    r"|(?P<sign><=|>=|!=|=|<|>)"
    r"|(?P<join>&&|\|\||[(){}])"
    r"|(?P<word>[\w.*+-]+)"
)
_CONSTANTS = {"NULL": None, "TRUE": True, "FALSE": False}


class _Selector(NamedTuple):
    steps: list[Step]

    def find(self, document: object) -> Iterator[object]:
        found: list[object] = [document]
        for step in self.steps:
            found = [value for each in found for value in _below(each, step)]
        return iter(found)


def parse_json(pattern: str) -> Callable[[str], bool]:
    """Return the function that tells whether a message is JSON for which the expression holds."""
    condition = _Parser(tokenize(pattern, _GRAMMAR)).whole()

    def matches(message: str) -> bool:
        try:
            document = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return condition(document)

    return matches


class _Parser:
    """Reads `() > && > ||`."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._wildcards = 0

    def whole(self) -> Condition:
        self._expect("{")
        condition = self._either()
        self._expect("}")
        if self._position < len(self._tokens):
            raise PatternError(
                f"unexpected {self._tokens[self._position].text!r} after the last }}"
            )
        if self._wildcards > MAX_WILDCARDS:
            raise PatternError(f"more than {MAX_WILDCARDS} wildcard selectors")
        return condition

    def _either(self) -> Condition:
        parts = [self._all()]
        while self._skip("||"):
            parts.append(self._all())
        return lambda document: any(part(document) for part in parts)

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._skip("&&"):
            parts.append(self._one())
        return lambda document: all(part(document) for part in parts)

    def _one(self) -> Condition:
        if self._skip("("):
            condition = self._either()
            self._expect(")")
            return condition
        selector = self._selector()
        token = self._next("an operator")
        if token.text == "IS":
            return _is(selector, self._next("NULL, TRUE or FALSE"))
        if token.text == "NOT":
            self._expect("EXISTS")
            return lambda document: not any(True for _ in selector.find(document))
        if token.kind != "sign":
            raise PatternError(
                f"{token.text!r} is no operator: there are = != < <= > >= IS, NOT EXISTS"
            )
        operand = self._next("a value")
        if operand.kind not in ("string", "regex", "word"):
            raise PatternError(f"{operand.text!r} is no value")
        return _compare(selector, comparison(token.text, operand))

    def _selector(self) -> _Selector:
        token = self._next("a property selector")
        if token.kind != "selector":
            raise PatternError(f"{token.text!r} is no property selector, such as $.level")
        steps = [_step(found) for found in _STEP.finditer(token.text, 1)]
        wildcards = steps.count(None)
        if wildcards > 1:
            raise PatternError(f"more than one wildcard in {token.text}")
        self._wildcards += wildcards
        return _Selector(steps)

    def _next(self, wanted: str) -> Token:
        if self._position == len(self._tokens):
            raise PatternError(f"it ends where {wanted} is expected")
        self._position += 1
        return self._tokens[self._position - 1]

    def _skip(self, text: str) -> bool:
        found = self._position < len(self._tokens) and self._tokens[self._position].text == text
        self._position += found
        return found

    def _expect(self, text: str) -> None:
        token = self._next(repr(text))
        if token.text != text:
            raise PatternError(f"{token.text!r} stands where {text!r} is expected")


def _step(found: re.Match[str]) -> Step:
    if found["wildcard"]:
        return None
    return int(found["index"]) if found["index"] else found["quoted"] or found["name"]


def _below(value: object, step: Step) -> list[object]:
    if isinstance(value, dict):
        if step is None:
            return list(value.values())
        return [value[step]] if isinstance(step, str) and step in value else []
    if isinstance(value, list):
        if step is None:
            return list(value)
        return [value[step]] if isinstance(step, int) and step < len(value) else []
    return []


def _is(selector: _Selector, constant: Token) -> Condition:
    if constant.text not in _CONSTANTS:
        raise PatternError(f"IS {constant.text}: there are IS NULL, IS TRUE and IS FALSE")
    wanted = _CONSTANTS[constant.text]
    return lambda document: any(value is wanted for value in selector.find(document))


def _compare(selector: _Selector, test: Test) -> Condition:
    # A property that is absent, or that is no string or number, does not match, whatever the operator.
    return lambda document: any(
        isinstance(value, (str, int, float)) and not isinstance(value, bool) and test(value)
        for value in selector.find(document)
    )
