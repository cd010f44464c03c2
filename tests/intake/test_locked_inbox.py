"""The inbox of interpreters without a global interpreter lock."""

from __future__ import annotations

import threading
import time
from logging import ERROR, INFO

from aiowatchtower._core.ledger import Ledger
from aiowatchtower._core.phase import Lifecycle
from aiowatchtower._intake.inbox import Inbox
from aiowatchtower._intake.locked_inbox import LockedInbox

THREADS = 4
PUTS = 250
SIZE = 100


class _GivesWay(int):
    """A size that lets other threads run where `put` subtracts it, as they do at any moment without the GIL."""

    def __rsub__(self, other: int) -> int:
        time.sleep(0)
        return other - int(self)


def _filled(kind: type[Inbox], max_bytes: int) -> Inbox:
    inbox = kind(max_bytes, Ledger(threading.RLock()), Lifecycle())

    def work() -> None:
        for _ in range(PUTS):
            inbox.put("web", 0, "x", _GivesWay(SIZE), ERROR)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return inbox


def test_the_sum_of_bytes_is_exact():
    """Threads that put at the same moment lose nothing of the sum of the staged bytes."""
    seen = _filled(LockedInbox, 10**9).statistics()
    assert seen.pending_bytes == seen.pending * SIZE == THREADS * PUTS * SIZE


def test_the_bound_is_exact():
    """Threads that put at the same moment do not put more into the buffer than it may hold."""
    seen = _filled(LockedInbox, 50 * SIZE).statistics()
    assert (seen.pending, seen.dropped["buffer_full"]) == (50, THREADS * PUTS - 50)


def test_a_signal_handler_may_put_while_its_thread_is_putting():
    """The lock is reentrant: a put in the middle of a put takes its record as well."""

    class Interrupts(int):
        def __rsub__(self, other: int) -> int:
            inbox.put(*second, INFO)
            return other - int(self)

    second = ("web", 0, "second", SIZE)
    inbox = LockedInbox(10**9, Ledger(threading.RLock()), Lifecycle())
    inbox.put("web", 0, "first", Interrupts(SIZE), INFO)
    assert inbox.statistics().pending == 2
