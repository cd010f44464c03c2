"""Checks of single arguments: each names the argument, its value, and what is allowed. Pure."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from datetime import timedelta

from aiowatchtower._core.limits import (
    MAX_TAG_KEY_LENGTH,
    MAX_TAG_VALUE_LENGTH,
    MAX_TAGS,
    TAG_FORBIDDEN,
)


def complaint(name: str, value: object, allowed: str) -> str:
    """Return what to say of an argument that cannot work."""
    return f"{name}={value!r}: must be {allowed}"


def checked_seconds(name: str, value: object) -> float:
    """Return a span of time in seconds, or raise what names the argument."""
    allowed = "a number of seconds >= 0, or a timedelta"
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value)
    else:
        raise TypeError(complaint(name, value, allowed))
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(complaint(name, value, allowed))
    return seconds


def check_number(name: str, value: object, low: int, high: int | None) -> None:
    """Raise unless it is a whole number between these; None is no upper bound."""
    allowed = f"a whole number from {low} to {high}" if high else f"a whole number >= {low}"
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(complaint(name, value, allowed))
    if value < low or (high is not None and value > high):
        raise ValueError(complaint(name, value, allowed))


def check_text(name: str, value: object, example: str) -> None:
    """Raise unless it is None or some text."""
    if value is not None and not (isinstance(value, str) and value):
        raise TypeError(complaint(name, value, f"None or text, such as {example}"))


def checked_directory(name: str, value: object) -> str | None:
    """Return the absolute path of a directory, which need not be there yet."""
    if value is None:
        return None
    path = value
    if isinstance(value, os.PathLike):
        path = os.fspath(value)
    if not isinstance(path, str) or not path or "\0" in path:
        raise TypeError(
            complaint(name, value, "None or the path of a directory, as text or a Path")
        )
    if sys.platform == "win32":
        allowed = "None on Windows, which has no flock to tell by which process is dead"
        raise ValueError(complaint(name, value, allowed))
    # Asking for the working directory is a call to the system, which an absolute path does not need.
    return os.path.normpath(path) if os.path.isabs(path) else os.path.abspath(path)  # noqa: PTH100, PTH117


def check_tags(tags: object) -> None:
    """Raise unless AWS takes these for tags."""
    allowed = (
        "a mapping of 1 to 50 tag names (1 to 128 characters) to values (up to 256), of letters, "
        "digits, spaces and _ . : / = + - @"
    )
    if not isinstance(tags, Mapping):
        raise TypeError(complaint("log_group_tags", tags, allowed))
    if not tags:
        return
    fits = len(tags) <= MAX_TAGS and all(
        isinstance(key, str)
        and isinstance(value, str)
        and 1 <= len(key) <= MAX_TAG_KEY_LENGTH
        and len(value) <= MAX_TAG_VALUE_LENGTH
        and not TAG_FORBIDDEN.search(key + value)
        and not key.lower().startswith("aws:")
        for key, value in tags.items()
    )
    if not fits:
        raise ValueError(complaint("log_group_tags", tags, allowed + ", not starting with aws:"))


def plain_entity(entity: object) -> dict[str, dict[str, str]]:
    """Return a copy that JSON can be made of at any time."""
    try:
        plain = {name: dict(values) for name, values in dict(entity).items()}  # type: ignore[call-overload]
    except (TypeError, ValueError):
        plain = {None: {}}
    texts = [text for name, values in plain.items() for text in (name, *values, *values.values())]
    if not all(isinstance(text, str) for text in texts):
        allowed = (
            "None or a mapping with keyAttributes and attributes, each a mapping of text to text, "
            "as PutLogEvents has it"
        )
        raise TypeError(complaint("entity", entity, allowed))
    return plain


def check_aws(name: str, value: object, method: str, example: str) -> None:
    """Raise unless it is None or an object of aiobotocore that has the method."""
    if value is None:
        return
    origins = {base.__module__.partition(".")[0] for base in type(value).__mro__}
    is_blocking = "botocore" in origins and "aiobotocore" not in origins and name != "config"
    if hasattr(value, "__aenter__") and not hasattr(value, method) and not isinstance(value, type):
        allowed = (
            "entered before it is passed: `async with session.create_client('logs') as client:`"
        )
        raise TypeError(complaint(name, value, allowed))
    if is_blocking or isinstance(value, type) or not hasattr(value, method):
        allowed = f"None or {example}, of aiobotocore: boto3's and botocore's block the event loop"
        raise TypeError(complaint(name, value, allowed))
