"""One batch on its way: parts, fates and what is known of doubtful answers."""

from __future__ import annotations

import math
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.events import Answer, Batch
from aiowatchtower._core.progress import Progress, Try, shortened

AT = datetime(2026, 11, 22, tzinfo=timezone.utc)
REFUSAL = DeliveryError("PutLogEvents", "InvalidParameterException", "no")


def _events(count):
    return [("web", number, str(number), 27) for number in range(count)]


def _progress(count, **about):
    return Progress(Batch.of("web", _events(count), **about))


def _accept(progress, answer=None) -> Try:
    found = progress.trying()
    progress.accepted(answer or Answer(wire_bytes=10), AT)
    return found


def test_a_batch_that_aws_takes_is_delivered_at_once():
    """One try, one acceptance: all delivered, and nothing else to tell."""
    progress = _progress(3)
    assert progress.part is progress.batch.events
    _accept(progress)
    assert not progress.is_open
    receipt = progress.receipt()
    assert (receipt.delivered, receipt.wire_bytes) == (3, 10)
    assert (receipt.accepted_at, receipt.possible_duplicates, receipt.lost) == (AT, 0, [])
    assert receipt.batch == progress.batch


# Ten events; the answer's indexes; the numbers of those too old, expired, too new.
INDEXES = {
    "none": (Answer(0), [], [], []),
    "too old": (Answer(0, too_old_end=2), [0, 1], [], []),
    "expired": (Answer(0, expired_end=3), [], [0, 1, 2], []),
    "too old, then expired": (Answer(0, too_old_end=2, expired_end=3), [0, 1], [2], []),
    "expired ends before": (Answer(0, too_old_end=3, expired_end=2), [0, 1, 2], [], []),
    "too new": (Answer(0, too_new_start=8), [], [], [8, 9]),
    "all too new": (Answer(0, too_new_start=0), [], [], list(range(10))),
    "all three": (Answer(0, 2, 4, 9), [0, 1], [2, 3], [9]),
    "indexes past the end": (Answer(0, 99, 99, 99), list(range(10)), [], []),
    "the ranges overlap": (Answer(0, 5, 8, 3), [0, 1, 2, 3, 4], [5, 6, 7], [8, 9]),
}


@pytest.mark.parametrize(("answer", "old", "expired", "new"), INDEXES.values(), ids=INDEXES.keys())
def test_exactly_the_events_that_aws_left_out_are_rejected(answer, old, expired, new):
    """Indexes in an answer give each event one reason or none, and the rest is delivered."""
    progress = _progress(10)
    _accept(progress, answer)
    receipt = progress.receipt()
    named = {"too_old": old, "expired": expired, "too_new": new}
    assert {lost.reason: [int(text) for text in lost.messages] for lost in receipt.lost} == {
        reason: numbers for reason, numbers in named.items() if numbers
    }
    assert receipt.rejected == {reason: len(found) for reason, found in named.items() if found}
    assert receipt.delivered == 10 - len(old) - len(expired) - len(new)


@pytest.mark.parametrize("bad", [0, 1, 4_999, 5_000, 9_999])
def test_one_bad_event_is_found_by_halving(bad):
    """One event that AWS refuses costs itself, and about two tries for each halving."""
    progress = _progress(10_000)
    taken, tries = [], 0
    while progress.is_open:
        assert progress.trying() == Try(is_retry=tries > 0, possible_duplicates=0)
        tries += 1
        part = list(progress.part)
        if ("web", bad, str(bad), 27) in part:
            assert progress.refused(REFUSAL) is (len(part) == 1)
        else:
            taken += part
            progress.accepted(Answer(1), AT)
    assert tries <= 2 * math.ceil(math.log2(10_000)) + 1
    receipt = progress.receipt()
    assert taken == [event for event in _events(10_000) if event[1] != bad]
    assert (receipt.delivered, receipt.dropped) == (9_999, {"refused": 1})
    assert [(lost.messages, lost.error) for lost in receipt.lost] == [([str(bad)], REFUSAL)]


def test_what_aws_has_already_is_delivered():
    """A batch that AWS says it has is delivered, though no acceptance was seen."""
    progress = _progress(2)
    progress.trying()
    progress.known()
    assert (progress.is_open, progress.receipt().delivered) == (False, 2)
    assert progress.receipt().accepted_at is None


def test_a_lost_answer_makes_the_next_try_a_possible_duplicate():
    """Records sent again after a lost answer are counted; after a clear refusal they are not."""
    progress = _progress(4)
    assert progress.trying() == Try(is_retry=False, possible_duplicates=0)
    progress.failed(maybe_accepted=True)
    assert progress.trying() == Try(is_retry=True, possible_duplicates=4)
    progress.failed(maybe_accepted=False)
    assert progress.trying() == Try(is_retry=True, possible_duplicates=0)
    progress.failed(maybe_accepted=False)
    assert _accept(progress) == Try(is_retry=True, possible_duplicates=0)


def test_both_halves_of_a_batch_without_an_answer_may_be_twice():
    """A batch that is halved because its put had no answer is in doubt as a whole."""
    progress = _progress(5)
    progress.trying()
    progress.failed(maybe_accepted=True)
    assert progress.halve()
    assert _accept(progress).possible_duplicates == 2
    assert progress.receipt().possible_duplicates == 3
    assert _accept(progress).possible_duplicates == 3
    assert progress.receipt().possible_duplicates == 0


def test_a_single_event_cannot_be_halved():
    """An event alone stays as it is, and open."""
    progress = _progress(1)
    assert not progress.halve()
    assert progress.is_open


def test_a_put_that_finds_no_stream_is_not_tried_again():
    """Every new stream begins with a put that does not find it: the next one is no retry."""
    progress = _progress(1)
    progress.trying()
    progress.found_missing()
    assert progress.trying() == Try(is_retry=False, possible_duplicates=0)


def test_a_put_that_finds_no_stream_after_a_failure_is_counted_once():
    """Throttled twice, then no stream, then accepted: that is two retries."""
    progress = _progress(1)
    retries = [progress.trying().is_retry for _ in range(3)]
    progress.found_missing()
    retries.append(progress.trying().is_retry)
    assert retries == [False, True, True, False]


def test_only_what_is_sent_again_may_be_twice():
    """After a lost answer, the other half of the batch is in no doubt."""
    progress = _progress(4)
    progress.refused(REFUSAL)
    progress.trying()
    progress.failed(maybe_accepted=True)
    assert _accept(progress).possible_duplicates == 2
    assert _accept(progress).possible_duplicates == 0


def test_a_lost_answer_without_another_try_duplicates_nothing():
    """What was never sent again is in the stream once at most."""
    progress = _progress(4)
    progress.trying()
    progress.failed(maybe_accepted=True)
    progress.give_up("shutdown")
    assert progress.receipt().possible_duplicates == 0


def test_what_is_given_up_is_what_had_no_fate():
    """Giving up half-way drops the open events with their reason and keeps the others' fates."""
    progress = _progress(4)
    progress.refused(REFUSAL)
    _accept(progress)
    progress.give_up("shutdown", REFUSAL)
    receipt = progress.receipt()
    assert (receipt.delivered, receipt.dropped) == (2, {"shutdown": 2})
    assert [(lost.messages, lost.error) for lost in receipt.lost] == [(["2", "3"], REFUSAL)]


def test_a_receipt_half_way_is_that_of_what_is_decided():
    """Of a progress that is interrupted, decided events are booked and open ones handed back."""
    progress = _progress(4)
    progress.refused(REFUSAL)
    _accept(progress)
    assert [event[1] for event in progress.receipt().batch.events] == [0, 1]
    assert [event[1] for event in progress.open_events] == [2, 3]
    assert progress.receipt().delivered == 2


def test_a_marker_stays_one():
    """A batch that counts as no record has a receipt that counts as none."""
    progress = _progress(1, counted=False)
    assert not progress.receipt().batch.counted
    _accept(progress)
    assert not progress.receipt().batch.counted


outcomes = st.one_of(
    st.just("refuse"),
    st.just("known"),
    st.builds(lambda lost: ("fail", lost), st.booleans()),
    st.builds(
        Answer, st.just(1), st.integers(0, 9), st.integers(0, 9), st.none() | st.integers(0, 9)
    ),
)


@given(st.integers(1, 12), st.lists(outcomes, max_size=30))
def test_every_event_has_one_fate_or_is_open(count, schedule):
    """After any answers the decided and the open events are the batch, each of them once."""
    progress = _progress(count)
    for outcome in schedule:
        if not progress.is_open:
            break
        progress.trying()
        if isinstance(outcome, Answer):
            progress.accepted(outcome, AT)
        elif outcome == "refuse":
            progress.refused(REFUSAL)
        elif outcome == "known":
            progress.known()
        else:
            progress.failed(maybe_accepted=outcome[1])
        receipt = progress.receipt()
        assert [*receipt.batch.events, *progress.open_events] == _events(count)
        assert receipt.delivered >= 0
        named = [event for lost in receipt.lost for event in lost.messages]
        assert len(set(named)) == len(named) == len(receipt.batch.events) - receipt.delivered
    progress.give_up("shutdown")
    assert progress.receipt().batch.events == _events(count)


def test_events_within_a_learned_limit_stay_as_they_are():
    """Where nothing is above the limit, the same events go out."""
    events = _events(3)
    assert shortened(events, 27) is events


def test_events_above_a_learned_limit_are_cut():
    """Only what is above the limit is cut, marked, and counted anew in UTF-8 bytes."""
    events = [("web", 1, "short", 31, 5), ("web", 2, "é" * 500, 1_026, 6)]
    first, second = shortened(events, 256)
    assert first is events[0]
    assert second[3] == len(second[2].encode()) + 26 <= 256
    assert second[4] == 6, "the spool still knows it"
    assert "[aiowatchtower: cut " in second[2]
    assert second[2].endswith(" of 1000 bytes]")
