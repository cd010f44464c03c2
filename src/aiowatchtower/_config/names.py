"""Log group and stream names: validated early, resolved as seldom as possible."""

from __future__ import annotations

import os
import platform
import re
import string
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import PurePath
from typing import Final

from aiowatchtower._core.limits import (
    LOG_GROUP_NAME,
    LOG_GROUP_RESERVED_PREFIX,
    LOG_STREAM_NAME_FORBIDDEN,
    LOG_STREAM_NAME_LENGTH,
)

DEFAULT_LOG_STREAM_NAME: Final = "{machine_name}/{program_name}/{process_id}"

_PER_PROCESS: Final = ("machine_name", "program_name", "process_id")
_PER_RECORD: Final = ("logger_name", "thread_name", "task_name", "strftime")
PLACEHOLDERS: Final = tuple(
    "{strftime:%Y-%m-%d}" if name == "strftime" else f"{{{name}}}"
    for name in (*_PER_PROCESS, *_PER_RECORD)
)
_STRFTIME_DIRECTIVES: Final = "aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%"
_FORBIDDEN: Final = re.compile(f"[{re.escape(LOG_STREAM_NAME_FORBIDDEN)}]")


def checked_group_name(name: object) -> str:
    """Return ``name`` if AWS takes it for a log group; else raise TypeError or ValueError."""
    if not isinstance(name, str):
        msg = f"log_group_name={name!r}: must be text, such as '/app/web'"
        raise TypeError(msg)
    if not LOG_GROUP_NAME.fullmatch(name):
        msg = (
            f"log_group_name={name!r}: AWS allows 1 to 512 of the characters a-z A-Z 0-9 "
            "and . - _ / # (no spaces), such as '/app/web'"
        )
        raise ValueError(msg)
    if name.lower().startswith(LOG_GROUP_RESERVED_PREFIX):
        msg = f"log_group_name={name!r}: names that start with 'aws/' are reserved by AWS"
        raise ValueError(msg)
    return name


class StreamName:
    """A log stream name template: text with placeholders.

    ``constant`` is the resolved name when nothing in the template depends on the record, and
    None otherwise. ``by_logger`` returns the name for a logger's when nothing else matters.
    """

    def __init__(self, template: str) -> None:
        self.template = template
        self._parts = _parse(template)
        fields = {field for _, field, _ in self._parts}
        self.uses_task: bool = "task_name" in fields
        self._uses_thread = "thread_name" in fields
        self._strftime = tuple(spec for _, field, spec in self._parts if field == "strftime")
        self._process: Mapping[str, str] = {}
        self.constant: str | None = None
        self.by_logger: Callable[[str], str] | None = None
        self._varies_by = fields.intersection(_PER_RECORD)
        self.resolve_process()

    def resolve_process(self) -> None:
        """Look up what is fixed for a process; to be called again after a fork."""
        self._process = {
            "machine_name": platform.node() or "localhost",
            "program_name": _program_name(),
            "process_id": str(os.getpid()),
        }
        # A cache for each template and process; it holds the streams of late, not all there were.
        self._join = lru_cache(maxsize=1024)(self._join_uncached)
        self._times = lru_cache(maxsize=8)(self._times_uncached)
        self.constant = None if self._varies_by else self._join_uncached("", "", "", ())
        if self._varies_by == {"logger_name"}:
            self.by_logger = lru_cache(maxsize=1024)(self._of_logger)

    def resolve(self, logger: str, thread: str, task: str, created: float) -> str:
        """Return the stream of a record made at ``created`` (seconds since 1970)."""
        # No directive is finer than a second.
        times = self._times(created // 1) if self._strftime else ()
        return self._join(logger, thread if self._uses_thread else "", task, times)

    def _of_logger(self, logger: str) -> str:
        return self._join_uncached(logger, "", "", ())

    def _times_uncached(self, second: float) -> tuple[str, ...]:
        moment = datetime.fromtimestamp(second, timezone.utc)
        return tuple(moment.strftime(spec) for spec in self._strftime)

    def _join_uncached(self, logger: str, thread: str, task: str, times: tuple[str, ...]) -> str:
        values = {
            **self._process,
            "logger_name": logger,
            "thread_name": thread,
            "task_name": task,
        }
        moments = iter(times)
        text = "".join(
            literal + (next(moments) if field == "strftime" else values.get(field, ""))
            for literal, field, _ in self._parts
        )
        return sanitized_stream_name(text)


def _program_name() -> str:
    program = PurePath(sys.argv[0] if sys.argv else "")
    # `python -m uvicorn` runs .../uvicorn/__main__.py
    return program.parent.name if program.name == "__main__.py" else program.name


def sanitized_stream_name(name: str) -> str:
    """Return ``name`` as AWS takes it: no ':' or '*', 1 to 512 characters.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogStream.html
    """
    encodable = name.encode("utf-8", "replace").decode("utf-8")
    return _FORBIDDEN.sub("-", encodable)[:LOG_STREAM_NAME_LENGTH] or "-"


def _parse(template: object) -> list[tuple[str, str, str]]:
    """Return (literal, field or "", format spec) parts, or say what is wrong."""
    if not isinstance(template, str):
        msg = f"log_stream_name={template!r}: must be text, such as {DEFAULT_LOG_STREAM_NAME!r}"
        raise TypeError(msg)
    if not template:
        msg = f"log_stream_name='' is empty; the default is {DEFAULT_LOG_STREAM_NAME!r}"
        raise ValueError(msg)
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as exc:
        raise ValueError(_complaint(template, f"{exc}; write {{{{ for a literal brace")) from exc
    parts = []
    for literal, field, spec, conversion in parsed:
        if field is not None:
            _check_field(template, field, spec or "", conversion)
        parts.append((literal, field or "", spec or ""))
    return parts


def _check_field(template: str, field: str, spec: str, conversion: str | None) -> None:
    if field not in {*_PER_PROCESS, *_PER_RECORD}:
        raise ValueError(_complaint(template, f"unknown placeholder {{{field}}}"))
    if conversion:
        raise ValueError(_complaint(template, f"{{{field}!{conversion}}}: no conversion is taken"))
    if field != "strftime":
        if spec:
            raise ValueError(_complaint(template, f"{{{field}:{spec}}}: no format is taken"))
        return
    if not spec:
        raise ValueError(_complaint(template, "{strftime} needs a format"))
    if "{" in spec:
        raise ValueError(_complaint(template, f"{{strftime:{spec}}} takes no placeholder inside"))
    directives = re.findall(r"%(.?)", spec)
    if not directives:
        raise ValueError(_complaint(template, f"{{strftime:{spec}}} has no directive such as %Y"))
    for directive in directives:
        if not directive or directive not in _STRFTIME_DIRECTIVES:
            wrong = f"%{directive} in {{strftime:{spec}}} is not taken here"
            raise ValueError(_complaint(template, wrong))


def _complaint(template: str, wrong: str) -> str:
    return f"log_stream_name={template!r}: {wrong}. Allowed are {', '.join(PLACEHOLDERS)}"
