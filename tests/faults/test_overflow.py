"""More is logged than can be delivered: what is kept, what is dropped, and who is told."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from aiowatchtower import Lost

GROUP, STREAM = "/app", "web"
SMALL = 64 * 1024


async def test_errors_survive_a_flood(server, shop, ship, balanced):
    """The last eighth of the buffer is for ERROR and above: an INFO flood in front does not cost them."""
    server.down()
    async with ship(max_buffer_size=SMALL) as logs:
        for number in range(1000):
            shop.info("%0200d", number)
        for number in range(30):
            shop.error("error %d", number)
        balanced(logs)
        assert logs.statistics().pending_bytes <= SMALL
        assert logs.statistics().dropped["buffer_full"] > 500
        await asyncio.to_thread(server.up)
        await logs.flush(60)
    messages = server.messages(GROUP)
    assert [text for text in messages if text.startswith("error")] == [
        f"error {n}" for n in range(30)
    ]
    kept = [int(text) for text in messages if text.isdigit()]
    assert kept == list(range(len(kept))), "the newest are dropped, not the oldest"
    assert len(kept) * 226 <= SMALL * 7 / 8 < (len(kept) + 1) * 226
    seen = logs.statistics()
    assert seen.delivered == len(kept) + 30
    assert seen.logged == 1030
    assert seen.dropped == {"buffer_full": 1000 - len(kept)}


async def test_the_reserve_is_bounded_too(server, shop, ship, balanced):
    """ERROR records are dropped as well when the whole buffer is full: memory has a bound."""
    server.down()
    async with ship(max_buffer_size=SMALL, shutdown_timeout=0) as logs:
        for number in range(1000):
            shop.error("%0200d", number)
        assert logs.statistics().pending == SMALL // 226
        balanced(logs)
    balanced(logs)
    assert logs.statistics().dropped == {
        "buffer_full": 1000 - SMALL // 226,
        "shutdown": SMALL // 226,
    }


async def test_the_gap_is_marked_in_the_stream(server, shop, ship):
    """One event says how many records are missing and between when; it counts as no record."""
    server.down()
    async with ship(max_buffer_size=SMALL) as logs:
        for number in range(1000):
            shop.info("%0200d", number)
        await asyncio.to_thread(server.up)
        await logs.flush(60)
        shop.info("after")
    dropped = logs.statistics().dropped["buffer_full"]
    (marker,) = [text for text in server.messages(GROUP) if text.startswith("aiowatchtower")]
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.fullmatch(
        rf"aiowatchtower: {dropped} records dropped \(buffer full\) between {moment} and {moment}",
        marker,
    )
    assert len(server.messages(GROUP)) == logs.statistics().delivered + 1


async def test_each_stream_has_its_own_gap(server, shop, ship):
    """Every stream that lost records is marked with its own number, even one that got nothing through."""
    server.down()
    async with ship("{thread_name}", max_buffer_size=SMALL) as logs:
        for name, count in (("a", 400), ("b", 100), ("c", 7)):
            thread = threading.Thread(target=_flood, args=(shop, count), name=name)
            thread.start()
            await asyncio.to_thread(thread.join)
        await asyncio.to_thread(server.up)
        await logs.flush(60)
    for name, count in (("a", 400), ("b", 100), ("c", 7)):
        messages = server.messages(GROUP, name)
        (marker,) = [text for text in messages if text.startswith("aiowatchtower")]
        assert f": {count - len(messages) + 1} records dropped" in marker


def _flood(shop, count):
    for number in range(count):
        shop.info("%0200d", number)


async def test_on_drop_is_told_what_is_known(server, shop, ship):
    """on_drop gets reason, stream, count, bytes, first and last time; together they tell of every loss."""
    server.down()
    lost: list[Lost] = []
    started = int(time.time() * 1000)
    async with ship(max_buffer_size=SMALL, shutdown_timeout=0.3, on_drop=lost.append) as logs:
        for number in range(1000):
            shop.info("%0200d", number)
    ended = int(time.time() * 1000)
    dropped = logs.statistics().dropped
    assert sum(dropped.values()) == 1000
    for reason, count in dropped.items():
        told = [loss for loss in lost if loss.reason == reason]
        assert sum(loss.count for loss in told) == count
        assert sum(loss.size_bytes for loss in told) == count * 226
        assert {loss.stream for loss in told} == {STREAM}
        for loss in told:
            assert started <= loss.first_timestamp_ms <= loss.last_timestamp_ms <= ended
    full = [loss for loss in lost if loss.reason == "buffer_full"]
    assert not any(loss.messages for loss in full)
    left = [text for loss in lost if loss.reason == "shutdown" for text in loss.messages]
    assert sorted(left) == [f"{number:0200d}" for number in range(dropped["shutdown"])]


async def test_an_on_drop_that_raises_harms_nothing(server, shop, ship, said, balanced):
    """A callback that raises is reported, called for the next loss all the same, and delivery goes on."""
    calls = []

    def broken(lost):
        calls.append(lost)
        raise RuntimeError("the callback's own bug")

    server.faults.poison("bad")
    async with ship(on_drop=broken) as logs:
        for number in range(3):
            shop.info("bad %d", number)
            shop.info("good %d", number)
            await logs.flush(60)
        await said.wait_for("the callback's own bug")
    assert server.messages(GROUP) == ["good 0", "good 1", "good 2"]
    assert [loss.count for loss in calls] == [1, 1, 1]
    balanced(logs)


async def test_an_on_drop_that_blocks_harms_nothing(server, shop, ship):
    """A callback that never returns holds up neither delivery, nor the loop, nor the end of the block."""
    never = threading.Event()
    server.faults.poison("bad")
    block = ship(on_drop=lambda lost: never.wait())
    async with block as logs:
        for number in range(3):
            shop.info("bad %d", number)
            shop.info("good %d", number)
            await logs.flush(60)
        assert server.messages(GROUP) == ["good 0", "good 1", "good 2"]
    assert logs.statistics().dropped == {"refused": 3}
    never.set()


async def test_on_drop_may_log(server, shop, ship):
    """A callback that logs to the very logger that is shipped starts no avalanche."""
    server.faults.poison("bad")
    async with ship(on_drop=lambda lost: shop.error("bad news: %d lost", lost.count)) as logs:
        shop.info("bad")
        await logs.flush(60)
        shop.info("good")
    assert server.messages(GROUP) == ["good"]
    assert logs.statistics().logged == 2


FLOOD = """
    import asyncio, json, logging, sys
    from aiowatchtower import CloudWatchLogging

    def resident():
        with open("/proc/self/status") as status:
            lines = dict(line.split(":", 1) for line in status)
        return {name: int(lines[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM")}

    async def main(url, count):
        logger = logging.Logger("shop")
        logs = CloudWatchLogging(
            "/app", "web", endpoint_url=url, loggers=(logger,), send_interval=0.1,
            max_buffer_size=int(sys.argv[3]), shutdown_timeout=60,
        )
        text = "x" * 1000
        async with logs:
            # One try, so that the client and its imports are not counted.
            logger.info("first")
            while logs.statistics().last_error is None:
                await asyncio.sleep(0.01)
            before = resident()["VmRSS"]
            for number in range(count):
                logger.info("%08d%s", number, text)
                if number % 1000 == 999:
                    await asyncio.sleep(0)
            logger.error("the last")
            grown = resident()["VmHWM"] - before
            print("full", flush=True)
            sys.stdin.readline()
        seen = logs.statistics()
        print(json.dumps({
            "grown": grown, "logged": seen.logged, "delivered": seen.delivered,
            "dropped": dict(seen.dropped), "pending": seen.pending,
        }))

    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_memory_is_bounded_while_the_endpoint_is_dead(server):
    """100 000 records of 1 KB at full speed: max_buffer_size and 32 MB at most, and exact counts after recovery."""
    count, buffer = 100_000, 16 * 2**20
    server.down()
    process = await asyncio.to_thread(_start_flood, server.url, count, buffer)
    try:
        assert await asyncio.to_thread(process.stdout.readline) == "full\n"
        server.up()
        answer, _ = await asyncio.to_thread(process.communicate, "\n", 90)
    finally:
        process.kill()
    seen = json.loads(answer)
    assert seen["grown"] <= buffer + 32 * 2**20, f"{seen['grown'] / 2**20:.0f} MB"
    assert seen["logged"] == count + 2
    assert seen["pending"] == 0
    assert seen["delivered"] + sum(seen["dropped"].values()) == seen["logged"]
    assert seen["dropped"].keys() == {"buffer_full"}
    messages = server.messages(GROUP)
    markers = [text for text in messages if text.startswith("aiowatchtower")]
    assert f"aiowatchtower: {seen['dropped']['buffer_full']} records dropped" in markers[0]
    assert len(markers) == 1
    assert len(messages) == seen["delivered"] + 1
    assert "the last" in messages


def _start_flood(url, count, buffer):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(FLOOD), url, str(count), str(buffer)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
