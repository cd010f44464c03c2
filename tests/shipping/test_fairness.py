"""Streams share slots and the buffer: what blocks one of them does not hold up the others."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from functools import partial

import pytest
from tests.virtual_time import until

from aiowatchtower import CloudWatchLogHandler
from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.events import Answer
from aiowatchtower._shipping.leaving import leave
from aiowatchtower._shipping.pipeline import Pipeline

pytestmark = pytest.mark.virtual_time


class Service:
    """Answers puts as told to, after a while on the loop's clock; counts the events that it took."""

    def __init__(self, *, seconds=0.05) -> None:
        self.endpoint = ""
        self.seconds = seconds
        self.hung: set[str] = set()
        self.denied: set[str] = set()
        self.taken: Counter[str] = Counter()

    def has_taken(self, stream, count) -> bool:
        return self.taken[stream] == count

    async def prepare(self) -> None:
        pass

    async def put(self, stream, events, deadline, departure=None) -> Answer:
        departure.may_have_left = True
        if stream in self.denied:
            raise DeliveryError("PutLogEvents", "AccessDeniedException", "no", status=400)
        if stream not in self.hung:
            # As on a slow line: the events are there before the answer is.
            self.taken[stream] += len(events)
        seconds = float("inf") if stream in self.hung else self.seconds
        await asyncio.sleep(min(seconds, deadline))
        if seconds > deadline:
            raise DeliveryError("PutLogEvents", "Timeout", "none", maybe_accepted=True)
        return Answer(wire_bytes=1)

    async def create_stream(self, stream) -> None:
        pass

    async def create_group(self, *, tags) -> None:
        pass

    async def set_retention(self) -> None:
        pass

    async def renew(self) -> None:
        pass

    async def aclose(self) -> None:
        pass


def _handler(**settings) -> CloudWatchLogHandler:
    return CloudWatchLogHandler("/app", "{logger_name}", send_interval=1.0, **settings)


def _log(handler, stream, message="hello") -> None:
    handler.handle(logging.LogRecord(stream, logging.INFO, "", 0, message, None, None))


async def test_an_answer_that_takes_thirteen_seconds():
    """A slow answer costs one more copy, which is counted before the second answer is there."""
    service, handler = Service(seconds=13.0), _handler()
    pipeline = Pipeline(handler, client=service)
    for number in range(4):
        _log(handler, "web", str(number))
    await until(lambda: handler.statistics().retries, seconds=30.0)
    assert handler.statistics().possible_duplicates == 2, "the half that is under way again"
    await until(lambda: not handler.statistics().pending, seconds=120.0)
    seen = handler.statistics()
    assert (seen.delivered, seen.possible_duplicates) == (4, 4)
    assert service.taken["web"] == 8
    await leave([pipeline], is_cancelled=False)


async def test_calls_that_hang_leave_a_slot():
    """However many streams' calls hang, a stream whose puts are accepted goes on within its interval."""
    service, handler = Service(), _handler()
    pipeline = Pipeline(handler, client=service)
    loop = asyncio.get_running_loop()
    _log(handler, "healthy")
    await until(lambda: service.taken["healthy"])
    for number in range(20):
        service.hung.add(f"hung-{number}")
        _log(handler, f"hung-{number}")
    await asyncio.sleep(2.0)
    for count in range(2, 40):
        logged_at = loop.time()
        _log(handler, "healthy")
        await until(partial(service.has_taken, "healthy", count))
        assert loop.time() - logged_at <= 1.5
    service.hung.clear()
    await until(lambda: not handler.statistics().pending)
    await leave([pipeline], is_cancelled=False)


async def test_a_denied_stream_costs_a_healthy_one_no_record():
    """A chatty stream that is denied fills the buffer up to its share; a healthy stream loses nothing."""
    service, handler = Service(), _handler(max_buffer_size=256 * 1024)
    pipeline = Pipeline(handler, client=service)
    service.denied.add("denied")
    for _ in range(200):
        for _ in range(60):
            _log(handler, "denied", "x" * 200)
        _log(handler, "healthy", "x" * 200)
        await asyncio.sleep(0.2)
    await until(lambda: service.taken["healthy"] == 200, seconds=10.0)
    assert handler.statistics().dropped["buffer_full"] > 5_000
    service.denied.clear()
    await until(lambda: not handler.statistics().pending)
    seen = handler.statistics()
    assert seen.logged == seen.delivered + seen.dropped["buffer_full"] == 200 * 61
    await leave([pipeline], is_cancelled=False)


async def test_new_names_do_not_hold_up_a_stream_that_exists(caplog):
    """Three hundred new names a second delay a stream that exists by no more than its interval."""
    service, handler = Service(), _handler()
    pipeline = Pipeline(handler, client=service)
    loop = asyncio.get_running_loop()
    _log(handler, "healthy")
    await until(lambda: service.taken["healthy"])
    for second in range(20):
        for number in range(300):
            _log(handler, f"name-{second}-{number}")
        logged_at = loop.time()
        _log(handler, "healthy")
        await until(partial(service.has_taken, "healthy", second + 2))
        assert loop.time() - logged_at <= 1.5
    assert sum("log streams have records waiting" in text for text in caplog.messages) <= 1
    await until(lambda: not handler.statistics().pending)
    await leave([pipeline], is_cancelled=False)
