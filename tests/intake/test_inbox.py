"""Where records from any thread meet the worker's loop."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections import deque
from logging import ERROR, INFO
from typing import cast

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiowatchtower import Lost
from aiowatchtower._core.events import Batch, LogEvent, Receipt
from aiowatchtower._core.ledger import Ledger
from aiowatchtower._core.phase import Lifecycle
from aiowatchtower._intake.inbox import Inbox

ROOMY = 1_000_000


def _event(text="x", at=0, stream="web", size=100) -> LogEvent:
    return (stream, at, text, size, 0)


def _inbox(max_bytes) -> Inbox:
    return Inbox(max_bytes, Ledger(threading.RLock()), Lifecycle())


def _put(inbox, *texts, level=INFO):
    for text in texts:
        inbox.put(*_event(text)[:4], level)


class Loop:
    """A loop that takes its turns when it is told to, and has no clock."""

    def __init__(self) -> None:
        self.soon: deque = deque()
        self.later: deque = deque()
        self.wake_ups = 0

    def is_closed(self):
        return False

    def call_soon(self, callback, context=None):
        self.soon.append(callback)

    def call_soon_threadsafe(self, callback, context=None):
        self.wake_ups += 1
        self.soon.append(callback)

    def call_later(self, delay, callback, context=None):
        assert 0 < delay < 0.1
        timer = Timer(callback)
        self.later.append(timer)
        return timer

    def turn(self):
        """Run what is due, and then what its timers bring, until it sleeps."""
        while self.soon or self.later:
            (self.soon or self.later).popleft()()


class Timer:
    def __init__(self, callback) -> None:
        self.callback = callback
        self.is_cancelled = False

    def cancel(self):
        self.is_cancelled = True

    def __call__(self):
        if not self.is_cancelled:
            self.callback()


def _opened(max_bytes=ROOMY):
    inbox, loop = _inbox(max_bytes), Loop()
    queue = inbox.enter(cast("asyncio.AbstractEventLoop", loop)).records
    loop.turn()
    return inbox, loop, queue


def _texts(queue) -> list[str]:
    return [event[2] for _ in range(queue.qsize()) for event in queue.get_nowait()]


def test_records_before_entry_are_kept():
    """What is put before a worker comes is the first thing that it gets."""
    inbox = _inbox(ROOMY)
    _put(inbox, "a", "b")
    assert not inbox.is_open
    loop = Loop()
    queue = inbox.enter(cast("asyncio.AbstractEventLoop", loop)).records
    loop.turn()
    assert inbox.is_open
    assert _texts(queue) == ["a", "b"]


def test_one_wake_up_takes_many_records_over():
    """However many records come before the loop's next turn, it is woken once for all of them."""
    inbox, loop, queue = _opened()
    _put(inbox, *map(str, range(1_000)))
    assert loop.wake_ups == 1
    loop.turn()
    assert queue.qsize() == 1
    assert _texts(queue) == [str(number) for number in range(1_000)]


def test_no_wake_up_is_lost():
    """After any silence, one record is enough to wake the loop again."""
    inbox, loop, queue = _opened()
    for number in range(5):
        _put(inbox, str(number))
        loop.turn()
        assert _texts(queue) == [str(number)]
    assert loop.wake_ups == 5


def test_while_records_flow_they_are_taken_over_by_the_clock():
    """Records that come between two take-overs cost no wake-up of their own."""
    inbox, loop, queue = _opened()
    _put(inbox, "a")
    loop.soon.popleft()()
    _put(inbox, "b")
    loop.later.popleft()()
    _put(inbox, "c")
    loop.turn()
    assert loop.wake_ups == 1
    assert _texts(queue) == ["a", "b", "c"]


async def test_a_record_from_another_thread_arrives():
    """On a real loop, one record wakes it from any thread, again and again."""
    inbox = _inbox(ROOMY)
    queue = inbox.enter(asyncio.get_running_loop()).records
    with anyio.fail_after(60):
        for number in range(3):
            await asyncio.to_thread(_put, inbox, str(number))
            events = await queue.get()
            assert [event[2] for event in events] == [str(number)]
    inbox.leave(10.0)


async def test_threads_lose_nothing_and_keep_their_order():
    """Eight threads at once: every record once, each thread's in its own order."""
    inbox = _inbox(100_000_000)
    queue = inbox.enter(asyncio.get_running_loop()).records
    threads = [
        threading.Thread(target=_put, args=(inbox, *(f"{name}:{n}" for n in range(2_000))))
        for name in range(8)
    ]
    for thread in threads:
        thread.start()
    found: list[str] = []
    with anyio.fail_after(60):
        while len(found) < 16_000:
            found += [event[2] for event in await queue.get()]
    for thread in threads:
        await asyncio.to_thread(thread.join)
    for name in range(8):
        mine = [text for text in found if text.startswith(f"{name}:")]
        assert mine == [f"{name}:{number}" for number in range(2_000)]
    assert inbox.statistics().pending_bytes == 1_600_000
    inbox.leave(10.0)


def test_past_its_bound_the_newest_are_dropped():
    """Seven eighths are for everything; a record that finds no room there is dropped and counted."""
    inbox = _inbox(800)
    _put(inbox, *"abcdefgh")
    seen = inbox.statistics()
    assert (seen.logged, seen.pending, seen.pending_bytes) == (8, 7, 700)
    assert seen.dropped == {"buffer_full": 1}


def test_the_last_eighth_is_kept_for_errors():
    """Errors find room where ordinary records no longer do, up to the bound itself."""
    inbox = _inbox(800)
    _put(inbox, *"abcdefgh")
    _put(inbox, "E", level=ERROR)
    _put(inbox, "F", level=ERROR)
    seen = inbox.statistics()
    assert (seen.pending, seen.pending_bytes) == (8, 800)
    assert seen.dropped == {"buffer_full": 2}


def test_a_smaller_record_may_still_fit():
    """Room is counted in bytes, not in records."""
    inbox = _inbox(800)
    _put(inbox, *"abcdef")
    inbox.put(*_event(size=101)[:4], INFO)
    inbox.put(*_event(size=100)[:4], INFO)
    assert inbox.statistics().pending_bytes == 700


def test_an_overflow_is_told_by_stream():
    """What found no room is summed up per stream: how many, how large, from when to when; once."""
    inbox = _inbox(1)
    for at, stream, size in [(5, "web", 30), (3, "web", 31), (9, "jobs", 40), (7, "web", 32)]:
        inbox.put(*_event(at=at, stream=stream, size=size)[:4], ERROR)
    overflow = inbox.take_overflow()
    assert {stream: found.lost(stream) for stream, found in overflow.items()} == {
        "web": Lost("buffer_full", "web", 3, 93, 3, 7),
        "jobs": Lost("buffer_full", "jobs", 1, 40, 9, 9),
    }
    assert inbox.take_overflow() == {}


def test_an_overflow_wakes_the_worker():
    """The worker hears of dropped records though there is nothing for it to take."""
    inbox, loop = _inbox(1), Loop()
    arrivals = inbox.enter(cast("asyncio.AbstractEventLoop", loop))
    loop.turn()
    assert not arrivals.news.is_set()
    _put(inbox, "a")
    loop.soon.popleft()()
    assert arrivals.news.is_set()
    assert arrivals.records.empty()
    inbox.take_overflow()
    arrivals.news.clear()
    loop.turn()
    assert not arrivals.news.is_set()


def test_settled_records_give_their_bytes_back():
    """Room is free again only when records have met their fate."""
    inbox, loop, queue = _opened(800)
    _put(inbox, *"abcdefg")
    loop.turn()
    events = queue.get_nowait()
    _put(inbox, "late")
    assert not inbox.is_roomy
    inbox._ledger.settle(Receipt(Batch.of("web", events)))
    assert inbox.is_roomy
    _put(inbox, "x")
    seen = inbox.statistics()
    assert (seen.delivered, seen.pending, seen.pending_bytes) == (7, 1, 100)
    assert seen.dropped == {"buffer_full": 1}


@given(
    st.integers(1, 2_000),
    st.lists(st.tuples(st.integers(27, 400), st.booleans()), max_size=40),
)
def test_the_bound_holds_for_any_records(max_bytes, records):
    """Never more than the bound is held, never more than its share by ordinary records."""
    inbox = _inbox(max_bytes)
    for size, urgent in records:
        before = inbox.statistics()
        inbox.put(*_event(size=size)[:4], ERROR if urgent else INFO)
        seen = inbox.statistics()
        room = max_bytes if urgent else max_bytes - max_bytes // 8
        taken = before.pending_bytes + size <= room
        assert seen.pending_bytes == before.pending_bytes + size * taken
        assert seen.pending == before.pending + taken
        assert seen.logged == seen.pending + seen.dropped.get("buffer_full", 0)


class Interrupting(int):
    """A size whose first subtraction, in the middle of `put`, makes something happen."""

    happenings: list

    def __rsub__(self, other):
        while self.happenings:
            self.happenings.pop()()
        return other - int(self)


class LogsWhenItDies:
    def __init__(self, inbox) -> None:
        self.inbox = inbox

    def __del__(self):
        _put(self.inbox, "from __del__")


@pytest.mark.parametrize("way", ["call", "__del__", "signal"])
def test_a_put_inside_a_put_is_no_deadlock(way):
    """A signal handler or `__del__` that logs while its thread is logging loses nothing."""
    inbox, loop, queue = _opened()
    dying = [LogsWhenItDies(inbox)] if way == "__del__" else []
    happen = {
        "call": lambda: _put(inbox, "inner"),
        "__del__": dying.clear,
        "signal": lambda: signal.raise_signal(signal.SIGUSR1),
    }[way]
    size = Interrupting(100)
    size.happenings = [happen]
    before = signal.signal(signal.SIGUSR1, lambda *_: _put(inbox, "from a signal"))
    try:
        inbox.put(*_event("outer", size=size)[:4], INFO)
    finally:
        signal.signal(signal.SIGUSR1, before)
    loop.turn()
    texts = _texts(queue)
    assert len(texts) == 2
    assert texts[-1] == "outer"
    assert inbox.statistics().pending_bytes == 200


def test_after_closing_nothing_is_taken():
    """Records put after the close are dropped for its reason, and leave no gap to be marked."""
    inbox, loop, queue = _opened()
    _put(inbox, "a")
    inbox.leave(10.0)
    _put(inbox, "b")
    _put(inbox, "c", level=ERROR)
    loop.turn()
    assert not inbox.is_open
    assert _texts(queue) == ["a"]
    assert inbox.statistics().dropped == {"after_exit": 2}
    assert inbox.statistics().pending == 1
    assert inbox.take_overflow() == {}


def test_closing_hands_over_and_stops_the_clock():
    """At the close, what is staged goes to the worker at once; the timer brings nothing more."""
    inbox, loop, queue = _opened()
    _put(inbox, "a")
    loop.soon.popleft()()
    _put(inbox, "b")
    inbox.leave(10.0)
    assert [timer.is_cancelled for timer in loop.later] == [True]
    assert _texts(queue) == ["a", "b"]
    loop.turn()
    assert queue.empty()


def test_a_turn_that_was_due_when_it_closed_does_nothing():
    """A wake-up under way while the inbox is closed finds nothing to do."""
    inbox, loop, queue = _opened()
    _put(inbox, "a")
    inbox.leave(10.0)
    assert queue.qsize() == 1
    loop.turn()
    assert queue.qsize() == 1


def test_a_record_that_is_staged_after_the_close_is_counted():
    """A thread that saw an open handler and stages its record too late leaves none that waits for ever."""
    inbox, loop, queue = _opened()
    inbox.leave(10.0)
    _put(inbox, "late")
    inbox.end()
    _put(inbox, "later")
    loop.turn()
    seen = inbox.statistics()
    assert (seen.logged, seen.pending, seen.pending_bytes) == (2, 0, 0)
    assert seen.dropped == {"after_exit": 2}
    assert queue.empty()


class Failing(int):
    """A size whose sum raises, as a signal handler does that comes in the middle of it."""

    failures: list[BaseException]

    def __radd__(self, other):
        if self.failures:
            raise self.failures.pop()
        return int(self) + other


@pytest.mark.parametrize("failure", [TimeoutError(), MemoryError(), KeyboardInterrupt()])
def test_an_exception_in_the_timer_costs_no_record(failure):
    """What was taken from the staging area is handed over by the next timer, once, in its order."""
    inbox, loop, queue = _opened()
    size = Failing(100)
    size.failures = []
    _put(inbox, "a")
    inbox.put(*_event("b", size=size)[:4], INFO)
    size.failures.append(failure)
    with pytest.raises(type(failure)):
        loop.soon.popleft()()
    _put(inbox, "c")
    seen = inbox.statistics()
    assert (seen.logged, seen.pending, seen.pending_bytes) == (3, 3, 300)
    loop.turn()
    assert _texts(queue) == ["a", "b", "c"]
    seen = inbox.statistics()
    assert (seen.logged, seen.pending, seen.pending_bytes) == (3, 3, 300)


def test_long_lists_are_sliced_once():
    """However much was staged, the worker gets it in slices that cost the loop little each."""
    inbox, _, queue = _opened(100_000_000)
    _put(inbox, *map(str, range(12_000)))
    inbox.hand_over()
    sizes = [len(queue.get_nowait()) for _ in range(queue.qsize())]
    assert sizes == [5_000, 5_000, 2_000]


def test_it_can_be_opened_again():
    """After a close, a new worker with a new queue gets what comes from then on."""
    inbox, _, first = _opened()
    inbox.leave(10.0)
    inbox.end()
    _put(inbox, "between")
    loop = Loop()
    second = inbox.enter(cast("asyncio.AbstractEventLoop", loop)).records
    _put(inbox, "a")
    loop.turn()
    assert second is not first
    assert _texts(second) == ["a"]
    assert inbox.statistics().dropped == {"after_exit": 1}


def test_a_loop_that_was_closed_is_no_error():
    """Where the loop has gone without leaving the block, records are kept as before entry."""
    inbox = _inbox(ROOMY)
    loop = asyncio.new_event_loop()
    inbox.enter(loop)
    loop.call_later(0.05, loop.stop)
    loop.run_forever()
    loop.close()
    _put(inbox, "a", "b")
    assert not inbox.is_open
    assert inbox.statistics().pending == 2
    again = Loop()
    queue = inbox.enter(cast("asyncio.AbstractEventLoop", again)).records
    again.turn()
    assert _texts(queue) == ["a", "b"]


def test_a_new_loop_is_not_mistaken_for_the_one_that_has_gone():
    """When another block opens while a thread finds the old loop closed, the new one stays."""
    inbox, second = _inbox(ROOMY), Loop()

    class Gone(Loop):
        def call_soon_threadsafe(self, callback, context=None):
            inbox.enter(cast("asyncio.AbstractEventLoop", second))
            raise RuntimeError("Event loop is closed")

    first = Gone()
    inbox.enter(cast("asyncio.AbstractEventLoop", first))
    first.turn()
    _put(inbox, "a")
    assert inbox.is_open


def test_what_is_not_even_formatted_is_counted():
    """A record that is dropped before it is text is logged and dropped for its reason."""
    inbox = _inbox(ROOMY)
    inbox._ledger.count_unbuffered("empty")
    seen = inbox.statistics()
    assert (seen.logged, seen.pending, seen.dropped) == (1, 0, {"empty": 1})


def test_a_reset_keeps_what_is_closed():
    """A child forked after its parent has left the block drops and counts, as the parent does."""
    inbox, _, _ = _opened()
    inbox.leave(10.0)
    inbox.fork()
    _put(inbox, "a")
    assert inbox.statistics().dropped == {"after_exit": 1}


async def test_what_a_closed_loop_left_behind_is_delivered_or_booked_as_lost():
    """A loop closed inside its block keeps what its worker had; the queue's rest goes on."""
    inbox = _inbox(ROOMY)
    gone = asyncio.new_event_loop()
    queue = inbox.enter(gone).records
    _put(inbox, "taken by the worker")
    inbox.hand_over()
    queue.get_nowait()
    _put(inbox, "in the queue")
    inbox.hand_over()
    gone.close()
    assert not inbox.is_open
    anew = inbox.enter(asyncio.get_running_loop()).records
    inbox.hand_over()
    assert [event[2] for event in anew.get_nowait()] == ["in the queue"]
    seen = inbox.statistics()
    assert (seen.logged, seen.pending, seen.dropped) == (2, 1, {"abandoned": 1})


def test_a_reset_starts_anew():
    """A forked child begins with nothing: no records, no counters, no loop, and room for all."""
    inbox, loop, _ = _opened(800)
    _put(inbox, *"abcdefgh")
    inbox.fork()
    inbox._ledger.reset(threading.RLock())
    assert (inbox.is_open, inbox.is_keeping) == (False, True)
    assert inbox.statistics().logged == 0
    assert inbox.take_overflow() == {}
    _put(inbox, "a")
    assert inbox.statistics().pending == 1
    assert loop.wake_ups == 1


def test_a_stream_above_its_share_loses_first():
    """Once the buffer is short, a stream that holds more than an equal share of it leaves room to others."""
    inbox = _inbox(max_bytes=8_000)
    for number in range(60):
        inbox.put("denied", number, "x", 100, INFO)
    inbox.note_held({"denied": 6_000, "": 0}, 0)
    for number in range(40):
        inbox.put("denied", number, "x", 100, INFO)
    for number in range(5):
        inbox.put("healthy", number, "x", 100, INFO)
    held = {stream: found.count for stream, found in inbox.take_overflow().items()}
    assert set(held) == {"denied"}
    inbox.note_held({"denied": 6_000, "healthy": 500}, 0)
    inbox.put("denied", 0, "x", 100, INFO)
    inbox.put("healthy", 0, "x", 100, INFO)
    assert set(inbox.take_overflow()) == {"denied"}


def test_a_stream_alone_may_fill_the_buffer():
    """A share is one of as many as there are streams: a single stream has all of the room."""
    inbox = _inbox(max_bytes=8_000)
    for number in range(100):
        inbox.put("web", number, "x", 100, INFO)
    assert inbox.statistics().pending_bytes == 7_000
    assert inbox.take_overflow()["web"].count == 30


def test_an_error_is_not_asked_for_its_streams_share():
    """ERROR and above find room wherever there is any."""
    inbox = _inbox(max_bytes=8_000)
    inbox.note_held({"denied": 6_000, "healthy": 0}, 0)
    for _ in range(61):
        inbox.put("healthy", 0, "x", 100, INFO)
    inbox.put("denied", 0, "x", 100, ERROR)
    assert not inbox.take_overflow()


def test_many_streams_are_paid_for_by_the_buffer():
    """What it costs to keep streams apart leaves less room for records, and none when it costs it all."""
    inbox = _inbox(max_bytes=8_000)
    inbox.note_held({}, 6_000)
    _put(inbox, "a", "b")
    assert not inbox.take_overflow()
    inbox.note_held({}, 8_000)
    _put(inbox, "c")
    assert inbox.take_overflow()["web"].count == 1


def test_overflows_of_very_many_streams_are_added_up():
    """However many streams find no room, what is remembered of them is bounded and the count is exact."""
    inbox = _inbox(max_bytes=0)
    for number in range(1_000):
        inbox.put(f"stream-{number}", number, "x", 100, INFO)
    overflow = inbox.take_overflow()
    assert len(overflow) == 65
    assert overflow[""].count == 1_000 - 64
    assert sum(each.count for each in overflow.values()) == 1_000
    assert inbox.statistics().dropped == {"buffer_full": 1_000}
