r"""The lines in the files of the spool. Pure.

Every line proves itself: ``<crc32 as 8 hex digits> <body>\n``. A body holds no raw newline, so after a
line that was torn or damaged the reader resumes at the next one. With length prefixes it could not.

=========  ========================================================================================
file       bodies of its lines
=========  ========================================================================================
``lock``   first a JSON object about the owner (:class:`About`); then one for each adoption
``*.log``  first a JSON object that names the group and the region; then events
``*.ack``  JSON objects with runs of record numbers: ``sent`` before a request, ``done`` after its answer
=========  ========================================================================================

A body of events has fields with a record separator (``\x1e``) between them, which JSON holds no more than
a newline: first ``[stream, number]`` as JSON, where a list of streams and a list of numbers stand for events
of several streams, or whose numbers do not follow one another; then the times, 16 hex digits each; then the
texts, one field each. Texts are copied, and escaped only where one holds a newline, a record separator or
a backslash: writing them as JSON took four times as long, and was most of the cost of a spool.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal, NamedTuple, TypeAlias
from zlib import crc32

from aiowatchtower._core.events import (
    NUMBERS_PER_OWNER,
    LogEvent,
)
from aiowatchtower._core.limits import EVENT_OVERHEAD_BYTES
from aiowatchtower._text.truncate import replace_surrogates, utf8_size

from .ranges import Ranges

VERSION: Final = 1

# A damaged line costs at most as many records.
_EVENTS_PER_LINE: Final = 200
_BYTES_PER_LINE: Final = 256 * 1024
_CRC_DIGITS: Final = 8
_SEPARATOR: Final = "\x1e"
_FIELD_END: Final = _SEPARATOR.encode()
_MAX_TIME_MS: Final = 2**63 - 1
# Given more at once, crc32 releases the interpreter lock, and a thread waits up to 5 ms to get it back.
_CRC_BYTES: Final = 5 * 1024
_ESCAPES: Final = {"\\": "\\\\", "\n": "\\n", _SEPARATOR: "\\e"}
_UNESCAPED: Final = {written: read for read, written in _ESCAPES.items()}
_to_escape: Final = re.compile(r"[\\\n\x1e]")
_escaped: Final = re.compile(r"\\.")

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


class Columns(NamedTuple):
    """The fields of a line of events, not checked yet."""

    head: object
    times: bytes
    texts: list[str]


def line(value: object) -> bytes:
    """Return the line that holds a value."""
    return _proving(_as_json(value))


def _as_json(value: object) -> bytes:
    # A lone surrogate cannot be encoded; backslashreplace writes what happens to be its JSON escape.
    return _encode(value).encode("utf-8", "backslashreplace")


def _proving(body: bytes) -> bytes:
    checksum = 0
    for start in range(0, len(body), _CRC_BYTES):
        checksum = crc32(body[start : start + _CRC_BYTES], checksum)
    return b"%08x %s\n" % (checksum, body)


def value_of(text: bytes) -> object:
    """Return what a line without its newline holds: a JSON value, or Columns.

    None if the line does not prove itself.
    """
    body = text[_CRC_DIGITS + 1 :]
    if text[: _CRC_DIGITS + 1] != b"%08x " % crc32(body):
        return None
    head, *rest = body.split(_FIELD_END, 2)
    try:
        value: object = json.loads(head)
        if len(rest) < 2:  # noqa: PLR2004 - the times and the texts
            return value
        times, texts = rest
        return Columns(value, times, texts.decode("utf-8", "surrogatepass").split(_SEPARATOR))
    except (ValueError, RecursionError):
        # Another program's checksum, or one in four milliards of damages.
        return None


def about_line(about: About) -> bytes:
    """Return the first line of a lock file."""
    return line(asdict(about))


def header_line(identity: Identity) -> bytes:
    """Return the first line of a segment."""
    return line({"version": VERSION, **asdict(identity)})


def event_lines(events: Sequence[LogEvent]) -> Iterator[tuple[Ranges, bytes]]:
    """Yield lines that hold the events in their order, each with the numbers of its events."""
    for start in range(0, len(events), _EVENTS_PER_LINE):
        some = events[start : start + _EVENTS_PER_LINE]
        streams, times_ms, texts, sizes, numbers = zip(*some, strict=True)
        if sum(sizes) <= _BYTES_PER_LINE:
            yield _event_line(streams, times_ms, texts, numbers)
        else:
            for stream, time_ms, text, _, number in some:
                yield _event_line((stream,), (time_ms,), (text,), (number,))


def _event_line(
    streams: Sequence[str], times_ms: Sequence[int], texts: Sequence[str], numbers: Sequence[int]
) -> tuple[Ranges, bytes]:
    count, stream, first = len(numbers), streams[0], numbers[0]
    has_one_stream = streams.count(stream) == count
    is_run = numbers == tuple(range(first, first + count))
    head = [stream if has_one_stream else streams, first if is_run else numbers]
    # Searched for at once in all of them, and before anything is replaced: both take far less time.
    together = "".join(texts)
    if "\\" in together or "\n" in together or _SEPARATOR in together:
        texts = [_to_escape.sub(lambda found: _ESCAPES[found[0]], text) for text in texts]
    fields = (
        _as_json(head),
        _packed(times_ms).hex().encode(),
        _SEPARATOR.join(texts).encode("utf-8", "surrogatepass"),
    )
    held = Ranges([(first, first + count - 1)]) if is_run else Ranges.of(numbers)
    return held, _proving(_FIELD_END.join(fields))


def _packed(times_ms: Sequence[int]) -> bytes:
    try:
        return struct.pack(f">{len(times_ms)}q", *times_ms)
    except struct.error:
        # The time of a record may be any number that somebody gave it. AWS takes no larger ones.
        nearest = (max(-_MAX_TIME_MS, min(each, _MAX_TIME_MS)) for each in times_ms)
        return struct.pack(f">{len(times_ms)}q", *nearest)


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
    if not isinstance(value, Columns):
        return None
    count = len(value.texts)
    if not isinstance(value.head, list) or len(value.head) != 2:  # noqa: PLR2004 - streams and numbers
        return None
    streams, numbers = value.head
    try:
        times_ms = struct.unpack(f">{count}q", bytes.fromhex(value.times.decode("ascii")))
        found = map(
            _event,
            streams if isinstance(streams, list) else [streams] * count,
            times_ms,
            value.texts,
            numbers if isinstance(numbers, list) else range(numbers, numbers + count),
        )
        return [event for event in found if event is not None]
    except (TypeError, ValueError, struct.error):
        # Not what this library writes, although the checksum is right.
        return None


def _event(stream: object, time_ms: int, text: str, number: object) -> LogEvent | None:
    if type(stream) is not str or type(number) is not int or not stream or not text:
        return None
    if not 0 < number < NUMBERS_PER_OWNER:
        return None
    if "\\" in text:
        text = _escaped.sub(lambda found: _UNESCAPED.get(found[0], found[0]), text)
    text = replace_surrogates(text)
    return (stream, time_ms, text, utf8_size(text) + EVENT_OVERHEAD_BYTES, number)


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
