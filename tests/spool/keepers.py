"""Keepers to test with, and the records that they are given."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from aiowatchtower._core.events import NUMBER, NUMBERS_PER_OWNER, LogEvent
from aiowatchtower._spool.files import Files
from aiowatchtower._spool.format import About
from aiowatchtower._spool.keeper import Keeper
from aiowatchtower._spool.ranges import Ranges
from aiowatchtower._spool.values import Taken

ROOT = "/spool"
_names = itertools.count(1)


def new_name() -> str:
    return f"{next(_names):012x}"


def about(pid: int = 1, group: str = "/app/web", region: str = "eu-central-1") -> About:
    return About(pid=pid, host="box", started_ms=1_700_000_000_000, group=group, region=region)


def keeper(
    files: Files,
    root: str = ROOT,
    *,
    max_bytes: int = 2**30,
    whose: About | None = None,
    name: Callable[[], str] = new_name,
) -> Keeper:
    return Keeper(files, root, whose or about(), max_bytes, name)


def event(number: int, message: str = "hello", stream: str = "s") -> LogEvent:
    text = f"{message} {number}"
    return (stream, 1_700_000_000_000 + number, text, len(text.encode()) + 26, number)


def events(first: int, last: int, message: str = "hello") -> list[LogEvent]:
    return [event(number, message) for number in range(first, last + 1)]


def numbers(several: Sequence[LogEvent]) -> Ranges:
    return Ranges.of(each[NUMBER] for each in several)


def own(each: LogEvent) -> LogEvent:
    """Return a recovered event under the number that its dead owner gave it."""
    return (*each[:NUMBER], each[NUMBER] % NUMBERS_PER_OWNER)


def take_all(found: Keeper, now: float = 0.0) -> list[Taken]:
    """Take everything that is on the disk only, noting each slice as done with."""
    taken: list[Taken] = []
    while True:
        each = found.take(now)
        if not (each.cold or each.recovered or each.lost or each.unreadable):
            return taken
        taken.append(each)
        found.note("done", numbers([*each.cold, *each.recovered]), now)


def recovered(found: Keeper, now: float = 0.0) -> list[LogEvent]:
    return [own(each) for taken in take_all(found, now) for each in taken.recovered]
