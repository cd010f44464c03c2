"""What other libraries put into a record, and what the text or the fields of it are. Pure."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from logging import LogRecord
from typing import Final, Protocol, cast

from .sanitizer import Fields

_UVICORN_ACCESS: Final = ("client", "method", "path", "http_version", "status")
_SAME_LEVELS: Final = {"WARN": "WARNING", "FATAL": "CRITICAL"}


class Interpolation(Protocol):
    """One replacement field of a t-string (``string.templatelib.Interpolation``)."""

    value: object
    expression: str
    conversion: str | None
    format_spec: str


if sys.version_info >= (3, 14):
    from string.templatelib import Template, convert

    def is_template(message: object) -> bool:
        """Return whether the message is a t-string."""
        # It has no subclasses, and asking a lazy object for its class may raise.
        return type(message) is Template

    def template_text(template: object) -> str:
        """Return a t-string as the f-string of the same text would be."""
        return "".join(
            part
            if isinstance(part, str)
            else format(convert(part.value, part.conversion), part.format_spec)
            for part in cast("Template", template)
        )

else:

    def is_template(message: object) -> bool:  # noqa: ARG001
        """Return False: there are no t-strings before Python 3.14."""
        return False

    def template_text(template: object) -> str:
        """Return any message as text: no t-string gets here."""
        return str(template)


def template_fields(template: object) -> Fields:
    """Return the values of a t-string by the expressions that they come from."""
    interpolations = cast("Iterable[Interpolation]", getattr(template, "interpolations", ()))
    return {each.expression: each.value for each in interpolations if each.expression}


def access_fields(record: LogRecord) -> Fields:
    """Return the fields of a line of uvicorn's access log, and none of any other record."""
    arguments = record.args
    if (
        record.name == "uvicorn.access"
        and isinstance(arguments, tuple)
        and len(arguments) == len(_UVICORN_ACCESS)
    ):
        return dict(zip(_UVICORN_ACCESS, arguments, strict=True))
    return {}


def as_object(text: str) -> Fields | None:
    """Return the fields of a text that is one JSON object, as structlog's JSONRenderer makes it."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def says_the_same(name: str, theirs: object, ours: object) -> bool:
    """Return whether a field of the application tells what our own of that name tells.

    structlog's processors add level, logger and timestamp in their own writing.
    """
    if type(theirs) not in {str, int, float}:
        # What compares itself may raise.
        return False
    if name == "level":
        level = str(theirs).upper()
        return _SAME_LEVELS.get(level, level) == ours
    if name == "timestamp":
        at, known = _moment(theirs), _moment(ours)
        return at is not None and known is not None and abs(at - known) < 1
    return theirs == ours


def _moment(value: object) -> float | None:
    """Return a time in seconds since 1970, from a number of them or from ISO 8601."""
    if isinstance(value, (int, float)):
        return value
    try:
        # Python 3.10 reads no Z.
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    # Without an offset it is local time, which is what structlog writes then.
    return moment.timestamp()


def plain_value(value: object) -> object:
    """Return a value that JSON has no form for as one that it has."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return repr(value)
