"""What is in a spool, for people: reads only, and waits for nobody's lock."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Literal, NamedTuple

from aiowatchtower._core.events import TIMESTAMP_MS, LogEvent

from .directories import about, identity_in, is_owner, is_set_aside, strikes, try_lock
from .files import Files
from .format import About, Identity, read_notes, value_of
from .segment import Segment, read_lines, segment_numbers, unseen

_MAX_ACK_BYTES = 256 * 1024 * 1024


class OwnerReport(NamedTuple):
    """One owner's directory.

    Attributes:
        path: The directory.
        state: ``alive``: a process holds it, its owner or one that has adopted it. ``set aside``:
            nobody will adopt it.
        about: Its owner, where that can be read.
        identity: The group and the region, where those can be read.
        records: How many are not delivered.
        size_bytes: How much the files hold of the disk.
        oldest_ms: Time of the oldest such record, or None.
        newest_ms: Time of the newest such record, or None.
        damaged_lines: Lines that do not prove themselves. The last line of a segment may be torn by a
            kill, and is not among them.
        strikes: How many adopters have died in a row, each soon after it took these records.
    """

    path: str
    state: Literal["alive", "dead", "set aside"]
    about: About | None
    identity: Identity | None
    records: int
    size_bytes: int
    oldest_ms: int | None
    newest_ms: int | None
    damaged_lines: int
    strikes: int


def owner_paths(files: Files, root: str) -> list[str]:
    """Return the directories of the owners in a spool."""
    names = [name for name in files.names(root) if is_owner(name) or is_set_aside(name)]
    return [os.path.join(root, name) for name in names]  # noqa: PTH118 - strings throughout


def outstanding(files: Files, path: str) -> Iterator[tuple[list[LogEvent], int]]:
    """Yield an owner's records that are not delivered, some at a time, with the number of damaged lines."""
    for number in segment_numbers(files.names(path)):
        segment = Segment(files, path, number)
        seen = read_notes(files.read(segment.ack, 0, _MAX_ACK_BYTES))["done"]
        offset, is_end = 0, False
        while not is_end:
            lines, offset, is_end = read_lines(files, segment.log, offset)
            events, damaged = unseen(lines, seen)
            is_torn = is_end and lines[-1] != b"" and value_of(lines[-1]) is None
            yield events, damaged - is_torn


def report(files: Files, path: str) -> OwnerReport:
    """Return what is in an owner's directory."""
    records = damaged_lines = 0
    times: list[int] = []
    for events, damaged in outstanding(files, path):
        records += len(events)
        damaged_lines += damaged
        some = [event[TIMESTAMP_MS] for event in events]
        times = [min([*times, *some]), max([*times, *some])] if times or some else []
    said = about(files, path)
    identity = said.identity if said is not None else identity_in(files, path)
    return OwnerReport(
        path=path,
        state="set aside" if is_set_aside(os.path.basename(path)) else _state(files, path),  # noqa: PTH119
        about=said,
        identity=None if identity.group.startswith(":") else identity,
        records=records,
        size_bytes=sum(files.size(os.path.join(path, name)) for name in files.names(path)),  # noqa: PTH118
        oldest_ms=times[0] if times else None,
        newest_ms=times[-1] if times else None,
        damaged_lines=damaged_lines,
        strikes=strikes(files, path, int(time.time() * 1000)),
    )


def _state(files: Files, path: str) -> Literal["alive", "dead"]:
    lock = try_lock(files, path, create=False)
    if lock is None:
        return "alive"
    files.close(lock)
    return "dead"
