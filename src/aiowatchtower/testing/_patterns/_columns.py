"""Patterns for space-delimited messages: `[ip, user, ..., status = 4* || status = 500, bytes > 1000]`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ._values import PatternError, Test, Token, comparison, tokenize

_GRAMMAR = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<regex>%[^%]*%)"
    r"|(?P<sign><=|>=|!=|=|<|>)"
    r"|(?P<join>&&|\|\||[][,])"
    r"|(?P<word>[\w.*:/+-]+)"
)
_NAME = re.compile(r"[\w-]+")
_WORD = re.compile(r"[\w.*:/+-]+")
# What stands between brackets or double quotation marks is one field.
_FIELD = re.compile(r'\[(?P<bracketed>[^\]]*)\](?!\S)|"(?P<quoted>[^"]*)"(?!\S)|(?P<plain>\S+)')
_ELLIPSIS: Final = "..."


def parse_columns(pattern: str) -> Callable[[str], bool]:
    """Return the function that tells whether a message has these fields.

    The last field of a pattern without an ellipsis takes the rest of the message: `[w1=ERROR, w2]` matches every
    message of at least two words whose first is ERROR.
    """
    columns = _split(tokenize(pattern, _GRAMMAR))
    if sum(_is_ellipsis(column) for column in columns) > 1:
        raise PatternError("more than one ellipsis")
    at = next((number for number, each in enumerate(columns) if _is_ellipsis(each)), None)
    if at is None:
        return _matcher([_column(each) for each in columns], [], has_ellipsis=False)
    first, last = columns[:at], columns[at + 1 :]
    return _matcher(
        [_column(each) for each in first], [_column(each) for each in last], has_ellipsis=True
    )


def _matcher(first: list[Test], last: list[Test], *, has_ellipsis: bool) -> Callable[[str], bool]:
    def matches(message: str) -> bool:
        fields = _fields(message)
        if len(fields) < len(first) + len(last):
            return False
        if not has_ellipsis:
            rest = fields[len(first) - 1 :]
            fields = [*fields[: len(first) - 1], " ".join(rest)]
        tail = fields[len(fields) - len(last) :]
        return all(test(field) for test, field in zip(first, fields, strict=False)) and all(
            test(field) for test, field in zip(last, tail, strict=True)
        )

    return matches


def _fields(message: str) -> list[str]:
    return [found[found.lastgroup or 0] for found in _FIELD.finditer(message)]


def _split(tokens: list[Token]) -> list[list[Token]]:
    if tokens[-1].text != "]" or any(token.text in "[]" for token in tokens[1:-1]):
        raise PatternError("a pattern of fields stands between one [ and one ]")
    columns: list[list[Token]] = [[]]
    for token in tokens[1:-1]:
        if token.text == ",":
            columns.append([])
        else:
            columns[-1].append(token)
    return columns


def _is_ellipsis(column: list[Token]) -> bool:
    return [token.text for token in column] == [_ELLIPSIS]


def _column(tokens: list[Token]) -> Test:
    """Return the test that a field is: none for a name alone, else `name = 4* && name != 403 || ...`."""
    if not tokens:
        return lambda _: True
    name = tokens[0].text
    if not _NAME.fullmatch(name):
        raise PatternError(f"{name!r} is no name of a field")
    if len(tokens) == 1:
        return lambda _: True
    either: list[list[Test]] = [[]]
    # A condition is three tokens, and a fourth joins it to the next.
    for at in range(0, len(tokens), 4):
        condition, joint = tokens[at : at + 3], tokens[at + 3 : at + 4]
        if len(condition) != 3 or condition[1].kind != "sign" or condition[0].text != name:
            text = " ".join(token.text for token in tokens)
            raise PatternError(f"{text!r} is no condition on the field {name}")
        if condition[2].kind not in ("string", "regex", "word"):
            raise PatternError(f"{condition[2].text!r} is no value")
        either[-1].append(comparison(condition[1].text, condition[2], _WORD))
        if joint and (joint[0].text not in ("&&", "||") or at + 4 == len(tokens)):
            raise PatternError(f"unexpected {joint[0].text!r} after the field {name}")
        if joint and joint[0].text == "||":
            either.append([])
    return lambda value: any(all(test(value) for test in every) for every in either)
