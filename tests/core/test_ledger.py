"""One fate per record: the counters behind `statistics()`."""

from __future__ import annotations

import dataclasses
import json
from contextlib import nullcontext
from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiowatchtower import DeliveryError, Statistics
from aiowatchtower._core.events import Batch, Receipt
from aiowatchtower._core.ledger import Ledger
from aiowatchtower.types import DropReason, RejectReason

EARLY = datetime(2026, 11, 22, tzinfo=timezone.utc)
LATE = EARLY + timedelta(hours=1)
ERROR = DeliveryError("PutLogEvents", "Timeout", "no answer")
OTHER_ERROR = DeliveryError("PutLogEvents", "ThrottlingException", "Rate exceeded")


def _batch(count, size=30, **about):
    return Batch.of("web", [("web", 0, "x" * (size - 26), size, 0)] * count, **about)


def _is_balanced(seen: Statistics) -> bool:
    fates = seen.delivered + sum(seen.rejected.values()) + sum(seen.dropped.values())
    return seen.logged == fates + seen.pending


def _logged(ledger, count, size=30):
    ledger.count_in(count, count * size)


def test_a_new_ledger_is_empty():
    """Before anything is logged, every counter is zero and nothing is remembered."""
    assert Ledger(nullcontext()).snapshot() == Statistics()


def test_a_receipt_gives_every_record_of_its_batch_a_fate():
    """Delivered, rejected and dropped are booked, and the batch's bytes are free again."""
    ledger = Ledger(nullcontext())
    _logged(ledger, 10)
    ledger.settle(
        Receipt(
            _batch(7),
            rejected={"too_old": 2},
            dropped={"refused": 1},
            wire_bytes=99,
            possible_duplicates=5,
            accepted_at=EARLY,
        )
    )
    assert ledger.snapshot() == Statistics(
        logged=10,
        delivered=4,
        rejected={"too_old": 2},
        dropped={"refused": 1},
        pending=3,
        pending_bytes=90,
        batches=1,
        wire_bytes=99,
        possible_duplicates=5,
        last_delivery=EARLY,
    )


def test_a_marker_is_no_record():
    """What this library wrote itself costs tries and bytes, and is delivered by nobody's count."""
    ledger = Ledger(nullcontext())
    ledger.settle(Receipt(_batch(1, counted=False), wire_bytes=9, accepted_at=EARLY))
    assert ledger.snapshot() == Statistics(batches=1, wire_bytes=9)


def test_a_retry_counts_when_it_is_made():
    """Tries beyond the first, and what they may double, are seen before the batch has its receipt."""
    ledger = Ledger(nullcontext())
    _logged(ledger, 4)
    ledger.note_retry(4)
    ledger.note_retry(0)
    seen = ledger.snapshot()
    assert (seen.retries, seen.possible_duplicates, seen.pending) == (2, 4, 4)


def test_the_last_delivery_is_kept_when_a_batch_is_given_up():
    """A batch that AWS never took leaves the time of the last delivery alone."""
    ledger = Ledger(nullcontext())
    _logged(ledger, 2)
    ledger.settle(Receipt(_batch(1), accepted_at=EARLY))
    ledger.settle(Receipt(_batch(1), dropped={"shutdown": 1}))
    assert ledger.snapshot().last_delivery == EARLY


def test_the_latest_failure_is_remembered():
    """The last error stays, also after it has been overcome."""
    ledger = Ledger(nullcontext())
    _logged(ledger, 1)
    ledger.note_error(ERROR)
    ledger.note_error(OTHER_ERROR)
    ledger.settle(Receipt(_batch(1)))
    assert vars(ledger.snapshot().last_error) == vars(OTHER_ERROR)


def test_a_snapshot_is_frozen():
    """What was handed out neither changes later nor can be changed."""
    ledger = Ledger(nullcontext())
    _logged(ledger, 1)
    ledger.drop("shutdown", 1, 30)
    seen = ledger.snapshot()
    _logged(ledger, 1)
    ledger.drop("shutdown", 1, 30)
    assert (seen.logged, seen.dropped["shutdown"]) == (1, 1)
    with pytest.raises(FrozenInstanceError):
        seen.logged = 5  # type: ignore[misc]
    seen.dropped["shutdown"] = 0  # type: ignore[index]
    assert ledger.snapshot().dropped["shutdown"] == 2


def test_several_handlers_add_up():
    """Counters are summed, reasons merged, and the latest delivery and a failure are kept."""
    one = Statistics(3, 1, {"too_old": 1}, {"empty": 1}, 0, 0, 1, 2, 3, 4, ERROR, LATE)
    two = Statistics(5, 1, {"too_old": 2}, {"shutdown": 1}, 1, 30, 1, 1, 1, 1, None, EARLY)
    total = Statistics.total([one, two, Statistics()])
    assert total == Statistics(
        8, 2, {"too_old": 3}, {"empty": 1, "shutdown": 1}, 1, 30, 2, 3, 4, 5, ERROR, LATE
    )
    assert _is_balanced(total)


def test_a_snapshot_as_plain_json_types():
    """Everything can be written as JSON, under the names that the attributes have."""
    seen = Statistics(3, 1, {"too_old": 1}, {"empty": 1}, last_error=ERROR, last_delivery=LATE)
    plain = json.loads(json.dumps(seen.as_dict()))
    assert list(plain) == [each.name for each in dataclasses.fields(Statistics)]
    assert plain["dropped"] == {"empty": 1}
    assert plain["last_error"] == str(ERROR)
    assert plain["last_delivery"] == LATE.isoformat()
    assert Statistics().as_dict()["last_error"] is None


def test_no_handler_adds_up_to_nothing():
    """Without a handler there is nothing to count."""
    assert Statistics.total([]) == Statistics()


steps = st.one_of(
    st.tuples(st.just("log"), st.integers(0, 9)),
    st.tuples(st.sampled_from(["deliver", "reject", "refuse", "drop"]), st.integers(0, 9)),
)


@given(st.lists(steps, max_size=40))
def test_every_record_has_exactly_one_fate(schedule):
    """After any schedule the equation holds, and the bytes are those of the pending records."""
    ledger = Ledger(nullcontext())
    for step, wanted in schedule:
        count = min(wanted, ledger.pending)
        if step == "log":
            _logged(ledger, wanted)
        elif step == "drop":
            ledger.drop("shutdown", count, count * 30)
        else:
            rejected: dict[RejectReason, int] = {}
            dropped: dict[DropReason, int] = {}
            if step == "reject":
                rejected["too_old"] = count // 2
            elif step == "refuse":
                dropped["refused"] = count
            ledger.settle(Receipt(_batch(count), rejected=rejected, dropped=dropped))
        seen = ledger.snapshot()
        assert _is_balanced(seen)
        assert seen.pending_bytes == seen.pending * 30
