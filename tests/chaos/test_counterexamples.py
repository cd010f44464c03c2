"""Schedules that once broke the law, as `run.py` and hypothesis have found them, made short."""

from __future__ import annotations

import asyncio

import pytest
from tests.chaos.drive import run_one
from tests.chaos.schedules import (
    Break,
    CancelWorker,
    Deny,
    Flush,
    GoDown,
    Log,
    Pause,
    Schedule,
    Turn,
)

BOTH = pytest.mark.parametrize("over_socket", [False, True], ids=["memory", "socket"])


def _outcome(*steps, **options):
    outcome = asyncio.run(run_one(Schedule(steps=steps, **options)))
    assert not outcome.violations, outcome.violations
    return outcome.statistics


@BOTH
def test_an_overflow_that_nobody_had_time_for_is_told(over_socket):
    """A buffer that overflows when the worker has no time left to look: on_drop is told of that loss too."""
    seen = _outcome(
        CancelWorker(),
        Log(300, size=2_000, in_thread=True),
        max_buffer_size=40_000,
        shutdown_timeout=0.0,
        over_socket=over_socket,
    )
    assert seen.dropped["buffer_full"] > 0


@BOTH
def test_a_put_cut_short_by_a_cancelled_worker_is_in_doubt(over_socket):
    """Cancelling the library's task while AWS has the records, unanswered: sent again, counted as possibly twice."""
    seen = _outcome(
        Break("hang after accepting"),
        Log(3),
        Pause(0.2),
        CancelWorker(),
        Turn(3),
        Flush(2.0),
        is_warm=True,
        over_socket=over_socket,
    )
    assert (seen.delivered, seen.possible_duplicates) == (3, 3)


@BOTH
@pytest.mark.parametrize(
    "kind",
    [
        "cut after accepting",
        "html 200 after accepting",
        "html 502 after accepting",
        "truncated 200 after accepting",
    ],
)
def test_a_lost_answer_leaves_doubt(over_socket, kind):
    """No answer, or a gateway's page, after the records were taken: sent again, counted as possibly twice."""
    seen = _outcome(Break(kind), Log(3), Flush(2.0), is_warm=True, over_socket=over_socket)
    assert (seen.delivered, seen.possible_duplicates) == (3, 3)


@BOTH
@pytest.mark.parametrize("shutdown_timeout", [0.0, 0.2])
def test_a_second_cancellation_leaves_nothing_pending(over_socket, shutdown_timeout):
    """Cancelled again while the block waits for a denied stream: out at once, the rest is dropped and counted."""
    seen = _outcome(
        Deny(("PutLogEvents",)),
        Log(50),
        Pause(0.03),
        end="cancel twice",
        shutdown_timeout=shutdown_timeout,
        over_socket=over_socket,
    )
    assert seen.dropped == {"shutdown": 50}


@BOTH
def test_a_cancelled_worker_and_two_cancellations_leave_nothing_pending(over_socket):
    """The library's task is cancelled just before a block that is cancelled twice: the rest is counted all the same."""
    seen = _outcome(
        Log(1),
        Flush(2.0),
        CancelWorker(),
        Log(50),
        end="cancel twice",
        shutdown_timeout=0.0,
        is_warm=True,
        over_socket=over_socket,
    )
    assert seen.delivered + seen.dropped.get("shutdown", 0) == 51


def test_a_worker_cancelled_while_it_waits_to_try_again_does_so():
    """Cancelled together with the lane of a stream that is not known yet, the worker ends, starts anew and delivers."""
    seen = _outcome(
        Log(1, stream="b"),
        Flush(0.1),
        CancelWorker(),
        Log(1, stream="a", age=-3 * 3600.0),
        Flush(0.02),
        is_calm=True,
        send_interval=0.0,
        shutdown_timeout=1.5,
        eventual_consistency=2,
    )
    assert (seen.delivered, seen.rejected) == (1, {"too_new": 1})


@BOTH
def test_a_worker_cancelled_just_before_the_end_delivers_all_the_same(over_socket):
    """Cancelled when the block is about to be left, long before its batch is due: the batch goes out at once."""
    seen = _outcome(
        Log(8),
        Pause(0.05),
        CancelWorker(),
        is_calm=True,
        send_interval=3600.0,
        shutdown_timeout=2.0,
        over_socket=over_socket,
    )
    assert seen.delivered == 8


def test_a_dead_endpoint_at_exit_is_given_up_in_time():
    """Nobody listens when the block is left: out within the timeout, everything is counted as dropped."""
    seen = _outcome(GoDown(), Log(50), Turn(5), shutdown_timeout=0.2, over_socket=True)
    assert seen.dropped == {"shutdown": 50}
