"""Leaving the block while something hangs or is slow: as much is delivered as there is time for."""

from __future__ import annotations

import asyncio
import logging

import pytest
from tests.virtual_time import until

from aiowatchtower import CloudWatchLogging

GROUP = "/app"
pytestmark = pytest.mark.virtual_time


def _log_to(shop, *streams):
    for stream in streams:
        record = shop.makeRecord(shop.name, logging.INFO, __file__, 0, f"to {stream}", (), None)
        record.threadName = stream
        shop.handle(record)


def _now():
    return asyncio.get_running_loop().time()


async def test_many_streams_and_a_slow_endpoint(cloudwatch, shop, ship_to_memory, balanced):
    """More than there is time for: what fits in is delivered, and nothing twice."""
    names = [f"s{number}" for number in range(60)]
    async with ship_to_memory("{thread_name}", send_interval=3600, shutdown_timeout=3) as logs:
        _log_to(shop, *names)
        await logs.flush(60)
        cloudwatch.configure(latency=0.3)
        _log_to(shop, *names)
        left_at = _now()
    assert _now() - left_at == pytest.approx(3, abs=0.1)
    seen = logs.statistics()
    # Four at a time, each 0.3 s, for 3 s: 40, or 36 when those of the last wave end with the time.
    assert 36 <= seen.delivered - 60 <= 40
    assert seen.dropped == {"shutdown": 120 - seen.delivered}
    balanced(logs)
    # The last tries may have been accepted when nobody waited for the answer any more.
    assert cloudwatch.accepted - seen.delivered <= 4


@pytest.mark.parametrize(
    "action", ["CreateLogStream", "CreateLogGroup", "PutRetentionPolicy", "PutLogEvents"]
)
async def test_a_call_that_hangs_as_the_block_is_left(cloudwatch, shop, ship_to_memory, action):
    """Whatever call it is, it is given up early enough for another try."""
    cloudwatch.faults.hang(action=action, times=1)
    async with ship_to_memory(log_group_retention_days=7, shutdown_timeout=4) as logs:
        shop.info("hello")
        await until(lambda: cloudwatch.count_calls(action))
        left_at = _now()
    assert _now() - left_at < 4
    assert cloudwatch.messages(GROUP) == ["hello"]
    assert logs.statistics().delivered == 1
    assert cloudwatch.groups[GROUP].retention_days == 7


async def test_what_was_given_up_may_be_there_twice(cloudwatch, shop, ship_to_memory, said):
    """A put that hangs as the block is left is sent again, and counted as possibly doubled."""
    cloudwatch.faults.hang(times=1, accepts=True, after=1)  # the first finds no stream
    async with ship_to_memory(send_interval=0, shutdown_timeout=4) as logs:
        shop.info("record")
        await until(lambda: cloudwatch.accepted)
    assert cloudwatch.messages(GROUP) == ["record"] * 2
    seen = logs.statistics()
    assert (seen.delivered, seen.possible_duplicates) == (1, 1)
    assert not said.records


async def test_several_handlers_are_left_side_by_side(cloudwatch, shop):
    """A block that runs several handlers takes as long as the slowest: their timeouts do not add up."""
    handlers = [
        CloudWatchLogging(
            group, "web", loggers=(), client=cloudwatch.client(), shutdown_timeout=30
        ).handler
        for group in ("/one", "/two", "/three")
    ]
    cloudwatch.faults.hang(group="/one")
    cloudwatch.faults.hang(group="/three")
    root = logging.getLogger()
    for handler in handlers:
        root.addHandler(handler)
    try:
        async with CloudWatchLogging.configured() as logs:
            assert set(logs.handlers) >= set(handlers)
            for handler in handlers:
                handler.handle(shop.makeRecord("shop", 20, __file__, 0, "record", (), None))
            left_at = _now()
        assert 30 <= _now() - left_at <= 30.3
    finally:
        for handler in handlers:
            root.removeHandler(handler)
    assert cloudwatch.messages("/two") == ["record"]


@pytest.mark.parametrize("fault", ["hang", "throttle"])
async def test_no_record_waits_for_the_retention(cloudwatch, shop, ship_to_memory, said, fault):
    """The retention is set beside the records, and the warning comes when that has failed."""
    getattr(cloudwatch.faults, fault)(action="PutRetentionPolicy")
    async with ship_to_memory(log_group_retention_days=7, shutdown_timeout=2) as logs:
        shop.info("hello")
        await until(lambda: cloudwatch.accepted == 1, 8)
        shop.info("again")
        await until(lambda: cloudwatch.accepted == 2, 8)
    assert logs.statistics().delivered == 2
    assert fault == "hang" or "keeps its events for ever" in said.warnings[0]


async def test_flush_waits_for_the_retention(cloudwatch, shop, ship_to_memory):
    """A program that flushes may rely on the group being as it was asked for."""
    cloudwatch.faults.delay(answer=0.5, action="PutRetentionPolicy")
    async with ship_to_memory(log_group_retention_days=7) as logs:
        shop.info("hello")
        await logs.flush(60)
        assert cloudwatch.groups[GROUP].retention_days == 7


async def test_creations_that_hang_delay_no_stream_that_exists(cloudwatch, shop, ship_to_memory):
    """Creations leave connections to the lanes that put events."""
    async with ship_to_memory("{thread_name}", shutdown_timeout=1) as logs:
        _log_to(shop, "old")
        await logs.flush(60)
        cloudwatch.faults.hang(action="CreateLogStream")
        _log_to(shop, *(f"new{number}" for number in range(12)))
        await until(lambda: cloudwatch.count_calls("CreateLogStream") > 2)
        _log_to(shop, "old")
        await until(lambda: cloudwatch.accepted == 2, 5)
    assert cloudwatch.messages(GROUP, "old") == ["to old"] * 2


async def test_many_streams_are_created_within_the_quota(cloudwatch, shop, ship_to_memory, said):
    """Two hundred streams at once stay under the account's rate of CreateLogStream: none is throttled."""
    client, times = cloudwatch.client(), []
    client.meta.events.register(
        "before-call.cloudwatch-logs.CreateLogStream", lambda **_: times.append(_now())
    )
    async with ship_to_memory("{thread_name}", max_in_flight=16, client=client) as logs:
        _log_to(shop, *(f"stream-{number:03d}" for number in range(200)))
        await logs.flush(60)
    assert len(cloudwatch.streams(GROUP)) == 200
    # AWS allows 50 a second: of any 51 in a row, the last comes a second after the first, or later.
    assert len(times) > 200
    assert all(last - first >= 1 for first, last in zip(times, times[50:], strict=False))
    assert not said.warnings


async def test_a_marker_that_hangs_is_no_lost_record(cloudwatch, shop, ship_to_memory, said):
    """No warning tells of 0 records."""
    cloudwatch.faults.hang(containing="records dropped")
    async with ship_to_memory(max_buffer_size=1_000, shutdown_timeout=0.5) as logs:
        for number in range(100):
            shop.info("%d", number)
        await until(lambda: cloudwatch.accepted)
    assert logs.statistics().dropped.keys() == {"buffer_full"}
    [warning] = said.warnings
    assert "max_buffer_size=1000 bytes are full" in warning


async def test_a_group_whose_creation_was_not_answered_has_its_retention(
    cloudwatch, shop, ship_to_memory
):
    """The group exists when it is looked for again, and gets its retention though the answer was lost."""
    cloudwatch.faults.hang(action="CreateLogGroup", times=1, accepts=True)
    async with ship_to_memory(log_group_retention_days=7, shutdown_timeout=4):
        shop.info("hello")
        await until(lambda: cloudwatch.count_calls("CreateLogGroup"))
    assert cloudwatch.messages(GROUP) == ["hello"]
    assert cloudwatch.groups[GROUP].retention_days == 7


async def test_a_retention_that_hangs_until_the_end_is_warned_of(
    cloudwatch, shop, ship_to_memory, said
):
    """Flushing with a timeout is no failure meanwhile: the records have their fate."""
    cloudwatch.faults.hang(action="PutRetentionPolicy")
    async with ship_to_memory(log_group_retention_days=7, shutdown_timeout=1) as logs:
        shop.info("hello")
        await until(lambda: cloudwatch.accepted)
        await logs.flush(0.1)
        assert logs.statistics().pending == 0
    assert "keeps its events for ever: PutRetentionPolicy" in said.warnings[-1]


async def test_strict_says_at_once_that_the_retention_is_denied(cloudwatch, ship_to_memory, said):
    """The warning does not wait for the first record."""
    cloudwatch.configure(deny=["PutRetentionPolicy"])
    async with ship_to_memory(strict=True, log_group_retention_days=7):
        assert "logs:PutRetentionPolicy" in await said.wait_for("keeps its events for ever")


@pytest.mark.parametrize("effect", ["hang", "throttle", "fail", "reset_before_reading"])
async def test_a_dead_endpoint_holds_the_block_no_longer_than_told(
    cloudwatch, shop, ship_to_memory, said, effect
):
    """The block is left when shutdown_timeout is over, with one warning that says how many and where."""
    getattr(cloudwatch.faults, effect)()
    async with ship_to_memory(shutdown_timeout=30) as logs:
        for number in range(25):
            shop.info("%d", number)
        await until(lambda: cloudwatch.count_calls("PutLogEvents"))
        left_at = _now()
    # Closing the connections has 0.3 s beyond the deadline.
    assert 30 <= _now() - left_at <= 30.3
    assert cloudwatch.count_calls("PutLogEvents") > 2
    assert effect != "hang" or "no answer" in str(logs.statistics().last_error)
    assert logs.statistics().dropped == {"shutdown": 25}
    [last] = [text for text in said.warnings if "could not be delivered" in text]
    assert last.startswith("25 records to /app (web) ")
    assert "shutdown_timeout=30" in last


async def test_leaving_during_a_long_pause(cloudwatch, shop, ship_to_memory):
    """Every stream gets its last try at once when the block is left in the middle of a back-off."""
    cloudwatch.faults.throttle()
    async with ship_to_memory("{thread_name}") as logs:
        _log_to(shop, *"abc")
        # Seven failures in a row: the pauses are drawn from up to a minute by now.
        await until(lambda: cloudwatch.count_calls("PutLogEvents") >= 3 * 9)
        cloudwatch.faults.clear()
        left_at = _now()
    assert _now() - left_at < 0.5
    assert logs.statistics().delivered == 3
    assert sorted(cloudwatch.messages(GROUP)) == ["to a", "to b", "to c"]
