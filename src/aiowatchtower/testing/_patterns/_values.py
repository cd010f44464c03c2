"""What a value is compared with, in JSON and in space-delimited patterns, and the regular expressions of patterns."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Final, NamedTuple

# A string or a number. A boolean is neither: only IS TRUE and IS FALSE see it.
Scalar = str | int | float
Test = Callable[[Scalar], bool]

# "There is a limit of 2 regex for each filter pattern when creating a delimited or JSON filter pattern."
MAX_EXPRESSIONS: Final = 2

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_WORD = re.compile(r"[\w.*]+")
_ORDERED: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_PLAIN = re.compile(r"[A-Za-z0-9:_#=@/;, -]")
_ESCAPED = re.compile(r"\\(?:[dDsSwWtn]|x[0-9A-Fa-f]{2}|[]:_#=@/;,^$?[{}|\\*+.-])")
_REPEAT = re.compile(r"[*+?]\??|\{\s*(\d*)\s*(,?)\s*(\d*)\s*\}\??")


class PatternError(ValueError):
    """A filter pattern is malformed."""


class Token(NamedTuple):
    """A part of a pattern."""

    kind: str
    text: str


def tokenize(pattern: str, grammar: re.Pattern[str]) -> list[Token]:
    """Split a pattern by a grammar, whose named groups are the kinds of tokens."""
    tokens = []
    position = 0
    while position < len(pattern):
        if pattern[position].isspace():
            position += 1
            continue
        found = grammar.match(pattern, position)
        if found is None or found.end() == position:
            raise PatternError(f"unexpected {pattern[position]!r} at character {position + 1}")
        tokens.append(Token(found.lastgroup or "", found[0]))
        position = found.end()
    if sum(token.kind == "regex" for token in tokens) > MAX_EXPRESSIONS:
        raise PatternError(f"more than {MAX_EXPRESSIONS} regular expressions")
    return tokens


def comparison(sign: str, operand: Token, word: re.Pattern[str] = _WORD) -> Test:
    """Return the test that a sign and what stands right of it are."""
    if sign in _ORDERED:
        if not _NUMBER.fullmatch(operand.text):
            raise PatternError(f"{sign} compares with a number, not with {operand.text}")
        return _ordering(_ORDERED[sign], float(operand.text))
    equals = _equality(operand, word)
    return equals if sign == "=" else lambda value: not equals(value)


def _ordering(compare: Callable[[float, float], bool], bound: float) -> Test:
    def test(value: Scalar) -> bool:
        number = number_of(value)
        return number is not None and compare(number, bound)

    return test


def _equality(operand: Token, word: re.Pattern[str]) -> Test:
    if operand.kind == "regex":
        expression = regular_expression(operand.text)
        return lambda value: expression.search(str(value)) is not None
    if operand.kind == "string":
        return wildcard(unquoted(operand.text))
    if _NUMBER.fullmatch(operand.text):
        number, text = float(operand.text), operand.text
        return lambda value: value == text if isinstance(value, str) else value == number
    if not word.fullmatch(operand.text):
        raise PatternError(f"{operand.text} has to be in double quotation marks")
    return wildcard(operand.text)


def number_of(value: Scalar) -> float | None:
    """Return a number, or the number that a text is."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    return value


def unquoted(text: str) -> str:
    """Return what stands in double quotation marks."""
    return re.sub(r'\\(["\\])', r"\1", text[1:-1])


def wildcard(text: str) -> Test:
    """Return the test for a text. An asterisk at its beginning or end stands for any text, one inside for itself."""
    if text == "*":
        return lambda _: True
    starts, ends = not text.startswith("*"), not text.endswith("*")
    core = text.removeprefix("*").removesuffix("*")
    if starts and ends:
        return lambda value: str(value) == core
    if starts:
        return lambda value: str(value).startswith(core)
    if ends:
        return lambda value: str(value).endswith(core)
    return lambda value: core in str(value)


def regular_expression(text: str) -> re.Pattern[str]:
    """Compile what stands between percent signs, refusing what AWS does not support."""
    source = text[1:-1]
    if not source:
        raise PatternError("empty regular expression")
    parts: list[str] = []
    position = 0
    can_repeat = False
    while position < len(source):
        position, part, can_repeat = _part(source, position, can_repeat)
        parts.append(part)
    try:
        return re.compile("".join(parts), re.ASCII)
    except re.error as error:
        raise PatternError(f"{text}: {error}") from error


def _part(source: str, position: int, can_repeat: bool) -> tuple[int, str, bool]:
    """Return the position after the next part of an expression, the part for Python, and whether it can repeat."""
    character = source[position]
    if character == "[":
        end = _end_of_class(source, position)
        return end, _class(source[position + 1 : end - 1]), True
    if repeat := _REPEAT.match(source, position):
        if not can_repeat or (character == "{" and not (repeat[1] or repeat[3])):
            raise PatternError(f"{repeat[0]} in %{source}% repeats nothing")
        return repeat.end(), repeat[0].replace(" ", ""), False
    if escaped := _ESCAPED.match(source, position):
        return escaped.end(), escaped[0], True
    if character in "^|":
        return position + 1, character, False
    if character == "$":
        return position + 1, r"\Z", False
    if character == "." or _PLAIN.match(character):
        return position + 1, character, True
    raise PatternError(f"{character!r} in %{source}% is not supported in regular expressions")


def _end_of_class(source: str, start: int) -> int:
    position = start + 1
    while position < len(source) and source[position] != "]":
        position += 2 if source[position] == "\\" else 1
    if position >= len(source):
        raise PatternError(f"[ without ] in %{source}%")
    return position + 1


def _class(inside: str) -> str:
    negated, members = inside.startswith("^"), inside.removeprefix("^")
    if not members:
        raise PatternError("empty [] in a regular expression")
    parts: list[str] = []
    position = 0
    while position < len(members):
        if escaped := _ESCAPED.match(members, position):
            parts.append(escaped[0])
            position = escaped.end()
            continue
        character = members[position]
        if not (_PLAIN.match(character) or character in ".*+?$^{}[|"):
            raise PatternError(f"{character!r} is not supported in regular expressions")
        # Two of these in a row would be a set operation to a later Python.
        is_range = (
            character == "-" and 0 < position < len(members) - 1 and members[position - 1] != "-"
        )
        parts.append(character if character.isalnum() or is_range else re.escape(character))
        position += 1
    return f"[{'^' if negated else ''}{''.join(parts)}]"
