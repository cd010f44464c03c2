"""The words of the query language, read one by one."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

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


def text_of(word: Word) -> str:
    """Return what stands in quotation marks."""
    return re.sub(r"\\(.)", r"\1", word.text[1:-1])
