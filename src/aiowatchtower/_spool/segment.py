"""A pair of files: records, and what became of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Final

from aiowatchtower._core.events import NUMBER, LogEvent

from .files import Files
from .format import Note, events_of, note_line, value_of
from .ranges import Ranges

LOG_SUFFIX: Final = ".log"
ACK_SUFFIX: Final = ".ack"
_READ_BYTES: Final = 1024 * 1024
# Longer than the longest record of 1 MiB can be in JSON: there is no line in that.
_MAX_LINE_BYTES: Final = 16 * 1024 * 1024


class Segment:
    """Knows which of its records are outstanding: written, and not yet done with.

    Removes its files once it is complete (nothing will be added) and nothing is outstanding.
    """

    def __init__(self, files: Files, directory: str, number: int) -> None:
        self._files = files
        base = os.path.join(directory, f"{number:08}")  # noqa: PTH118 - strings throughout
        self.log = base + LOG_SUFFIX
        self.ack = base + ACK_SUFFIX
        self.outstanding = Ranges()
        self.is_complete = False
        self.is_removed = False
        self._ack_fd: int | None = None

    def note(self, note: Note, numbers: Ranges) -> None:
        """Write down which of its records are sent, or done with."""
        mine = self.outstanding.common(numbers)
        if not mine:
            return
        if note == "done":
            self.outstanding.subtract(mine)
            if self.remove_if_done():
                return
        self._append(note_line(note, mine))

    def _append(self, data: bytes) -> None:
        if self._ack_fd is None:
            self._ack_fd = self._files.reopen(self.ack)
            if self._files.size(self.ack):
                # What is there may end in a torn line.
                data = b"\n" + data
        try:
            self._files.append(self._ack_fd, data)
        except OSError:
            self.close()
            raise

    def complete(self) -> None:
        """Say that nothing will be added."""
        self.is_complete = True
        self.remove_if_done()

    def remove_if_done(self) -> bool:
        """Remove the files if nothing needs them; the records first, or they would come again."""
        if self.is_complete and not self.outstanding and not self.is_removed:
            self.close()
            self._files.unlink(self.log)
            self._files.unlink(self.ack)
            self.is_removed = True
        return self.is_removed

    def close(self) -> None:
        """Close the acknowledgements; they may be opened again."""
        if self._ack_fd is not None:
            fd, self._ack_fd = self._ack_fd, None
            self._files.close(fd)

    @property
    def size_bytes(self) -> int:
        """How much its acknowledgements and records hold of the disk."""
        return self._files.size(self.log) + self._files.size(self.ack)


def read_lines(files: Files, path: str, offset: int) -> tuple[list[bytes], int, bool]:
    """Return some lines from there on, where to go on, and whether the file ends there."""
    wanted = _READ_BYTES
    while True:
        data = files.read(path, offset, wanted)
        is_end = len(data) < wanted
        if is_end:
            return data.split(b"\n"), offset + len(data), True
        last = data.rfind(b"\n")
        if last >= 0:
            return data[:last].split(b"\n"), offset + last + 1, False
        if wanted >= _MAX_LINE_BYTES:
            # No line of ours: it is counted as damaged, and reading goes on behind it.
            return [data[:64]], offset + len(data), False
        wanted *= 4


def unseen(lines: Iterable[bytes], seen: Ranges) -> tuple[list[LogEvent], int]:
    """Return the events whose numbers are not in ``seen``, each once, and how many lines are damaged.

    Adds their numbers to ``seen``: a line may be there twice.
    """
    found: list[LogEvent] = []
    damaged = 0
    for text in lines:
        value = value_of(text)
        if value is None and text:
            damaged += 1
        for event in events_of(value) or ():
            number = event[NUMBER]
            if number not in seen:
                seen.add(number, number)
                found.append(event)
    return found, damaged


def segment_numbers(names: list[str]) -> Iterator[int]:
    """Yield the numbers of the segments among the names in a directory."""
    for name in names:
        base = name.removesuffix(LOG_SUFFIX)
        if base != name and len(base) == 8 and base.isascii() and base.isdigit():  # noqa: PLR2004
            yield int(base)
