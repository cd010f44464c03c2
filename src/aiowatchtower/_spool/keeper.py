"""All that one block does with its spool: its own records, and those of a dead owner. No thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from operator import itemgetter
from typing import Final

from aiowatchtower._core.events import NUMBER, LogEvent

from .adopter import Adopter, numbers_of
from .files import Files
from .format import About, Note
from .owner import Owner, SpoolFullError
from .ranges import Ranges
from .values import Notice, Taken, described

RETRY_SECONDS: Final = 60.0
# Somebody who looks for dead owners may remove a directory while it is being made.
_MAKE_TRIES: Final = 3
_number: Final = itemgetter(NUMBER)


class Keeper:
    """Writes records to an owner's directory and reads back what is on the disk only.

    No method raises OSError: the disk may fail, the application may not. One thread makes all calls.
    """

    def __init__(
        self,
        files: Files,
        root: str,
        about: About,
        max_bytes: int,
        new_name: Callable[[], str],
        left_behind: AbstractSet[str] = frozenset(),
    ) -> None:
        self._files = files
        self._root = root
        self._about = about
        self._max_bytes = max_bytes
        self._new_name = new_name
        self._owner: Owner | None = None
        self._adopter = Adopter(files, root, about, left_behind)
        self._retry_at = float("-inf")
        self._lost: list[LogEvent] = []
        self._is_full = False
        self._is_closed = False
        self._left_bytes = 0
        self._left_path = root
        self.notices: list[Notice] = []

    @property
    def path(self) -> str:
        """The own directory, or that in which it would be."""
        return self._left_path if self._owner is None else self._owner.path

    @property
    def size_bytes(self) -> int:
        """How much the own records hold of the disk, and what was set aside."""
        if self._owner is None:
            return max(self._left_bytes, self._adopter.bad_bytes)
        return self._owner.size_bytes

    @property
    def has_room(self) -> bool:
        """Whether records may be left to the disk alone."""
        return self._owner is not None and not self._is_failing and self._owner.has_room

    @property
    def _is_failing(self) -> bool:
        return self._retry_at > float("-inf")

    def open(self, now: float) -> OSError | None:
        """Make the own directory; return why that cannot be done."""
        if self._owner is not None:
            # Records that came first have opened it.
            return None
        error: OSError | None = None
        for _ in range(_MAKE_TRIES):
            try:
                self._owner = Owner(
                    self._files, self._root, self._new_name(), self._about, self._max_bytes
                )
            except (FileNotFoundError, FileExistsError) as exc:
                error = exc
            except OSError as exc:
                error = exc
                break
            else:
                self._owner.other_bytes = self._adopter.bad_bytes
                return None
        if error is not None:
            self._failed(error, now)
        return error

    def store(self, events: Sequence[LogEvent], cold: Sequence[LogEvent], now: float) -> None:
        """Write records. Memory holds ``events`` as well, but not ``cold``."""
        if not events and not cold:
            return
        owner = self._usable(now)
        if owner is None:
            self._lost += cold
            return
        try:
            owner.append([*events, *cold], now)
        except SpoolFullError:
            self._say_full()
        except OSError as exc:
            self._failed(exc, now)
        else:
            self._works_again(owner)
        held = owner.held(Ranges.of(map(_number, cold)))
        owner.cold.update(held)
        if len(held) < len(cold):
            self._lost += [event for event in cold if event[NUMBER] not in held]

    def _usable(self, now: float) -> Owner | None:
        """Return the owner, made anew if its directory has gone; None while the disk fails."""
        if self._is_closed or now < self._retry_at:
            return None
        try:
            if self._owner is not None and self._is_failing and self._owner.is_gone:
                self._owner.close()
                self._owner = None
        except OSError as exc:
            self._failed(exc, now)
            return None
        if self._owner is None:
            self.open(now)
        return self._owner

    def _failed(self, error: OSError, now: float) -> None:
        is_known = self._is_failing
        self._retry_at = now + RETRY_SECONDS
        if is_known:
            return
        self._say(
            "spool_failed",
            f"spool_directory={str(self.path)!r} cannot be written to ({described(error)}): records are kept in "
            f"memory only. It is tried again in {RETRY_SECONDS:g} s",
        )

    def _works_again(self, owner: Owner) -> None:
        if self._is_failing:
            self._retry_at = float("-inf")
            self._say_over("spool_failed", f"the spool {self.path} works again")
        if not owner.has_room:
            self._say_full()
        elif self._is_full:
            self._is_full = False
            self._say_over("spool_full", f"the spool {self.path} has room again")

    def _say_over(self, kind: str, text: str) -> None:
        self.notices.append(Notice(kind, text, is_over=True))

    def _say_full(self) -> None:
        if self._is_full:
            return
        self._is_full = True
        self._say(
            "spool_full",
            f"the spool {self.path} is full (max_spool_size={self._max_bytes}): records are "
            "kept in memory only until some of those in it are delivered",
        )

    def _say(self, kind: str, text: str, level: int = logging.WARNING) -> None:
        self.notices.append(Notice(kind, text, level=level))

    def note(self, note: Note, numbers: Ranges, now: float) -> None:
        """Write down that records are sent, or done with."""
        try:
            if self._owner is not None:
                self._owner.note(note, numbers.common(numbers_of(0)))
        except OSError as exc:
            self._failed(exc, now)
        try:
            self._adopter.note(note, numbers)
        except OSError as exc:
            self._failed(exc, now)

    def all_held(self) -> Ranges:
        """Return the records that a file holds, so that they outlive the process."""
        found = Ranges() if self._owner is None else self._owner.all_outstanding()
        found.update(self._adopter.all_held())
        return found

    def held(self, numbers: Ranges) -> Ranges:
        """Return which of these records a file holds, so that they outlive the process."""
        found = self._adopter.held(numbers)
        if self._owner is not None:
            found.update(self._owner.held(numbers.common(numbers_of(0))))
        return found

    def take(self, now: float, *, may_adopt: bool = True) -> Taken:
        """Return some of what is on the disk only; nothing when there is nothing to be had.

        ``may_adopt``: also what dead owners have left.
        """
        lost, self._lost = self._lost, []
        try:
            if self._owner is not None and self._owner.cold:
                cold = self._owner.take_cold()
                unreadable = 0
                if not cold:
                    unreadable = self._give_up_unreadable(self._owner, now)
                return Taken(cold=cold, lost=lost, unreadable=unreadable)
        except OSError as exc:
            self._say("spool_reading", f"the spool {self.path} cannot be read: {described(exc)}")
            return Taken(lost=lost)
        if not may_adopt:
            return Taken(lost=lost)
        taken = self._adopter.take(now)
        if self._owner is not None:
            self._owner.other_bytes = self._adopter.bad_bytes
        self.notices += self._adopter.notices
        self._adopter.notices = []
        return taken._replace(lost=lost)

    def _give_up_unreadable(self, owner: Owner, now: float) -> int:
        numbers, owner.cold = owner.cold, Ranges()
        self._say(
            "spool_damaged",
            f"{len(numbers)} records in the spool {self.path} cannot be read any more and are lost",
        )
        self.note("done", numbers, now)
        return len(numbers)

    def tidy(self, now: float) -> None:
        """Do what is due by time alone."""
        try:
            if self._owner is not None:
                self._owner.tidy(now)
            self._adopter.tidy(now)
        except OSError as exc:
            self._failed(exc, now)

    def tidy_at(self, now: float) -> float | None:
        """When ``tidy`` has something to do again."""
        own = None if self._owner is None else self._owner.tidy_at
        return min((at for at in (own, self._adopter.tidy_at(now)) if at is not None), default=None)

    @property
    def has_cold(self) -> bool:
        """Whether ``take`` has something of this process's own."""
        return bool(self._lost) or (self._owner is not None and bool(self._owner.cold))

    def close(self) -> None:
        """Leave what is outstanding to whoever comes next; leave nothing if there is nothing."""
        self._is_closed = True
        self._adopter.release()
        owner, self._owner = self._owner, None
        self._left_bytes = self._adopter.bad_bytes
        if owner is not None:
            try:
                owner.close()
                self._left_bytes, self._left_path = owner.size_bytes, owner.path
            except OSError as exc:
                self._say(
                    "spool_failed", f"the spool {owner.path} cannot be given up: {described(exc)}"
                )
