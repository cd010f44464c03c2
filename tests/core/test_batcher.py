"""Cutting events into batches: whatever comes in, PutLogEvents takes what comes out."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aiowatchtower._core.batcher import Batcher, sliced, spread
from aiowatchtower._core.events import MESSAGE, SIZE_BYTES, STREAM, TIMESTAMP_MS, Batch, LogEvent
from aiowatchtower.testing import CloudWatchLogs

NOW = 1_800_000_000.0
NOW_MS = int(NOW * 1000)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
STREAMS = ("web", "jobs")


def IN_STEP(stream):  # noqa: N802 - a constant
    """Let the points of time of all streams lie at multiples of the age."""
    return 0.0


def _event(message="x", at=0, stream="web", size=None) -> LogEvent:
    return (stream, NOW_MS + at, message, len(message.encode()) + 26 if size is None else size, 0)


def _batcher(**limits) -> Batcher:
    return Batcher(**{"max_age": 5.0, "phase": IN_STEP, **limits})


def _cut_all(batcher: Batcher) -> list[Batch]:
    """Cut and finish whatever waits, in turn over the streams."""
    batches = []
    while streams := batcher.streams():
        for stream in streams:
            batch = batcher.next_batch(stream)
            assert batch is not None
            batches.append(batch)
            batcher.finish(stream)
    return batches


def _counts(batcher: Batcher) -> list[int]:
    return [len(batch.events) for batch in _cut_all(batcher)]


def _chronological(events) -> list[LogEvent]:
    """Sort by time; `sorted` keeps the logging order of equal times."""
    return sorted(events, key=lambda event: event[TIMESTAMP_MS])


def _service() -> CloudWatchLogs:
    cloudwatch = CloudWatchLogs(clock=lambda: NOW)
    cloudwatch.respond("CreateLogGroup", {"logGroupName": "/app"})
    for stream in STREAMS:
        created = cloudwatch.respond(
            "CreateLogStream", {"logGroupName": "/app", "logStreamName": stream}
        )
        assert created.status == 200
    return cloudwatch


def _put(cloudwatch: CloudWatchLogs, batch: Batch) -> None:
    assert {event[STREAM] for event in batch.events} == {batch.stream}
    listed = [{"timestamp": event[1], "message": event[MESSAGE]} for event in batch.events]
    body: dict[str, object] = {"logGroupName": "/app", "logStreamName": batch.stream}
    answer = cloudwatch.respond("PutLogEvents", {**body, "logEvents": listed})
    assert answer.status == 200, answer.error_message
    assert "rejectedLogEventsInfo" not in answer.body


# From eight days ago to now: often equal, often a day apart to the millisecond.
times = st.one_of(
    st.integers(-3, 0),
    st.builds(
        lambda days, off: off - days * DAY_MS, st.integers(0, 8), st.sampled_from([-1, 0, 1])
    ),
    st.integers(-8 * DAY_MS, 0),
).map(lambda at: min(at, 0))
lengths = st.one_of(st.integers(1, 40), st.sampled_from([1_048_550, 524_262, 524_263, 300_000]))
arrivals = st.lists(st.tuples(st.sampled_from(STREAMS), times, lengths), max_size=12)


@settings(max_examples=60)
@given(arrivals, st.integers(1, 12))
def test_the_service_accepts_every_batch_of_any_events(arrived, per_feed):
    """Any events, fed in any portions, arrive all, once, and by time then logging order."""
    events = [
        _event(str(number).ljust(length, "x"), at, stream)
        for number, (stream, at, length) in enumerate(arrived)
    ]
    batcher = _batcher()
    for portion in sliced(events, per_feed):
        batcher.feed(portion, 0.0)
    cloudwatch = _service()
    sent: dict[str, list[LogEvent]] = {stream: [] for stream in STREAMS}
    for batch in _cut_all(batcher):
        _put(cloudwatch, batch)
        sent[batch.stream] += batch.events
    for stream in STREAMS:
        assert sent[stream] == _chronological(e for e in events if e[STREAM] == stream)
    assert cloudwatch.accepted == len(events)
    assert batcher.due_at() is None


def test_10_001_events_are_two_batches():
    """One batch holds 10 000 events, and the next one the one that is left."""
    batcher = _batcher()
    batcher.feed([_event()] * 10_001, 0.0)
    assert _counts(batcher) == [10_000, 1]


@pytest.mark.parametrize(("more", "counts"), [(0, [3]), (1, [2, 1])])
def test_a_batch_is_filled_to_the_last_byte_of_utf_8(more, counts):
    """Events of exactly 1 048 576 bytes, the 26s included, go out at once; one byte more do not."""
    texts = ["é" * 200_000, "x" * 500_000, "y" * (148_576 - 3 * 26 + more)]
    batcher = _batcher()
    batcher.feed([_event(text) for text in texts], 0.0)
    cloudwatch = _service()
    batches = _cut_all(batcher)
    for batch in batches:
        _put(cloudwatch, batch)
    assert [len(batch.events) for batch in batches] == counts
    assert sum(batch.size_bytes for batch in batches) == 1_048_576 + more


@pytest.mark.parametrize(("apart", "counts"), [(DAY_MS, [2]), (DAY_MS + 1, [1, 1])])
def test_a_batch_spans_24_hours_and_no_more(apart, counts):
    """Events 24 hours apart share a batch; a millisecond more separates them."""
    batcher = _batcher()
    batcher.feed([_event(at=-apart), _event()], 0.0)
    assert _counts(batcher) == counts


def test_old_and_new_events_in_turn_are_two_batches():
    """1 000 events that alternate between today and last week take two puts, the oldest first."""
    batcher = _batcher()
    events = [_event(str(n), -7 * DAY_MS * (n % 2)) for n in range(1_000)]
    for event in events:
        batcher.feed([event], 0.0)
    first, second = _cut_all(batcher)
    assert list(first.events) == events[1::2]
    assert list(second.events) == events[0::2]


def test_an_event_above_every_limit_goes_out_alone():
    """One event larger than a batch may be is still handed out: refusing it is not decided here."""
    batcher = _batcher(max_batch_bytes=100)
    batcher.feed([_event("a", size=400), _event("b")], 0.0)
    assert _counts(batcher) == [1, 1]


def test_the_service_limits_are_the_defaults():
    """Without limits given, those of PutLogEvents hold."""
    batcher = Batcher(max_age=5.0, phase=IN_STEP)
    batcher.feed([_event()] * 9_999, 0.0)
    assert not batcher.is_due("web", 0.0)
    batcher.feed([_event()], 0.0)
    assert batcher.is_due("web", 0.0)


DUE = {
    "young": ([_event()], 4.999, False),
    "old enough": ([_event()], 5.0, True),
    "full by count": ([_event()] * 3, 0.0, True),
    "nearly full by count": ([_event()] * 2, 0.0, False),
    "full by size": ([_event(size=100)], 0.0, True),
    "nearly full by size": ([_event(size=99)], 0.0, False),
    "nothing there": ([], 99.0, False),
}


@pytest.mark.parametrize(("events", "now", "due"), DUE.values(), ids=DUE.keys())
def test_a_batch_is_due_when_it_is_full_or_old(events, now, due):
    """A stream's batch is due by count, by size or by age, whichever comes first."""
    batcher = _batcher(max_batch_bytes=100, max_batch_count=3)
    batcher.feed(events, 0.0)
    assert batcher.is_due("web", now) is due


def test_the_event_that_waits_longest_says_when():
    """The next time to look is when the oldest arrival of any free stream comes of age."""
    batcher = _batcher()
    batcher.feed([_event(stream="jobs")], 7.0)
    batcher.feed([_event(stream="web"), _event(stream="jobs")], 1.0)
    assert batcher.due_at() == 5.0
    batcher.next_batch("web")
    assert batcher.due_at() == 10.0
    batcher.next_batch("jobs")
    assert batcher.due_at() is None


def test_the_age_is_that_of_what_is_left():
    """After a cut, the age counts from the arrival of the oldest event that was not in it."""
    batcher = _batcher(max_batch_count=5)
    for now in (0.0, 3.0, 6.0, 9.0):
        batcher.feed([_event(), _event()], now)
    batcher.next_batch("web")
    batcher.finish("web")
    assert batcher.due_at() == 10.0
    batcher.next_batch("web")
    batcher.finish("web")
    assert batcher.due_at() is None


@given(
    st.integers(0, 2**32 - 1).map(lambda number: number / 2**32),
    st.integers(10, 3_600_000).map(lambda ms: ms / 1000),
    st.lists(st.integers(0, 10**9).map(lambda ms: ms / 1000), min_size=1),
)
def test_a_stream_keeps_its_phase(phase, max_age, arrivals):
    """Whenever events come, batches are cut at points ``max_age`` apart, the next one after each arrival."""
    batcher = Batcher(max_age=max_age, phase=lambda _: phase)
    for now in sorted(arrivals):
        batcher.feed([_event()], now)
        due_at = batcher.due_at()
        assert due_at is not None
        assert now - 1e-6 <= due_at <= now + max_age + 1e-6
        steps = (due_at - phase * max_age) / max_age
        assert steps == pytest.approx(round(steps), abs=1e-6)
        assert batcher.due(due_at) == ["web"]
        batcher.next_batch("web")
        batcher.finish("web")


def test_phases_of_streams_and_processes_are_spread():
    """A thousand streams of one process, or one stream of a thousand, fall evenly on the interval."""
    for phases in (
        [spread(7)(f"stream-{number}") for number in range(1_000)],
        [spread(seed)("web") for seed in random.Random(1).sample(range(2**32), 1_000)],
    ):
        tenths = Counter(int(phase * 10) for phase in phases)
        assert len(tenths) == 10
        assert max(tenths.values()) < 150


def test_without_an_age_events_are_due_as_they_come():
    """An age of zero leaves nothing to spread."""
    batcher = Batcher(max_age=0.0, phase=lambda _: 0.5)
    batcher.feed([_event()], 3.0)
    assert batcher.due_at() == 3.0


def test_what_was_put_back_is_due_at_once():
    """Events that were cut before have waited long enough."""
    batcher = Batcher(max_age=5.0, phase=lambda _: 0.5)
    batcher.feed([_event()], 3.0)
    batch = batcher.next_batch("web")
    assert batch is not None
    batcher.restore(batch)
    assert batcher.due(3.0) == ["web"]


def test_one_batch_of_a_stream_is_out_at_a_time():
    """While a batch is out its stream is not due and gives nothing; other streams do."""
    batcher = _batcher(max_batch_count=1)
    batcher.feed([_event("a"), _event("b"), _event("c", stream="jobs")], 0.0)
    assert batcher.next_batch("web") == Batch.of("web", [_event("a")])
    assert batcher.streams() == ["jobs"]
    assert not batcher.is_due("web", 99.0)
    assert batcher.next_batch("web") is None
    batcher.finish("web")
    assert batcher.is_due("web", 0.0)
    assert batcher.next_batch("web") == Batch.of("web", [_event("b")])


def test_an_unknown_stream_gives_nothing():
    """Asking for a batch of a stream without events gives none."""
    assert _batcher().next_batch("web") is None


def test_a_restored_batch_comes_again_at_once_and_in_front():
    """What comes back open is due at once, and goes before what is later."""
    batcher = _batcher(max_batch_count=2)
    batcher.feed([_event("a"), _event("b"), _event("c")], 0.0)
    batch = batcher.next_batch("web")
    assert batch is not None
    batcher.restore(batch)
    assert batcher.is_due("web", 0.0)
    assert [[e[MESSAGE] for e in b.events] for b in _cut_all(batcher)] == [["a", "b"], ["c"]]


def test_a_batch_may_be_restored_in_part():
    """Where some of a batch has met its fate, only the rest comes back."""
    batcher = _batcher()
    batcher.feed([_event("a"), _event("b"), _event("c")], 0.0)
    batch = batcher.next_batch("web")
    assert batch is not None
    batcher.restore(Batch.of("web", batch.events[1:]))
    assert [e[MESSAGE] for e in batcher.drain()] == ["b", "c"]


def test_a_seal_on_nothing_is_met_at_once():
    """Flushing an empty batcher has nothing to wait for."""
    batcher = _batcher()
    assert batcher.is_met(batcher.seal())


def test_a_seal_makes_what_is_there_due_and_nothing_later():
    """What was fed before is due at once; what comes after it waits for its own time."""
    batcher = _batcher()
    batcher.feed([_event("a", size=1_048_550)], 0.0)
    batcher.seal()
    batcher.feed([_event("b", size=200)], 0.0)
    assert batcher.is_due("web", 0.0)
    batcher.next_batch("web")
    batcher.finish("web")
    assert not batcher.is_due("web", 0.0)


def test_a_seal_waits_for_the_batch_that_is_out():
    """A batch that was cut before the seal counts for it, also when nothing else waits."""
    batcher = _batcher()
    batcher.feed([_event()], 0.0)
    batcher.next_batch("web")
    seal = batcher.seal()
    batcher.feed([_event("later")], 0.0)
    assert not batcher.is_met(seal)
    batcher.finish("web")
    assert batcher.is_met(seal)


def test_a_seal_does_not_wait_for_what_came_a_day_later():
    """Sealed events that share no batch with later ones are answered for on their own."""
    batcher = _batcher()
    batcher.feed([_event("old", -2 * DAY_MS)], 0.0)
    seal = batcher.seal()
    batcher.feed([_event("new")], 0.0)
    batcher.next_batch("web")
    batcher.finish("web")
    assert batcher.is_met(seal)


def test_draining_keeps_what_is_out_for_its_seal():
    """What waits is given up, but the seal is met only with the batch that is still out."""
    batcher = _batcher(max_batch_count=1)
    batcher.feed([_event("a"), _event("b")], 0.0)
    batcher.next_batch("web")
    seal = batcher.seal()
    assert [event[MESSAGE] for event in batcher.drain()] == ["b"]
    assert not batcher.is_met(seal)
    batcher.finish("web")
    assert batcher.is_met(seal)


def test_flushing_often_stays_cheap():
    """Sealed portions leave together while one batch holds them."""
    batcher = _batcher(max_batch_bytes=1_000, max_batch_count=4)
    seals = []
    for number in range(6):
        batcher.feed([_event(str(number), -number)], 0.0)
        seals.append(batcher.seal())
    first = batcher.next_batch("web")
    assert first is not None
    assert [event[MESSAGE] for event in first.events] == ["3", "2", "1", "0"]
    batcher.finish("web")
    assert [batcher.is_met(seal) for seal in seals] == [True] * 4 + [False] * 2


def test_a_seal_on_a_batch_that_comes_back_in_part_waits_for_all_that_came_back():
    """Older and younger events were cut as one batch, and only the older ones have met their fate."""
    batcher = Batcher(max_age=5.0, phase=IN_STEP)
    batcher.feed([_event("older")], 0.0)
    seal = batcher.seal()
    batcher.feed([_event("younger")], 0.0)
    batch = batcher.next_batch("web")
    assert batch is not None
    batcher.restore(Batch.of("web", batch.events[1:]))
    assert not batcher.is_met(seal)
    assert batcher.is_due("web", 0.0)
    assert batcher.next_batch("web") == Batch.of("web", batch.events[1:])
    batcher.finish("web")
    assert batcher.is_met(seal)


@given(st.lists(st.integers()), st.integers(1, 7))
def test_slices_are_all_of_it_in_order(items, size):
    """Slices of a sequence are at most that long, not empty, and together the sequence."""
    parts = list(sliced(items, size))
    assert all(1 <= len(part) <= size for part in parts)
    assert [item for part in parts for item in part] == items


class Batching(RuleBasedStateMachine):
    """Feeds, cuts, finishes, restores, seals and drains in any order, against a plain model."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.now = 0.0
        self.open: set[LogEvent] = set()
        self.waiting: dict[str, set[LogEvent]] = {stream: set() for stream in STREAMS}
        self.out: dict[str, Batch] = {}
        self.before: dict[int, frozenset[LogEvent]] = {}
        # Seals on a batch that came back in part: they wait for all of what came back.
        self.patient: set[int] = set()

    @initialize(max_count=st.integers(1, 5), max_bytes=st.integers(60, 200))
    def start(self, max_count, max_bytes):
        self.max_count, self.max_bytes = max_count, max_bytes
        self.batcher = Batcher(
            max_age=5.0, phase=IN_STEP, max_batch_bytes=max_bytes, max_batch_count=max_count
        )

    @rule(
        arrived=st.lists(
            st.tuples(
                st.sampled_from(STREAMS),
                st.sampled_from([-3 * DAY_MS, -DAY_MS - 1, -DAY_MS, -2, -1, 0]),
                st.integers(27, 100),
            ),
            max_size=5,
        )
    )
    def feed(self, arrived):
        events = []
        for stream, at, size in arrived:
            # Numbered, so that the logging order shows.
            events.append(_event(f"{self.number:06d}", at, stream, size))
            self.number += 1
        self.now += 1.0
        self.batcher.feed(events, self.now)
        self.open.update(events)
        for event in events:
            self.waiting[event[STREAM]].add(event)

    @rule(stream=st.sampled_from(STREAMS))
    def cut(self, stream):
        batch = self.batcher.next_batch(stream)
        if not self.waiting[stream] or stream in self.out:
            assert batch is None
            return
        assert batch is not None
        events = list(batch.events)
        assert set(events) <= self.waiting[stream]
        assert len(set(events)) == len(events)
        assert events == sorted(events, key=lambda event: (event[TIMESTAMP_MS], event[MESSAGE]))
        assert 1 <= len(events) <= self.max_count
        assert len(events) == 1 or batch.size_bytes <= self.max_bytes
        assert events[-1][TIMESTAMP_MS] - events[0][TIMESTAMP_MS] <= DAY_MS
        self.waiting[stream] -= set(events)
        self.out[stream] = batch

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def finish(self, data):
        stream = data.draw(st.sampled_from(sorted(self.out)))
        self.batcher.finish(stream)
        self.open.difference_update(self.out.pop(stream).events)

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def restore(self, data):
        stream = data.draw(st.sampled_from(sorted(self.out)))
        events = self.out.pop(stream).events
        done = data.draw(st.integers(0, len(events) - 1))
        self.batcher.restore(Batch.of(stream, events[done:]))
        self.open.difference_update(events[:done])
        self.waiting[stream].update(events[done:])
        if done:
            self.patient |= {seal for seal, before in self.before.items() if before & set(events)}

    @rule()
    def seal(self):
        self.before[self.batcher.seal()] = frozenset(self.open)

    @rule()
    def drain(self):
        given_up = list(self.batcher.drain())
        waiting = set().union(*self.waiting.values())
        assert set(given_up) == waiting
        assert len(given_up) == len(waiting)
        self.open -= waiting
        self.waiting = {stream: set() for stream in STREAMS}

    @invariant()
    def a_seal_is_met_exactly_when_all_before_it_have_met_their_fate(self):
        for seal, events in self.before.items():
            is_met = self.batcher.is_met(seal)
            if seal in self.patient and self.open:
                assert not is_met or events.isdisjoint(self.open)
            else:
                assert is_met == events.isdisjoint(self.open)

    @invariant()
    def a_stream_is_due_when_it_is_full_or_old_or_waited_for(self):
        for stream, events in self.waiting.items():
            free = bool(events) and stream not in self.out
            assert (stream in self.batcher.streams()) == free
            assert self.batcher.is_due(stream, self.now + 5.0) == free
            full = sum(e[SIZE_BYTES] for e in events) >= self.max_bytes
            if free and (full or len(events) >= self.max_count):
                assert self.batcher.is_due(stream, 0.0)

    @invariant()
    def what_is_waited_for_is_due_at_once(self):
        for events in self.before.values():
            for stream in self.batcher.streams():
                if not events.isdisjoint(self.waiting[stream]):
                    assert self.batcher.is_due(stream, 0.0)

    def teardown(self):
        for stream in list(self.out):
            self.batcher.finish(stream)
            self.open.difference_update(self.out.pop(stream).events)
        left = [event for batch in _cut_all(self.batcher) for event in batch.events]
        assert set(left) == self.open
        assert len(left) == len(self.open)
        assert all(self.batcher.is_met(seal) for seal in self.before)


TestBatching = Batching.TestCase
TestBatching.settings = settings(max_examples=150, stateful_step_count=30)


def test_records_from_long_ago_do_not_hold_up_those_of_today():
    """What has waited its time is due, however many older records come and go meanwhile."""
    batcher = Batcher(max_age=1.0, phase=IN_STEP)
    day_ms = 24 * 3_600_000
    batcher.feed([("web", 10 * day_ms, "today", 31, 0)], 0.0)
    cut = []
    for number in range(5):
        now = 0.3 * (number + 1)
        batcher.feed([("web", 7 * day_ms + number, "long ago", 34, 0)], now)
        while batcher.is_due("web", now):
            batch = batcher.next_batch("web")
            assert batch is not None
            cut += [message for _, _, message, *_ in batch.events]
            batcher.finish("web")
    assert "today" in cut


def _shipped(batcher: Batcher, stream: str) -> None:
    batcher.feed([_event(stream=stream)], 0.0)
    assert batcher.next_batch(stream)
    batcher.finish(stream)


def test_streams_that_exist_come_before_those_to_be_created():
    """However many new streams are due, one that was delivered to before is the first, and new ones are limited."""
    batcher = _batcher()
    _shipped(batcher, "web")
    for number in range(1_000):
        batcher.feed([_event(stream=f"new-{number}")], 0.0)
    batcher.feed([_event()], 0.0)
    due = batcher.due(5.0, 10, 3)
    assert due[0] == "web"
    assert len(due) == 4
    assert batcher.is_known("web")
    assert not batcher.is_known("new-0")
    assert batcher.is_due("new-999", 5.0)


def test_known_names_are_bounded():
    """Ten thousand names are remembered: those delivered to last."""
    batcher = _batcher()
    for number in range(10_001):
        _shipped(batcher, f"stream-{number}")
    assert not batcher.is_known("stream-0")
    assert batcher.is_known("stream-1")
    assert batcher.is_known("stream-10000")


def test_in_a_hurry_everything_is_due():
    """When the block is being left, whatever waits is due, and so is what comes later or comes back."""
    batcher = _batcher()
    batcher.feed([_event()], 0.0)
    batcher.hurry()
    batcher.feed([_event(stream="jobs")], 0.0)
    assert set(batcher.due(0.0)) == {"web", "jobs"}
    batch = batcher.next_batch("web")
    assert batch is not None
    batcher.restore(batch)
    assert "web" in batcher.due(0.0)


def test_what_a_stream_holds_counts_until_it_is_answered_for():
    """Bytes of a batch that is out belong to its stream, until it is finished."""
    batcher = _batcher(max_batch_count=1)
    batcher.feed([_event(size=100), _event(size=50), _event(size=7, stream="jobs")], 0.0)
    assert batcher.held(0.0) == {"web": 150, "jobs": 7}
    batcher.next_batch("web")
    assert batcher.held(0.0) == {"web": 150, "jobs": 7}
    batcher.finish("web")
    assert batcher.held(0.0) == {"web": 50, "jobs": 7}
    batcher.next_batch("web")
    batcher.finish("web")
    assert batcher.held(0.0) == {"jobs": 7, "": 0}


def test_room_is_kept_for_streams_that_have_logged_lately():
    """A known stream without events counts for ten minutes; then the others may have all of the room."""
    batcher = _batcher(max_batch_count=1)
    batcher.feed([_event(stream="yesterday")], 100.0)
    batcher.next_batch("yesterday")
    batcher.finish("yesterday")
    batcher.feed([_event(size=7, stream="today")], 500.0)
    assert batcher.held(699.0) == {"today": 7, "": 0}
    assert batcher.held(700.0) == {"today": 7}
