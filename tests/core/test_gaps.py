"""The marker in a stream from which records are missing."""

from __future__ import annotations

import pytest

from aiowatchtower._core.events import Batch
from aiowatchtower._core.gaps import Gaps, Overflow

NOON_MS = 1_795_348_800_000  # 2026-11-22T12:00:00Z
NOW_MS = NOON_MS + 60_000


def _lost(count, first=0, last=0, stream="web"):
    overflow = Overflow(NOON_MS + first)
    for number in range(count):
        overflow.add(NOON_MS + (last if number else first), 30)
    overflow.last_ms = max(overflow.last_ms, NOON_MS + last)
    return stream, overflow


def test_without_a_loss_there_is_nothing_to_mark():
    """A stream that has lost nothing has no gap."""
    assert Gaps().streams(now=True) == set()


def test_a_marker_says_how_many_are_missing_and_when():
    """The stream's readers are told the number of records and the time they span, in UTC."""
    gaps = Gaps()
    gaps.add(*_lost(3, 0, 1_500))
    marker = gaps.marker("web", NOW_MS)
    text = (
        "aiowatchtower: 3 records dropped (buffer full) between "
        "2026-11-22T12:00:00.000Z and 2026-11-22T12:00:01.500Z"
    )
    assert marker == Batch.of(
        "web", [("web", NOON_MS + 1_500, text, len(text) + 26, 0)], counted=False
    )
    assert gaps.streams(now=True) == set()


def test_losses_of_one_gap_are_told_together():
    """What was lost bit by bit is one gap, from its oldest to its newest record."""
    gaps = Gaps()
    for lost in (_lost(1, 5, 9), _lost(2, 1, 3), _lost(4, 7, 20)):
        gaps.add(*lost)
    (event,) = gaps.marker("web", NOW_MS).events
    assert event[1] == NOON_MS + 20
    assert event[2].startswith("aiowatchtower: 7 records dropped")
    assert "12:00:00.001Z and 2026-11-22T12:00:00.020Z" in event[2]


@pytest.mark.parametrize(
    "last",
    [10**18, -(10**18), 3 * 3_600_000, -20 * 86_400_000],
    ids=["year 10^8", "before 1970", "ahead", "old"],
)
def test_a_marker_has_a_time_that_aws_takes(last):
    """Also where the records that it is for had none, or one that no calendar knows."""
    gaps = Gaps()
    gaps.add(*_lost(1, last, last))
    (event,) = gaps.marker("web", NOW_MS).events
    assert event[1] == NOW_MS
    assert event[2].startswith("aiowatchtower: 1 records dropped (buffer full) between ")
    if abs(last) == 10**18:
        assert event[2].endswith(f" {NOON_MS + last} ms")


def test_a_gap_is_marked_only_when_it_is_over():
    """Until it is time there is no stream to mark."""
    gaps = Gaps()
    gaps.add(*_lost(1))
    gaps.add(*_lost(1, stream="jobs"))
    assert gaps.streams(now=False) == set()
    assert gaps.streams(now=True) == {"web", "jobs"}


def test_a_marker_that_came_back_is_sent_again_as_it_was():
    """A marker that could not be delivered comes first; what was lost meanwhile is the next gap."""
    gaps = Gaps()
    gaps.add(*_lost(1))
    marker = gaps.marker("web", NOW_MS)
    gaps.add(*_lost(2))
    gaps.restore(marker)
    assert gaps.streams(now=True) == {"web"}
    assert gaps.marker("web", NOW_MS) is marker
    assert "2 records" in gaps.marker("web", NOW_MS).events[0][2]
    assert gaps.streams(now=True) == set()


def test_losses_of_very_many_streams_share_a_marker():
    """Sixty-four streams are marked; the losses of others are told in one of these, and none is left out."""
    gaps = Gaps()
    for number in range(1_000):
        gaps.add(*_lost(2, stream=f"stream-{number}"))
    gaps.add(*_lost(5, stream=""))
    streams = gaps.streams(now=True)
    assert len(streams) == 64
    texts = [gaps.marker(stream, NOW_MS).events[0][2] for stream in streams]
    counts = [int(text.split()[1]) for text in texts]
    assert sum(counts) == 2_005
