"""What the library says about itself: the first of a kind at once, and never too much."""

from __future__ import annotations

import logging
import threading

from aiowatchtower._diagnostics.rate_limit import Diagnostics


def test_the_first_of_a_kind_is_said_at_once(clock, said, caplog):
    """Each kind of trouble is warned of when it comes."""
    diagnostics = Diagnostics(clock)
    diagnostics.warn("delivery", "no answer")
    diagnostics.warn("entity", "no such type")
    assert said() == ["no answer", "no such type"]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_the_same_trouble_is_said_once_a_minute_with_a_count(clock, said):
    """Within a minute repetitions are counted; after it, the next one says how many there were."""
    diagnostics = Diagnostics(clock)
    for _ in range(4):
        diagnostics.warn("delivery", "no answer")
        clock.now += 19.9
    assert said() == ["no answer"]
    diagnostics.warn("delivery", "still no answer")
    assert said()[1:] == ["still no answer (3 more since the last warning)"]
    clock.now += 60
    diagnostics.warn("delivery", "and again")
    assert said()[2:] == ["and again"]


def test_recovery_is_said_once(clock, said, caplog):
    """What was warned of is said to be over, once, and is no warning."""
    diagnostics = Diagnostics(clock)
    diagnostics.warn("delivery", "no answer")
    diagnostics.recovered("delivery", "works again")
    diagnostics.recovered("delivery", "works again")
    assert said() == ["no answer", "works again"]
    assert caplog.records[-1].levelno == logging.INFO


def test_nothing_recovers_that_was_not_said(clock, said):
    """Without a warning there is no news of its end; nor after one that was held back."""
    diagnostics = Diagnostics(clock)
    diagnostics.recovered("delivery", "works again")
    assert said() == []
    diagnostics.warn("delivery", "no answer")
    diagnostics.recovered("delivery", "works again")
    diagnostics.warn("delivery", "no answer")
    diagnostics.recovered("delivery", "works again")
    assert said() == ["no answer", "works again"]


def test_trouble_that_comes_back_is_said_again_after_a_minute(clock, said):
    """Recovery does not shorten the minute, and the next outage has its own end."""
    diagnostics = Diagnostics(clock)
    diagnostics.warn("delivery", "no answer")
    diagnostics.recovered("delivery", "works again")
    clock.now += 60
    diagnostics.warn("delivery", "no answer")
    diagnostics.recovered("delivery", "works again")
    assert said() == ["no answer", "works again"] * 2


def test_many_threads_say_it_once(clock, said):
    """Threads that fail together warn together once."""
    diagnostics = Diagnostics(clock)
    barrier = threading.Barrier(8)

    def fail():
        barrier.wait(60)
        diagnostics.warn("delivery", "no answer")

    threads = [threading.Thread(target=fail) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert said() == ["no answer"]
    clock.now += 60
    diagnostics.warn("delivery", "no answer")
    assert said()[1:] == ["no answer (7 more since the last warning)"]


def test_a_failure_comes_with_its_traceback(clock, said, caplog):
    """A warning about an exception carries it."""
    failure = ValueError("broken")
    Diagnostics(clock).warn("crash", "a bug", exc_info=failure)
    assert caplog.records[-1].exc_info[1] is failure
