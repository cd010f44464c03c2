"""The common pace of a process's requests while its account is throttled."""

from __future__ import annotations

import pytest

from aiowatchtower._core.pace import Pace


def test_nothing_waits_while_nothing_is_throttled():
    """Without a throttled request any number may be sent at once."""
    pace = Pace()
    for _ in range(1_000):
        assert pace.rest("other", 1.0) == 0
        pace.sent("web", 1.0)


def test_a_throttled_request_keeps_the_next_ones_apart():
    """After one throttled answer requests are a tenth of a second apart, after another one a fifth."""
    pace = Pace()
    pace.throttled(1.0, 1.5)
    assert pace.rest("other", 1.5) == pytest.approx(0.1)
    pace.sent("web", 1.6)
    assert pace.rest("other", 1.6) == pytest.approx(0.1)
    pace.throttled(1.6, 1.7)
    assert pace.rest("other", 1.7) == pytest.approx(0.2)


def test_requests_that_were_under_way_together_slow_it_once():
    """Four answers to requests of the same moment double the distance once."""
    pace = Pace()
    for _ in range(4):
        pace.throttled(1.0, 1.5)
    assert pace.rest("other", 1.5) == pytest.approx(0.1)


def test_requests_are_never_further_apart_than_five_seconds():
    """However often an account throttles, a process asks every five seconds."""
    pace = Pace()
    for now in range(100):
        pace.throttled(float(now), float(now))
    assert pace.rest("other", 99.0) == 5.0


@pytest.mark.parametrize("throttled", [1, 3, 20])
def test_accepted_requests_bring_back_the_full_speed(throttled):
    """Some thirty accepted requests undo any number of throttled ones."""
    pace = Pace()
    for now in range(throttled):
        pace.throttled(float(now), float(now))
    for _ in range(30):
        pace.accepted()
    pace.sent("web", 1_000.0)
    assert pace.rest("other", 1_000.0) == 0


def test_a_quota_that_is_known_is_kept_from_the_start():
    """Requests with a least distance keep it, before and after being throttled."""
    pace = Pace(least_seconds=0.025)
    pace.sent("web", 1.0)
    assert pace.rest("other", 1.0) == pytest.approx(0.025)
    pace.throttled(1.0, 2.0)
    for _ in range(30):
        pace.accepted()
    pace.sent("web", 9.0)
    assert pace.rest("other", 9.0) == pytest.approx(0.025)


def test_a_stream_alone_keeps_its_distance_by_its_back_off():
    """The stream that has sent the last request may send the next one; only others wait for it."""
    pace = Pace()
    pace.sent("web", 1.0)
    pace.throttled(1.0, 1.5)
    assert pace.rest("web", 1.5) == 0
    assert pace.rest("jobs", 1.5) == pytest.approx(0.1)


def test_a_stream_alone_keeps_the_least_distance():
    """A distance that is known from the start holds for each request."""
    pace = Pace(least_seconds=0.025)
    pace.sent("web", 1.0)
    assert pace.rest("web", 1.0) == pytest.approx(0.025)
