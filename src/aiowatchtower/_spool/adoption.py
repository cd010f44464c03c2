"""What dead owners have left: find it, read it, note what becomes of it, and remove it."""

from __future__ import annotations

import os
from operator import itemgetter
from typing import Final, NamedTuple

from aiowatchtower._core.events import NUMBER, NUMBERS_PER_OWNER, LogEvent

from .directories import (
    BAD_SUFFIX,
    NOTHING,
    UNREADABLE,
    bad_bytes_in,
    identity_in,
    is_owner,
    is_unborn,
    remove,
    remove_unborn,
    strikes,
    try_lock,
)
from .files import Files
from .format import VERSION, About, Note, line, read_notes, value_of
from .ranges import Ranges
from .segment import Segment, read_lines, segment_numbers, unseen

# A directory whose adopters have died so often is not adopted again.
STRIKES: Final = 3
# An adopter that has lived so long with the records was not killed by them.
PROVEN_SECONDS: Final = 10.0
_MAX_ACK_BYTES: Final = 256 * 1024 * 1024
_number: Final = itemgetter(NUMBER)


class Recovered(NamedTuple):
    """Some of a dead owner's records, renumbered, to be delivered."""

    events: list[LogEvent]
    # How many of them were under way when the owner died: they may be in the stream already.
    in_doubt: int
    damaged_lines: int


class DeadOwner:
    """A dead owner's directory, locked by this process, which delivers what is in it.

    What is done with is noted in the dead owner's own files: if this process dies as well, the
    next one goes on from there.
    """

    def __init__(self, files: Files, path: str, lock: int, index: int) -> None:
        self._files = files
        self.path = path
        self._lock = lock
        self._base = index * NUMBERS_PER_OWNER
        self.index = index
        numbers = list(segment_numbers(files.names(path)))
        self._unread = [Segment(files, path, number) for number in numbers]
        self._reading: list[Segment] = []
        self._offset = 0
        self._done = Ranges()
        self._sent = Ranges()
        self._has_fine_mark = False
        self._is_handed_over = False

    @property
    def is_read(self) -> bool:
        """Whether all of its records have been taken."""
        return not self._unread

    @property
    def outstanding(self) -> int:
        """How many of the records taken are not done with."""
        return sum(len(segment.outstanding) for segment in self._reading)

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to deliver."""
        return self.is_read and not self._reading

    def take(self) -> Recovered:
        """Return the next records, oldest segment first; none when all are taken."""
        damaged = 0
        if self._reading:
            self.note_handed_over()
        while self._unread:
            segment = self._unread[0]
            if not self._offset:
                notes = read_notes(self._files.read(segment.ack, 0, _MAX_ACK_BYTES))
                self._done, self._sent = notes["done"], notes["sent"]
                self._reading.append(segment)
            lines, self._offset, is_end = read_lines(self._files, segment.log, self._offset)
            events, bad = unseen(lines, self._done)
            # The kill may have torn the last line, which is no damage.
            damaged += bad - (is_end and value_of(lines[-1]) is None and lines[-1] != b"")
            segment.outstanding.update(Ranges.of(map(_number, events)))
            if is_end:
                self._offset = 0
                del self._unread[0]
                segment.complete()
                self._forget_removed()
            if events:
                in_doubt = sum(event[NUMBER] in self._sent for event in events)
                return Recovered([self._renumbered(each) for each in events], in_doubt, damaged)
        return Recovered([], 0, damaged)

    def _renumbered(self, event: LogEvent) -> LogEvent:
        stream, timestamp_ms, message, size_bytes, number = event
        return (stream, timestamp_ms, message, size_bytes, number + self._base)

    def note(self, note: Note, numbers: Ranges) -> None:
        """Write down what becomes of records, by the numbers under which they were taken."""
        own = Ranges((first - self._base, last - self._base) for first, last in numbers)
        for segment in self._reading:
            segment.note(note, own)
        self._forget_removed()
        if note == "done":
            self.mark_fine()

    def _forget_removed(self) -> None:
        self._reading = [segment for segment in self._reading if not segment.is_removed]

    def note_handed_over(self) -> None:
        """Note that the first records were read, and more are asked for: reading kills nobody."""
        if not self._is_handed_over:
            self._is_handed_over = True
            self._files.append(self._lock, line({"handed_over": VERSION}))

    def mark_fine(self) -> None:
        """Note that these records have not killed their adopter."""
        if not self._has_fine_mark:
            self._has_fine_mark = True
            self._files.append(self._lock, line({"fine": VERSION}))

    def close(self) -> None:
        """Remove the directory if nothing is left in it, or leave it to the next adopter."""
        try:
            if self.is_finished:
                remove(self._files, self.path)
            else:
                self.mark_fine()
        except OSError:
            # Another's file is in it, or the disk has failed. It is looked at again next time.
            pass
        finally:
            for segment in self._reading:
                segment.close()
            self._files.close(self._lock)


class Adoption(NamedTuple):
    """What looking for a dead owner has found."""

    owner: DeadOwner | None
    # Directories that were set aside just now.
    set_aside: list[str]
    # How much all that was ever set aside holds of the disk.
    bad_bytes: int


def adopt(files: Files, root: str, heir: About, index: int) -> Adoption:
    """Take the first directory whose owner is dead and has logged to the same group and region.

    ``index`` numbers the adoptions of this process, from 1.
    """
    set_aside: list[str] = []
    identity, now_ms = heir.identity, heir.started_ms
    for name in files.names(root):
        path = os.path.join(root, name)  # noqa: PTH118
        if is_unborn(name):
            remove_unborn(files, path)
        if not is_owner(name):
            continue
        lock = try_lock(files, path, create=True)
        if lock is None:
            continue
        try:
            theirs = identity_in(files, path)
            is_ours = theirs.group == identity.group and theirs.region in {"", identity.region}
            if not is_ours and theirs not in (NOTHING, UNREADABLE):
                files.close(lock)
            elif theirs is UNREADABLE or strikes(files, path, now_ms) >= STRIKES:
                files.rename(path, path + BAD_SUFFIX)
                set_aside.append(path + BAD_SUFFIX)
                files.close(lock)
            else:
                files.append(lock, b"\n" + line({"adopted_by": heir.pid, "adopted_ms": now_ms}))
                return Adoption(
                    DeadOwner(files, path, lock, index), set_aside, bad_bytes_in(files, root)
                )
        except OSError:
            files.close(lock)
            raise
    return Adoption(None, set_aside, bad_bytes_in(files, root))
