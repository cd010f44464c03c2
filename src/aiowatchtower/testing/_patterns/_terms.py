"""Patterns for unstructured messages: terms, `?optional` terms, `-excluded` terms, "phrases", `%expressions%`."""

from __future__ import annotations

import re
from collections.abc import Callable

from ._values import PatternError, regular_expression, unquoted

_TERM = re.compile(
    r'\s*(?P<sign>[-?]?)\s*(?:(?P<phrase>"(?:[^"\\]|\\.)*")|(?P<regex>%[^%]*%)|(?P<word>[^\s"%]+))'
)


def parse_terms(pattern: str) -> Callable[[str], bool]:
    """Return the function that tells whether a message has the terms, and not the excluded ones."""
    if pattern.startswith("%"):
        found = _TERM.fullmatch(pattern)
        if found is None:
            raise PatternError("a regular expression stands alone, between two percent signs")
        return _search(regular_expression(pattern))
    terms = {"": [], "?": [], "-": []} if not pattern else _read(pattern)
    required, optional, excluded = terms[""], terms["?"], terms["-"]
    # "If you combine ? with other filter patterns, all question mark terms will be ignored."
    if required or excluded:
        optional = []

    def matches(message: str) -> bool:
        return (
            all(term in message for term in required)
            and not any(term in message for term in excluded)
            and (not optional or any(term in message for term in optional))
        )

    return matches


def _search(expression: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda message: expression.search(message) is not None


def _read(pattern: str) -> dict[str, list[str]]:
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    position = 0
    while position < len(pattern):
        found = _TERM.match(pattern, position)
        if found is None:
            raise PatternError(f"unexpected {pattern[position:].strip()[:1]!r}")
        if found["regex"]:
            raise PatternError("a regular expression cannot be combined with terms")
        terms[found["sign"]].append(_term(found))
        position = found.end()
    return terms


def _term(found: re.Match[str]) -> str:
    if found["phrase"]:
        # `" "` matches everything.
        return unquoted(found["phrase"]).strip() and unquoted(found["phrase"])
    word = found["word"]
    if not re.fullmatch(r"\w+", word):
        raise PatternError(
            f"Invalid character(s) in term {word!r}: put it in double quotation marks"
        )
    return word
