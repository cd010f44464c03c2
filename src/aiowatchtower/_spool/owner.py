"""The directory of a living owner: records are appended, noted as done, and removed."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from aiowatchtower._core.events import NUMBER, LogEvent

from .files import Files
from .format import About, Note, about_line, event_lines, events_of, header_line, value_of
from .ranges import Ranges
from .segment import Segment, read_lines

LOCK: Final = "lock"
NEW_SUFFIX: Final = ".new"
# A healthy segment is removed before the kernel writes it to the disk, 30 seconds after its birth.
SEGMENT_BYTES: Final = 8 * 1024 * 1024
SEGMENT_SECONDS: Final = 5.0
_MIN_FREE_SHARE: Final = 0.05
_FREE_CHECK_SECONDS: Final = 1.0
_number: Final = itemgetter(NUMBER)


class SpoolFullError(OSError):
    """``max_spool_size`` is reached."""


class Owner:
    """Appends records to segments in a directory of its own, and removes those done with.

    Locked for as long as the process lives: whoever can lock it knows that its owner is dead. Not
    thread-safe: one thread makes all calls. Each may raise OSError; the next call begins anew.
    """

    def __init__(self, files: Files, root: str, name: str, about: About, max_bytes: int) -> None:
        """Make the directory, in ``root``, which is made as well if it is missing."""
        self._files = files
        self._root = root
        self._about = about
        self._max_bytes = max_bytes
        # A small spool needs several, too, so that one can be removed while another is written.
        self._segment_bytes = min(SEGMENT_BYTES, max_bytes // 4)
        self._segments: dict[int, Segment] = {}
        self._last = 0
        # The segment that is appended to.
        self._fd: int | None = None
        self._size = 0
        self._opened_at = 0.0
        self._sealed_bytes = 0
        # Beside the segments: what others have been set aside with.
        self.other_bytes = 0
        self._checked_free_at = float("-inf")
        # Records that are in files and nowhere else, and how far the first segment with some is read.
        self.cold = Ranges()
        self._cold_at = (0, 0)
        self.path = os.path.join(root, name)  # noqa: PTH118 - strings throughout
        self._lock = self._make()

    def _make(self) -> int:
        """Make the directory under another name first: nobody shall find it without its lock."""
        self._files.make_private(self._root)
        head, name = os.path.split(self.path)
        new = os.path.join(head, f".{name}{NEW_SUFFIX}")  # noqa: PTH118
        self._files.make_directory(new)
        lock = self._files.create(os.path.join(new, LOCK))  # noqa: PTH118
        try:
            if not self._files.try_lock(lock):
                raise FileExistsError(errno.EEXIST, "another process has taken it", new)
            self._files.append(lock, about_line(self._about))
            self._files.rename(new, self.path)
        except OSError:
            self._files.close(lock)
            self._remove(new)
            raise
        return lock

    @property
    def size_bytes(self) -> int:
        """How much the records hold of the disk, and what was set aside."""
        return self._sealed_bytes + self._size + self.other_bytes

    @property
    def outstanding(self) -> int:
        """How many records are in files and not done with."""
        return sum(len(segment.outstanding) for segment in self._segments.values())

    @property
    def is_gone(self) -> bool:
        """Whether somebody has removed the directory."""
        return not self._files.is_linked(self._lock)

    @property
    def has_room(self) -> bool:
        """Whether a whole segment may be added."""
        return self.size_bytes + self._segment_bytes <= self._max_bytes

    def all_outstanding(self) -> Ranges:
        """Return which records are in files and not done with."""
        found = Ranges()
        for segment in self._segments.values():
            found.update(segment.outstanding)
        return found

    def held(self, numbers: Ranges) -> Ranges:
        """Return which of these records are in files and not done with."""
        found = Ranges()
        for segment in self._segments.values():
            found.update(segment.outstanding.common(numbers))
        return found

    def append(self, events: Sequence[LogEvent], now: float) -> None:
        """Write records. After an error ``held`` tells which of them are written."""
        self._check_free_space(now)
        numbers = Ranges()
        parts: list[bytes] = []
        waiting = 0
        for those, text in event_lines(events):
            if self._fd is not None and self._size + waiting + len(text) > self._segment_bytes:
                self._write(parts, numbers)
                numbers, parts, waiting = Ranges(), [], 0
                self._seal()
            if self.size_bytes + waiting + len(text) > self._max_bytes:
                self._write(parts, numbers)
                raise SpoolFullError(
                    errno.EDQUOT, f"max_spool_size={self._max_bytes} is reached", self._root
                )
            if self._fd is None:
                self._begin(now)
            parts.append(text)
            numbers.update(those)
            waiting += len(text)
        self._write(parts, numbers)

    def _check_free_space(self, now: float) -> None:
        if now - self._checked_free_at < _FREE_CHECK_SECONDS:
            return
        if self._files.free_share(self._root) < _MIN_FREE_SHARE:
            raise OSError(
                errno.ENOSPC,
                f"less than {_MIN_FREE_SHARE:.0%} of the file system are free",
                self._root,
            )
        self._checked_free_at = now

    def _begin(self, now: float) -> None:
        self._last += 1
        segment = Segment(self._files, self.path, self._last)
        fd = self._files.create(segment.log)
        self._fd, self._size, self._opened_at = fd, 0, now
        self._segments[self._last] = segment
        self._write([header_line(self._about.identity)], Ranges())

    def _write(self, parts: Sequence[bytes], numbers: Ranges) -> None:
        if self._fd is None or not parts:
            return
        data = b"".join(parts)
        try:
            self._files.append(self._fd, data)
            if not self._files.is_linked(self._fd):
                raise FileNotFoundError(errno.ENOENT, "it has been removed", self.path)
        except OSError:
            self._abandon()
            raise
        self._size += len(data)
        self._segments[self._last].outstanding.update(numbers)

    def _abandon(self) -> None:
        """Cut the segment back to its last good line. Nothing is appended behind a torn one."""
        try:
            if self._fd is not None:
                self._files.cut(self._fd, self._size)
        except OSError:
            # The reader skips a torn line.
            pass
        finally:
            self._seal()

    def _seal(self) -> None:
        """Append no more to the segment."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        self._sealed_bytes += self._size
        self._size = 0
        try:
            self._files.close(fd)
        finally:
            self._segments[self._last].complete()
            self._forget_removed()

    def tidy(self, now: float) -> None:
        """Begin a new segment every few seconds, so that the one before can be removed."""
        if self._fd is not None and now - self._opened_at >= SEGMENT_SECONDS:
            self._seal()

    @property
    def tidy_at(self) -> float | None:
        """When ``tidy`` has something to do."""
        return None if self._fd is None else self._opened_at + SEGMENT_SECONDS

    def note(self, note: Note, numbers: Ranges) -> None:
        """Write down that records are sent, or done with; remove segments without outstanding ones."""
        if note == "done":
            self.cold.subtract(numbers)
        for segment in list(self._segments.values()):
            segment.note(note, numbers)
        self._forget_removed()

    def _forget_removed(self) -> None:
        removed = [number for number, each in self._segments.items() if each.is_removed]
        for number in removed:
            del self._segments[number]
        if removed:
            sealed = [each for number, each in self._segments.items() if each.is_complete]
            self._sealed_bytes = sum(segment.size_bytes for segment in sealed)

    def take_cold(self) -> list[LogEvent]:
        """Return some of the records that are in files only, oldest first; they are no longer ``cold``.

        Empty when there are none. Those that cannot be read then stay in ``cold``: they are lost.
        """
        while self.cold:
            number, offset = self._cold_at
            segment = self._segments.get(number)
            if segment is None or not segment.outstanding.common(self.cold):
                later = [each for each in self._segments if each > number]
                if not later:
                    break
                self._cold_at = (later[0], 0)
                continue
            lines, new_offset, is_end = read_lines(self._files, segment.log, offset)
            events = [event for text in lines for event in events_of(value_of(text)) or ()]
            wanted = [event for event in events if event[NUMBER] in self.cold]
            self._cold_at = (number, new_offset)
            if is_end and segment.is_complete:
                self._cold_at = (number + 1, 0)
            elif new_offset == offset:
                break
            if wanted:
                self.cold.subtract(Ranges.of(map(_number, wanted)))
                return wanted
        return []

    def close(self) -> None:
        """Leave what is outstanding to whoever comes next; leave nothing if there is nothing."""
        try:
            self._seal()
        finally:
            for segment in self._segments.values():
                segment.close()
            self._remove_if_empty()
            self._files.close(self._lock)

    def _remove_if_empty(self) -> None:
        if not self._segments:
            self._remove(self.path)

    def _remove(self, path: str) -> None:
        try:
            self._files.unlink(os.path.join(path, LOCK))  # noqa: PTH118
            self._files.remove_directory(path)
        except OSError:
            # Another's file is in it, or it is gone.
            return
