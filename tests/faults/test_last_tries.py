"""Leaving the block while something hangs or is slow: as much is delivered as there is time for."""

from __future__ import annotations

import asyncio
import logging

import pytest

GROUP = "/app"


def _log_to(shop, *streams):
    for stream in streams:
        record = shop.makeRecord(shop.name, logging.INFO, __file__, 0, f"to {stream}", (), None)
        record.threadName = stream
        shop.handle(record)


async def test_many_streams_and_a_slow_endpoint(server, shop, ship, balanced):
    """More than there is time for: most are delivered, not none, and none twice."""
    names = [f"s{number}" for number in range(60)]
    async with ship("{thread_name}", send_interval=3600, shutdown_timeout=3) as logs:
        _log_to(shop, *names)
        await logs.flush(60)
        server.configure(latency=0.3)
        _log_to(shop, *names)
    seen = logs.statistics()
    # Four at a time, each 0.3 s, for 3 s: 40, but for what a busy machine takes.
    assert 20 <= seen.delivered - 60 <= 44
    assert seen.dropped == {"shutdown": 120 - seen.delivered}
    balanced(logs)
    # The last tries may have been accepted when nobody waited for the answer any more.
    assert server.accepted - seen.delivered <= 8


@pytest.mark.parametrize(
    "action", ["CreateLogStream", "CreateLogGroup", "PutRetentionPolicy", "PutLogEvents"]
)
async def test_a_call_that_hangs_as_the_block_is_left(server, shop, ship, action):
    """Whatever it is, there is time for another try."""
    server.faults.hang(action=action, times=1)
    async with ship(log_group_retention_days=7, shutdown_timeout=4) as logs:
        shop.info("hello")
        await asyncio.to_thread(server.wait_for_calls, 1, action)
    assert server.messages(GROUP) == ["hello"]
    assert logs.statistics().delivered == 1
    assert server.groups[GROUP].retention_days == 7


@pytest.mark.parametrize("fault", ["hang", "throttle"])
async def test_no_record_waits_for_the_retention(server, shop, ship, said, fault):
    """It is set beside the records, and the warning comes when that has failed."""
    getattr(server.faults, fault)(action="PutRetentionPolicy")
    async with ship(log_group_retention_days=7, shutdown_timeout=2) as logs:
        shop.info("hello")
        await asyncio.to_thread(server.wait_for, 1)
        shop.info("again")
        await asyncio.to_thread(server.wait_for, 2)
    assert logs.statistics().delivered == 2
    assert fault == "hang" or "keeps its events for ever" in said.warnings[0]


async def test_flush_waits_for_the_retention(server, shop, ship):
    """Who flushes may rely on the group being as it was asked for."""
    server.faults.delay(answer=0.5, action="PutRetentionPolicy")
    async with ship(log_group_retention_days=7) as logs:
        shop.info("hello")
        await logs.flush(60)
        assert server.groups[GROUP].retention_days == 7


async def test_creations_that_hang_delay_no_stream_that_exists(server, shop, ship):
    """They leave connections to those who put."""
    async with ship("{thread_name}", shutdown_timeout=1) as logs:
        _log_to(shop, "old")
        await logs.flush(60)
        server.faults.hang(action="CreateLogStream")
        _log_to(shop, *(f"new{number}" for number in range(12)))
        await asyncio.to_thread(server.wait_for_calls, 1 + 1 + 4, "CreateLogStream")
        _log_to(shop, "old")
        await asyncio.to_thread(server.wait_for, 2, timeout=5)
    assert server.messages(GROUP, "old") == ["to old"] * 2


async def test_a_marker_that_hangs_is_no_lost_record(server, shop, ship, said):
    """Nobody is told of 0 records."""
    server.faults.hang(containing="records dropped")
    async with ship(max_buffer_size=1_000, shutdown_timeout=0.5) as logs:
        for number in range(100):
            shop.info("%d", number)
        await asyncio.to_thread(server.wait_for, 1)
    assert logs.statistics().dropped.keys() == {"buffer_full"}
    assert not said.warnings


async def test_a_group_whose_creation_was_not_answered_has_its_retention(server, shop, ship):
    """It exists when it is looked for again, and nobody knows by whom."""
    server.faults.hang(action="CreateLogGroup", times=1, accepts=True)
    async with ship(log_group_retention_days=7, shutdown_timeout=4):
        shop.info("hello")
        await asyncio.to_thread(server.wait_for_calls, 1, "CreateLogGroup")
    assert server.messages(GROUP) == ["hello"]
    assert server.groups[GROUP].retention_days == 7


async def test_a_retention_that_hangs_until_the_end_is_warned_of(server, shop, ship, said):
    """Flushing with a timeout is no failure: the records have their fate."""
    server.faults.hang(action="PutRetentionPolicy")
    async with ship(log_group_retention_days=7, shutdown_timeout=1) as logs:
        shop.info("hello")
        await asyncio.to_thread(server.wait_for, 1)
        await logs.flush(0.1)
        assert logs.statistics().pending == 0
    assert "keeps its events for ever: PutRetentionPolicy" in said.warnings[-1]


async def test_strict_says_at_once_that_the_retention_is_denied(server, ship, said):
    """Not only when the first record comes."""
    server.configure(deny=["PutRetentionPolicy"])
    async with ship(strict=True, log_group_retention_days=7):
        assert "logs:PutRetentionPolicy" in await said.wait_for("keeps its events for ever")
