r"""The lines in the files of the spool. Pure.

Every line proves itself: ``<crc32 as 8 hex digits> <JSON>\n``. JSON holds no raw newline, so after a
line that was torn or damaged the reader resumes at the next one. With length prefixes it could not.

=========  ========================================================================================
file       lines
=========  ========================================================================================
``lock``   first an object about the owner (:class:`About`); then one for each adoption
``*.log``  first an object that names the group and the region; then arrays of events
``*.ack``  objects with runs of record numbers: ``sent`` before a request, ``done`` after its answer
=========  ========================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias, cast
from zlib import crc32

from aiowatchtower._core.events import (
    NUMBER,
    NUMBERS_PER_OWNER,
    LogEvent,
    total_bytes,
)
from aiowatchtower._core.limits import EVENT_OVERHEAD_BYTES
from aiowatchtower._text.truncate import replace_surrogates, utf8_size

from .ranges import Ranges

VERSION: Final = 1

# A damaged line costs at most as many records.
_EVENTS_PER_LINE: Final = 200
_BYTES_PER_LINE: Final = 256 * 1024
_CRC_DIGITS: Final = 8

Note: TypeAlias = Literal["sent", "done"]

_encode: Final = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, separators=(",", ":")
).encode


@dataclass(frozen=True)
class Identity:
    """Where an owner's records belong. The endpoint is how a region is reached, and no part of it.

    The region is "" where the owner had none, and so could deliver nothing: any region will do.
    """

    group: str
    region: str


@dataclass(frozen=True)
class About:
    """Whose directory it is: the first line of its lock file."""

    pid: int
    host: str
    started_ms: int
    group: str
    region: str
    version: int = VERSION

    @property
    def identity(self) -> Identity:
        """Where its records belong."""
        return Identity(self.group, self.region)


def line(value: object) -> bytes:
    """Return the line that holds a value."""
    # A lone surrogate cannot be encoded; backslashreplace writes what happens to be its JSON escape.
    body = _encode(value).encode("utf-8", "backslashreplace")
    return b"%08x %s\n" % (crc32(body), body)


def value_of(text: bytes) -> object:
    """Return what a line without its newline holds, or None if it does not prove itself."""
    body = text[_CRC_DIGITS + 1 :]
    if text[: _CRC_DIGITS + 1] != b"%08x " % crc32(body):
        return None
    try:
        return cast("object", json.loads(body))
    except (ValueError, RecursionError):
        # Another program's checksum, or one in four milliards of damages.
        return None


def about_line(about: About) -> bytes:
    """Return the first line of a lock file."""
    return line(asdict(about))


def header_line(identity: Identity) -> bytes:
    """Return the first line of a segment."""
    return line({"version": VERSION, **asdict(identity)})


def event_lines(events: Sequence[LogEvent]) -> Iterator[tuple[Sequence[LogEvent], bytes]]:
    """Yield events a line at a time, in their order, with the line."""
    for start in range(0, len(events), _EVENTS_PER_LINE):
        some = events[start : start + _EVENTS_PER_LINE]
        if total_bytes(some) <= _BYTES_PER_LINE:
            yield some, line(some)
        else:
            yield from (([event], line([event])) for event in some)


def note_line(note: Note, numbers: Ranges) -> bytes:
    """Return a line that says that the records of these numbers are sent, or done with."""
    return line({note: list(numbers)})


def about_of(value: object) -> About | None:
    """Return what the first line of a lock file says, as far as it is one."""
    if not isinstance(value, dict):
        return None
    pid, started_ms, version = value.get("pid"), value.get("started_ms"), value.get("version")
    host, group, region = value.get("host"), value.get("group"), value.get("region")
    if not (isinstance(pid, int) and isinstance(started_ms, int) and isinstance(version, int)):
        return None
    if not (isinstance(host, str) and isinstance(group, str) and isinstance(region, str)):
        return None
    return About(pid, host, started_ms, group, region, version)


def identity_of(value: object) -> Identity | None:
    """Return what the header of a segment says; None if it is none, or another version's."""
    if not isinstance(value, dict) or value.get("version") != VERSION:
        return None
    group, region = value.get("group"), value.get("region")
    if type(group) is not str or type(region) is not str:
        return None
    return Identity(group, region)


def events_of(value: object) -> list[LogEvent] | None:
    """Return the events of a line; None if it is no line of events."""
    if not isinstance(value, list):
        return None
    events = [_event(each) for each in value]
    return [event for event in events if event is not None]


def _event(value: object) -> LogEvent | None:
    if not isinstance(value, list) or len(value) <= NUMBER:
        return None
    stream, timestamp_ms, message, _, number = value[: NUMBER + 1]
    if type(stream) is not str or type(message) is not str or not stream or not message:
        return None
    if type(timestamp_ms) is not int or type(number) is not int:
        return None
    if not 0 < number < NUMBERS_PER_OWNER:
        return None
    message = replace_surrogates(message)
    size_bytes = utf8_size(message) + EVENT_OVERHEAD_BYTES
    return (stream, timestamp_ms, message, size_bytes, number)


def read_notes(text: bytes) -> dict[Note, Ranges]:
    """Return the record numbers in an acknowledgement file: those sent, and those done with."""
    found: dict[Note, Ranges] = {"sent": Ranges(), "done": Ranges()}
    for each in text.split(b"\n"):
        value = value_of(each)
        if isinstance(value, dict):
            for note, numbers in found.items():
                for first, last in _runs(value.get(note)):
                    numbers.add(first, last)
    return found


def _runs(value: object) -> Iterable[tuple[int, int]]:
    for run in value if isinstance(value, list) else ():
        if isinstance(run, list) and [type(number) for number in run] == [int, int]:
            first, last = run
            if first <= last:
                yield first, last
