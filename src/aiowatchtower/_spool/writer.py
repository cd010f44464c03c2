"""The thread that makes the file calls, and how records from any thread reach it."""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import repeat, starmap
from operator import itemgetter
from typing import Final, TypeVar

from aiowatchtower._core.events import NUMBER, SIZE_BYTES, LogEvent, total_bytes

from .files import Files
from .format import Note
from .keeper import Keeper
from .ranges import Ranges
from .values import Notice

# How often records are written while records flow: what SIGKILL can take.
WRITE_SECONDS: Final = 0.02
# A write that hangs for longer, as on a dead network file system, is not waited for.
BEHIND_SECONDS: Final = 5.0
# Events that wait for the thread, when even the event loop cannot look after it.
_MAX_WAITING: Final = 200_000
# Bytes of records that wait for the thread and are held nowhere else.
_MAX_COLD_BYTES: Final = 8 * 1024 * 1024
_AT_MOST: Final = 10_000
_AFTER_BUG_SECONDS: Final = 1.0
_number: Final = itemgetter(NUMBER)
_T = TypeVar("_T")


class Writer:
    """Takes events from any thread and has them written by a thread of its own.

    Not by the event loop: the processes that a watchdog kills are those whose loop is blocked.
    ``tee`` and ``wake`` take no lock, as they are called for each record, also from signal handlers.
    """

    def __init__(
        self, root: str, made: Callable[[], Keeper], files: Files, clock: Callable[[], float]
    ) -> None:
        """``made`` makes the keeper, in the thread: it may have to look up the region."""
        self._root = root
        self._made = made
        self._made_keeper: Keeper | None = None
        self._files = files
        self._clock = clock
        self._tee: deque[LogEvent] = deque(maxlen=_MAX_WAITING)
        self._cold: deque[LogEvent] = deque()
        self._cold_bytes = 0
        self._notes: deque[tuple[Note, Sequence[LogEvent]]] = deque()
        # Notes of a time when the thread hung, in little memory.
        self._ranges: dict[Note, Ranges] = {"sent": Ranges(), "done": Ranges()}
        self._asked: deque[Callable[[], None]] = deque()
        self._lock = threading.RLock()
        self._is_closing = False
        self._busy_since: float | None = None
        self._is_behind = False
        self._has_room = False
        self._has_cold = False
        self._size_bytes = 0
        self._path = root
        self._notices: deque[Notice] = deque(maxlen=100)
        # Acquired by the thread to sleep, released by whoever has something for it. Unlike those
        # of threading.Event and Condition, its release may interrupt itself, in a signal handler.
        self._signal = threading.Lock()
        self._signal.acquire()
        self.is_awake: bool = True
        self.opened: Future[OSError | None] = Future()
        # Handed to the inbox: the number of the next record, and where to put it.
        self.next_number: Callable[[], int] = itertools.count(1).__next__
        self.tee: Callable[[LogEvent], None] = self._tee.append
        # An empty context: the thread is no part of the request or span that entered the block.
        self._thread = threading.Thread(
            target=contextvars.Context().run, args=(self._run,), name="aiowatchtower spool", daemon=True
        )  # fmt: skip

    @property
    def _keeper(self) -> Keeper:
        if self._made_keeper is None:
            self._made_keeper = self._made()
        return self._made_keeper

    @property
    def is_closing(self) -> bool:
        """Whether it takes no more."""
        return self._is_closing

    def start(self) -> None:
        """Start the thread. ``opened`` will say why the directory cannot be used, or None."""
        self.opened = self._ask(lambda: self._keeper.open(self._clock()))
        self._thread.start()

    def wake(self) -> None:
        """Have the thread look around now. Never blocks."""
        self.is_awake = True
        try:
            self._signal.release()
        except RuntimeError:
            # It has been woken already.
            return

    def put_cold(self, event: LogEvent) -> bool:
        """Take an event for which memory has no room; False if the disk has none either."""
        with self._lock:
            if not self._has_room or self._cold_bytes + event[SIZE_BYTES] > _MAX_COLD_BYTES:
                return False
            self._cold_bytes += event[SIZE_BYTES]
            self._cold.append(event)
        if not self.is_awake:
            self.wake()
        return True

    def note(self, note: Note, events: Sequence[LogEvent]) -> None:
        """Have it written down that records are sent, or done with."""
        if self._is_behind:
            with self._lock:
                self._ranges[note].update(Ranges.of(filter(None, map(_number, events))))
            return
        self._notes.append((note, events))
        if note == "sent" or not self.is_awake:
            # Before the request is answered; else the doubt would be forgotten.
            self.wake()

    def ask(self, question: Callable[[Keeper, float], _T]) -> Future[_T]:
        """Run a function of the keeper and the time in the thread."""
        return self._ask(lambda: question(self._keeper, self._clock()))

    def _ask(self, question: Callable[[], _T]) -> Future[_T]:
        answer: Future[_T] = Future()

        def run() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                answer.set_result(question())
            except Exception as exc:  # noqa: BLE001 - it goes to whoever has asked
                answer.set_exception(exc)

        self._asked.append(run)
        self.wake()
        return answer

    @property
    def has_cold(self) -> bool:
        """Whether records of this process are on the disk only, or are about to be."""
        return self._cold_bytes > 0 or self._has_cold

    @property
    def size_bytes(self) -> int:
        """How much the records hold of the disk."""
        return self._size_bytes

    @property
    def path(self) -> str:
        """The directory in which the records are."""
        return self._path

    def notices(self) -> list[Notice]:
        """Return what is to be said to people, once each."""
        return _drained(self._notices, len(self._notices))

    def look_after(self, now: float) -> None:
        """Forget what waits for a thread that hangs; to be called every second or so."""
        since = self._busy_since
        if since is None or now - since < BEHIND_SECONDS:
            if self._is_behind and since is None:
                self._is_behind = False
                self._notices.append(
                    Notice("spool_behind", f"the spool {self._root} works again", is_over=True)
                )
            return
        if not self._is_behind:
            self._is_behind = True
            self._notices.append(
                Notice(
                    "spool_behind",
                    f"the spool {self._root} is behind: a file call has hung for "
                    f"{now - since:.0f} s. Until it returns, records are kept in memory only",
                )
            )
        self._tee.clear()
        while self._notes:
            note, events = self._notes.popleft()
            with self._lock:
                self._ranges[note].update(Ranges.of(filter(None, map(_number, events))))

    def _run(self) -> None:
        while True:
            self._busy_since = self._clock()
            is_last = self._is_closing
            has_worked = True
            try:
                has_worked = self._work(self._busy_since)
            except Exception as exc:  # noqa: BLE001 - our bug must not end the thread
                self._notices.append(Notice("spool_bug", f"a bug in the spool: {exc!r}"))
                self._busy_since = None
                self._signal.acquire(timeout=_AFTER_BUG_SECONDS)
            if is_last:
                self._busy_since = None
                return
            self._sleep(for_long=not has_worked)

    def _work(self, now: float) -> bool:
        """Write what waits and answer questions; return whether there was anything."""
        # Notes first and written last: their records are in the tee before them.
        notes = self._drained_notes()
        has_worked = bool(notes)
        # No more than waits now: while records come as fast as they are written, questions are answered, too.
        waiting, waiting_cold = len(self._tee), len(self._cold)
        while waiting > 0 or waiting_cold > 0:
            events = _drained(self._tee, min(waiting, _AT_MOST))
            cold = _drained(self._cold, min(waiting_cold, _AT_MOST))
            if not events and not cold:
                # The event loop has given up this thread, and cleared what waited for it.
                break
            waiting, waiting_cold = waiting - len(events), waiting_cold - len(cold)
            has_worked = True
            self._busy_since = now = self._clock()
            self._keeper.store(events, cold, now)
            self._tell()
            with self._lock:
                self._cold_bytes -= total_bytes(cold)
        self._write_down(notes, now)
        for question in _drained(self._asked, len(self._asked)):
            question()
        self._keeper.tidy(now)
        self._tell()
        return has_worked

    def _drained_notes(self) -> list[tuple[Note, Sequence[LogEvent]]]:
        """Take the notes one by one, because ``look_after`` may take them, too, and none may get lost."""
        notes = []
        while self._notes:
            with contextlib.suppress(IndexError):
                notes.append(self._notes.popleft())
        return notes

    def _write_down(self, notes: Sequence[tuple[Note, Sequence[LogEvent]]], now: float) -> None:
        with self._lock:
            ranges, self._ranges = self._ranges, {"sent": Ranges(), "done": Ranges()}
        for note, events in notes:
            ranges[note].update(Ranges.of(filter(None, map(_number, events))))
        ranges["sent"].subtract(ranges["done"])
        for note, numbers in ranges.items():
            if numbers:
                self._keeper.note(note, numbers, now)

    def _tell(self) -> None:
        """Publish what other threads may read."""
        self._has_room = self._keeper.has_room and not self._is_closing
        self._has_cold = self._keeper.has_cold
        self._size_bytes, self._path = self._keeper.size_bytes, self._keeper.path
        notices, self._keeper.notices = self._keeper.notices, []
        self._notices.extend(notices)

    def _sleep(self, *, for_long: bool) -> None:
        self._busy_since = None
        if not for_long:
            # While records flow, they are written together, and none of them wakes the thread.
            self._signal.acquire(timeout=WRITE_SECONDS)
            return
        self.is_awake = False
        # Looked at again: an event may have been appended just before the flag fell.
        if self._tee or self._cold or self._notes or self._asked or self._is_closing:
            self.is_awake = True
            return
        now = self._clock()
        due_at = self._keeper.tidy_at(now)
        self._signal.acquire(timeout=-1 if due_at is None else max(0.0, due_at - now))
        self.is_awake = True

    def close(self) -> Future[None]:
        """Write what waits, give up the directory, and end the thread."""
        answer = self.ask(lambda keeper, _: keeper.close())
        self._is_closing = True
        self.wake()
        return answer

    def join(self, timeout: float) -> None:
        """Wait for the thread to end, as at the process's exit."""
        self._thread.join(timeout)

    def forget(self) -> None:
        """Close the files in a forked child: they are the parent's, and so is the thread.

        Else the child, living on, would keep a dead parent's directory locked.
        """
        self._files.forget()


def _drained(waiting: deque[_T], at_most: int) -> list[_T]:
    """Take from the front of a deque that another thread may clear meanwhile."""
    try:
        # One call, which is what makes it cheap.
        return list(starmap(waiting.popleft, repeat((), min(at_most, len(waiting)))))
    except IndexError:
        # It was cleared just now: this thread was given up, and what it has taken with it.
        return []
