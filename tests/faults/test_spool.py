"""Blocks with a spool: an endpoint that is down at the end, memory that is full, a disk that fails."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from pathlib import Path

import pytest
from tests.faults.conftest import GROUP, STREAM

from aiowatchtower import CloudWatchLogging, CloudWatchLogHandler, SetupError

SMALL = 65_536


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def _log(shop: logging.Logger, first: int, last: int) -> None:
    for number in range(first, last + 1):
        shop.info("%06d", number)


def _numbers(server) -> list[int]:
    return [int(text) for text in server.messages(GROUP)]


async def test_what_cannot_be_delivered_stays_and_the_next_start_delivers_it(
    server, shop, ship, spool, said, balanced
):
    """With a dead endpoint at exit, nothing is dropped: records are pending, and recovered later."""
    server.down()
    async with ship(spool_directory=spool, shutdown_timeout=0.2) as logs:
        _log(shop, 1, 100)
    seen = logs.statistics()
    assert (seen.pending, seen.spooled, seen.dropped) == (100, 100, {})
    assert seen.pending_bytes == 0
    assert seen.spool_bytes > 0
    balanced(logs)
    [owner] = spool.iterdir()
    [warning] = [text for text in said.warnings if "spool" in text]
    assert "100 records" in warning
    assert str(owner) in warning

    server.up()
    async with ship(spool_directory=spool) as later:
        await asyncio.to_thread(server.wait_for, 100, group=GROUP)
        balanced(later)
    seen = later.statistics()
    assert (seen.logged, seen.recovered, seen.delivered, seen.pending) == (0, 100, 100, 0)
    assert _numbers(server) == list(range(1, 101))
    assert list(spool.iterdir()) == []
    balanced(later)


async def test_the_time_of_a_record_is_that_of_its_making(server, shop, ship, spool):
    """What is recovered has the stream and the time under which it was logged."""
    server.down()
    made = time.time() - 3_600
    async with ship("first", spool_directory=spool, shutdown_timeout=0):
        record = shop.makeRecord("shop", logging.INFO, __file__, 0, "an hour ago", (), None)
        record.created = made
        shop.handle(record)
    server.up()
    async with ship("second", spool_directory=spool):
        await asyncio.to_thread(server.wait_for, 1, group=GROUP)
    [event] = server.events(GROUP, "first")
    assert event.message == "an hour ago"
    assert abs(event.timestamp_ms - made * 1000) <= 1
    assert server.streams(GROUP) == ["first"]


async def test_the_same_block_entered_again_goes_on_with_what_it_left(
    server, shop, ship, spool, balanced
):
    """Its own records are pending, not recovered, and delivered by its next entry."""
    server.down()
    block = ship(spool_directory=spool, shutdown_timeout=0.1)
    async with block:
        _log(shop, 1, 50)
    server.up()
    async with block as logs:
        _log(shop, 51, 60)
        await asyncio.to_thread(server.wait_for, 60, group=GROUP)
        await logs.flush(30)
        balanced(logs)
    seen = block.statistics()
    assert (seen.logged, seen.recovered, seen.delivered) == (60, 0, 60)
    assert (seen.pending, seen.spooled, seen.pending_bytes) == (0, 0, 0)
    assert sorted(_numbers(server)) == list(range(1, 61))
    assert list(spool.iterdir()) == []


async def test_more_than_memory_holds_is_kept_on_the_disk(server, shop, ship, spool, balanced):
    """During an outage nothing is dropped although the buffer is full, and memory stays bounded."""
    server.down()
    async with ship(spool_directory=spool, max_buffer_size=SMALL, shutdown_timeout=60) as logs:
        for start in range(1, 20_001, 500):
            _log(shop, start, start + 499)
            await asyncio.sleep(0)
            assert logs.statistics().pending_bytes <= SMALL
        balanced(logs)
        seen = logs.statistics()
        assert seen.pending == 20_000
        assert seen.spooled > 17_000
        assert seen.dropped == {}
        server.up()
        _log(shop, 20_001, 20_010)
        await logs.flush(60)
        balanced(logs)
        seen = logs.statistics()
        assert (seen.delivered, seen.pending, seen.spooled) == (20_010, 0, 0)
    assert sorted(_numbers(server)) == list(range(1, 20_011))
    assert list(spool.iterdir()) == []


async def test_past_its_limit_the_spool_is_as_none(server, shop, ship, spool, said, balanced):
    """When memory and spool are both full, the newest are dropped and the gap is marked."""
    server.down()
    async with ship(
        spool_directory=spool, max_buffer_size=SMALL, max_spool_size=2 * SMALL, shutdown_timeout=60
    ) as logs:
        _log(shop, 1, 3000)
        while logs.statistics().dropped.get("buffer_full", 0) < 500:
            _log(shop, 1, 100)
            await asyncio.sleep(0.001)
        size = sum(path.stat().st_size for path in spool.glob("*/*.log"))
        assert size <= 2 * SMALL
        server.up()
        await logs.flush(60)
        balanced(logs)
    seen = logs.statistics()
    assert any("is full (max_spool_size=131072)" in text for text in said.warnings)
    assert seen.delivered == seen.logged - seen.dropped["buffer_full"]
    texts = server.messages(GROUP)
    assert any("records dropped (buffer full)" in text for text in texts)
    assert len([text for text in texts if text.isdigit()]) == seen.delivered
    balanced(logs)


@pytest.mark.parametrize("state", ["a file", "writable by others"])
async def test_a_directory_that_cannot_be_used_is_said_and_delivery_goes_on(
    server, shop, ship, spool, said, state
):
    """One warning names the directory and the reason; records are delivered from memory."""
    if state == "a file":
        spool.write_text("")
    else:
        spool.mkdir()
        spool.chmod(0o777)
    async with ship(spool_directory=spool) as logs:
        _log(shop, 1, 10)
        await logs.flush(30)
        await said.wait_for(str(spool))
    assert _numbers(server) == list(range(1, 11))
    assert len([text for text in said.warnings if "spool" in text]) == 1
    assert logs.statistics().delivered == 10


async def test_a_directory_that_cannot_be_used_is_a_setup_error_when_strict(ship, spool):
    """With ``strict=True`` the block is not entered, and the error names the directory."""
    spool.write_text("")
    with pytest.raises(SetupError, match=r"spool_directory=.*spool"):
        async with ship(spool_directory=spool, strict=True):
            pytest.fail("it was entered")


async def test_a_directory_that_vanishes_costs_nothing_but_the_spool(
    server, shop, ship, spool, said
):
    """One warning; records are delivered from memory."""
    async with ship(spool_directory=spool, send_interval=30) as logs:
        _log(shop, 1, 5)
        while not list(spool.glob("*/*.log")):  # noqa: ASYNC110
            await asyncio.sleep(0)
        shutil.rmtree(spool)
        while not said.warnings:
            _log(shop, 6, 6)
            await asyncio.sleep(0.01)
        await logs.flush(30)
    assert len([text for text in said.warnings if "spool" in text]) == 1
    assert set(_numbers(server)) == set(range(1, 7))


def test_a_loop_that_is_closed_inside_the_block_costs_no_record(server, shop, ship, spool):
    """What the closed loop's worker had in hand is booked as abandoned, and recovered by a later block, once."""

    async def enter() -> None:
        await block.__aenter__()
        server.down()
        _log(shop, 1, 100)
        await asyncio.to_thread(_wait_for_log, spool)

    async def go_on(number: int, count: int) -> None:
        async with CloudWatchLogging.from_handler(block.handler) as logs:
            _log(shop, number, number)
            await logs.flush(30)
            await asyncio.to_thread(server.wait_for, count, group=GROUP)

    block = ship(spool_directory=spool, send_interval=30)
    shop.addHandler(block.handler)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(enter())
    loop.close()
    _log(shop, 101, 150)
    server.up()
    # The thread of the spool has gone on, with its lock; the first block that is left gives it up.
    asyncio.run(go_on(151, 51))
    asyncio.run(go_on(152, 152))
    seen = block.statistics()
    assert sorted(_numbers(server)) == list(range(1, 153))
    assert seen.dropped == {"abandoned": seen.recovered}
    assert (seen.logged, seen.delivered, seen.pending) == (152, 152, 0)
    assert list(spool.iterdir()) == []


def _wait_for_log(spool: Path) -> None:
    while not any(path.stat().st_size > 500 for path in spool.glob("*/*.log")):
        time.sleep(0)


async def test_each_handler_has_a_directory_of_its_own(server, spool, tmp_path):
    """Handlers that configured() runs share the spool_directory and keep their records apart."""
    first, second = logging.Logger("first"), logging.Logger("second")
    server.down()
    blocks = [
        CloudWatchLogging(
            group, STREAM, loggers=(logger,), spool_directory=spool, endpoint_url=server.url,
            shutdown_timeout=0.1,
        )
        for group, logger in (("/one", first), ("/two", second))
    ]  # fmt: skip
    async with blocks[0], blocks[1]:
        first.warning("1")
        second.warning("2")
    assert len(list(spool.iterdir())) == 2
    server.up()
    handlers = [
        CloudWatchLogHandler(
            group, STREAM, spool_directory=spool, endpoint_url=server.url, send_interval=0.05
        )
        for group in ("/one", "/two")
    ]
    for handler in handlers:
        logging.getLogger("aiowatchtower.test").addHandler(handler)
    try:
        async with CloudWatchLogging.configured():
            await asyncio.to_thread(server.wait_for, 1, group="/one")
            await asyncio.to_thread(server.wait_for, 1, group="/two")
    finally:
        for handler in handlers:
            logging.getLogger("aiowatchtower.test").removeHandler(handler)
    assert (server.messages("/one"), server.messages("/two")) == (["1"], ["2"])
    assert list(spool.iterdir()) == []


async def test_what_was_logged_before_the_block_is_spooled_on_entry(server, shop, ship, spool):
    """Records that waited for their block are in the spool once it is entered."""
    server.down()
    block = ship(spool_directory=spool, shutdown_timeout=0)
    shop.addHandler(block.handler)
    _log(shop, 1, 10)
    async with block:
        _log(shop, 11, 12)
    assert block.statistics().spooled == 12


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"spool_directory": 5}, TypeError, "spool_directory=5: must be None or the path"),
        ({"spool_directory": ""}, TypeError, "spool_directory=''"),
        ({"max_spool_size": 10}, ValueError, "max_spool_size=10: must be a whole number >= 65536"),
        ({"max_spool_size": 1e9}, TypeError, "max_spool_size=1000000000.0"),
    ],
)
def test_settings_of_the_spool_are_checked_at_construction(arguments, error, text):
    """A spool that cannot work is refused before anything runs."""
    with pytest.raises(error, match=text.replace("(", r"\(")):
        CloudWatchLogging(GROUP, **arguments)


def test_without_a_spool_there_is_no_thread_and_no_file(tmp_path, monkeypatch):
    """Nothing changes for those who do not ask for it."""
    import threading

    monkeypatch.chdir(tmp_path)

    async def main() -> None:
        async with CloudWatchLogging(GROUP, loggers=(), endpoint_url="http://127.0.0.1:9"):
            assert not [t for t in threading.enumerate() if "spool" in t.name]

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []
