"""Takes what dead owners have left, one owner at a time."""

from __future__ import annotations

import os
from collections.abc import Set as AbstractSet
from typing import Final

from aiowatchtower._core.events import NUMBERS_PER_OWNER

from .adoption import PROVEN_SECONDS, DeadOwner, adopt
from .files import Files
from .format import About, Note
from .ranges import Ranges
from .values import Notice, Taken, described

LOOK_SECONDS: Final = 60.0


class Adopter:
    """Looks for dead owners every minute, and at once when one is done with.

    While the records of one are delivered, no other is adopted: several workers share them.
    """

    def __init__(
        self, files: Files, root: str, about: About, left_behind: AbstractSet[str] = frozenset()
    ) -> None:
        """``left_behind``: directories that earlier blocks of the same handler have left."""
        self._files = files
        self._root = root
        self._about = about
        self._left_behind = left_behind
        self._dead: DeadOwner | None = None
        self._adoptions = 0
        self._adopted_at = 0.0
        self._look_at = float("-inf")
        # How much all that was ever set aside holds of the disk.
        self.bad_bytes = 0
        self.notices: list[Notice] = []

    def take(self, now: float) -> Taken:
        """Return some records of a dead owner; nothing when there is nothing to be had now."""
        try:
            return self._take(now)
        except OSError as exc:
            path = self._root if self._dead is None else self._dead.path
            self._say("spool_reading", f"the spool {path} cannot be read: {described(exc)}")
            self.release()
            self._look_at = now + LOOK_SECONDS
            return Taken()

    def _take(self, now: float) -> Taken:
        while True:
            if self._dead is None and (now < self._look_at or not self._adopt(now)):
                return Taken()
            dead = self._dead
            if dead is None:
                return Taken()
            if dead.is_read and not dead.is_finished:
                dead.note_handed_over()
                # Until it is delivered no other is adopted: several workers share them.
                return Taken()
            recovered = dead.take()
            if recovered.damaged_lines:
                self._say(
                    "spool_damaged",
                    f"{recovered.damaged_lines} damaged lines in the spool {dead.path} are left "
                    "out: the disk has failed, or somebody has changed the files",
                )
            if recovered.events:
                return Taken(
                    recovered=recovered.events,
                    in_doubt=recovered.in_doubt,
                    is_own=dead.path in self._left_behind,
                )
            if dead.is_finished:
                self.release()

    def _adopt(self, now: float) -> bool:
        """Look for a dead owner; return whether there is one."""
        try:
            # Somebody else may have put records into a directory that is not this user's alone.
            self._files.make_private(self._root)
        except OSError:
            # Whoever makes the own directory there says so.
            self._look_at = now + LOOK_SECONDS
            return False
        found = adopt(self._files, self._root, self._about, self._adoptions + 1)
        self.bad_bytes = found.bad_bytes
        for path in found.set_aside:
            self._say(
                f"spool_set_aside {path}",
                f"{path} in the spool is set aside: it cannot be read, or each process that took "
                "its records died within seconds. `python -m aiowatchtower spool` shows it; "
                f"remove it, or rename it to {os.path.basename(path)[:12]} to have it tried again",  # noqa: PTH119
            )
        if found.owner is None:
            self._look_at = now + LOOK_SECONDS
            return False
        self._dead = found.owner
        self._adoptions += 1
        self._adopted_at = now
        return True

    def release(self) -> None:
        """Leave what is not done with to the next adopter."""
        dead, self._dead = self._dead, None
        if dead is not None:
            try:
                dead.close()
            except OSError as exc:
                self._say(
                    "spool_reading", f"the spool {dead.path} cannot be given up: {described(exc)}"
                )

    def note(self, note: Note, numbers: Ranges) -> None:
        """Write down what becomes of a dead owner's records."""
        if self._dead is None:
            return
        theirs = self.held(numbers)
        if theirs:
            self._dead.note(note, theirs)
        if self._dead.is_finished:
            self.release()
            # There may be another.
            self._look_at = float("-inf")

    def held(self, numbers: Ranges) -> Ranges:
        """Return which of the records are a dead owner's: they stay on its disk until done with."""
        return Ranges() if self._dead is None else numbers.common(numbers_of(self._dead.index))

    def all_held(self) -> Ranges:
        """Return all numbers that records of the dead owner may have."""
        return Ranges() if self._dead is None else numbers_of(self._dead.index)

    def tidy(self, now: float) -> None:
        """Note after some seconds that the records have not killed this process."""
        if self._dead is not None and now - self._adopted_at >= PROVEN_SECONDS:
            self._dead.mark_fine()

    def tidy_at(self, now: float) -> float | None:
        """When ``tidy`` has something to do."""
        if self._dead is None or now - self._adopted_at >= PROVEN_SECONDS:
            return None
        return self._adopted_at + PROVEN_SECONDS

    def _say(self, kind: str, text: str) -> None:
        self.notices.append(Notice(kind, text))


def numbers_of(index: int) -> Ranges:
    """Return all the numbers that records of the owner with that index may have."""
    first = index * NUMBERS_PER_OWNER
    return Ranges([(first + 1, first + NUMBERS_PER_OWNER - 1)])
