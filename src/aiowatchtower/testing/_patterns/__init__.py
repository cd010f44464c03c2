"""AWS's filter patterns: what FilterLogEvents, metric filters and subscription filters match messages with.

Pure: text in, a predicate out. Restated from
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html, and strict where that page is
silent: what it does not describe is malformed.
"""

from __future__ import annotations

from collections.abc import Callable

from ._columns import parse_columns
from ._json import parse_json
from ._terms import parse_terms
from ._values import PatternError

__all__ = ["PatternError", "parse"]


def parse(pattern: str) -> Callable[[str], bool]:
    """Return the function that tells whether a message matches, or raise `PatternError`."""
    pattern = pattern.strip()
    if pattern.startswith("{"):
        return parse_json(pattern)
    if pattern.startswith("["):
        return parse_columns(pattern)
    return parse_terms(pattern)
