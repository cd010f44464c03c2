"""CloudWatch Logs is slow to answer, answers nonsense, or does not answer: records are kept and tried again."""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from itertools import pairwise

import pytest
from aiobotocore.session import get_session

from aiowatchtower import Lost

GROUP, STREAM = "/app", "web"
# With it the pauses grow from each to the next, and do not take long.
SEED = 737
LETTERS = [f"record {number}" for number in range(20)]


def _log_all(shop):
    for letter in LETTERS:
        shop.info(letter)


@pytest.mark.virtual_time
async def test_throttling_is_answered_with_growing_jittered_pauses(
    cloudwatch, shop, ship_to_memory
):
    """Five throttles, then all once: each pause is drawn from 0 to a ceiling that doubles, none is a hot loop."""
    client, times, now = cloudwatch.client(), [], asyncio.get_running_loop().time
    client.meta.events.register(
        "before-call.cloudwatch-logs.PutLogEvents", lambda **_: times.append(now())
    )
    async with ship_to_memory(client=client) as logs:
        shop.info("first")
        await logs.flush(60)
        retries = logs.statistics().retries
        cloudwatch.faults.throttle(times=5)
        random.seed(SEED)
        _log_all(shop)
        await logs.flush(60)
    assert cloudwatch.messages(GROUP) == ["first", *LETTERS]
    gaps = [later - earlier for earlier, later in pairwise(times[-6:])]
    dice = random.Random(SEED)
    pauses = [max(0.05, dice.random() * 0.2 * 2**number) for number in range(5)]
    assert gaps == pytest.approx(pauses, abs=0.001)
    assert gaps[-1] > gaps[0]
    assert logs.statistics().retries - retries == 5
    assert logs.statistics().possible_duplicates == 0


async def test_a_throttled_stream_delays_no_other(server, shop, ship, puts):
    """While one stream is throttled, the others flow; it follows when it may."""
    server.faults.throttle(stream="slow")
    async with ship("{thread_name}") as logs:
        await asyncio.to_thread(_log_from_thread, shop, "slow", "held")
        await asyncio.to_thread(server.wait_for_calls, 2, "PutLogEvents", timeout=60)
        for number in range(5):
            await asyncio.to_thread(_log_from_thread, shop, "quick", f"flows {number}")
            await asyncio.to_thread(server.wait_for, number + 1, stream="quick", group=GROUP)
        assert server.messages(GROUP, "slow") == []
        # The next batch of a stream is put after the answer to the one before was read.
        assert logs.statistics().delivered >= 4
        server.faults.clear()
        await logs.flush(60)
        assert server.messages(GROUP, "slow") == ["held"]
    held = [put for put in puts(accepted=False) if put.stream == "slow"]
    assert len(held) < 10


def _log_from_thread(shop, name, message):
    import threading

    thread = threading.Thread(target=shop.info, args=(message,), name=name)
    thread.start()
    thread.join()


@pytest.mark.parametrize("outage", ["500", "503", "reset", "refused", "html_502"])
async def test_an_outage_loses_nothing(server, shop, ship, said, balanced, outage):
    """After errors, resets or refused connections all is delivered once; one warning, one notice of recovery."""
    async with ship() as logs:
        shop.info("before")
        await logs.flush(60)
        if outage == "refused":
            server.down()
        elif outage == "reset":
            server.faults.reset_before_reading(times=3)
        elif outage == "html_502":
            server.faults.garbage("html_502", times=3)
        else:
            server.faults.fail(int(outage), "ServiceUnavailableException", times=3)
        _log_all(shop)
        await said.wait_for("tried again")
        assert logs.statistics().pending == len(LETTERS)
        balanced(logs)
        shop.info("while it lasts")
        await asyncio.to_thread(server.up)
        await logs.flush(60)
        await said.wait_for("works again")
    assert server.messages(GROUP) == ["before", *LETTERS, "while it lasts"]
    assert len(said.warnings) == 1
    assert len(said.notices) == 1
    assert GROUP in said.warnings[0]
    assert logs.statistics().delivered == len(LETTERS) + 2
    assert logs.statistics().last_error is not None


@pytest.mark.virtual_time
@pytest.mark.parametrize("loss", ["cut", "hang", "truncated_200", "html_502"])
async def test_a_lost_answer_loses_no_record(cloudwatch, shop, ship_to_memory, balanced, loss):
    """Accepted, but the answer is lost: sent again, and counted as what may be there twice."""
    async with ship_to_memory() as logs:
        shop.info("before")
        await logs.flush(60)
        if loss == "cut":
            cloudwatch.faults.cut_after_accepting(times=1)
        elif loss == "hang":
            cloudwatch.faults.hang(accepts=True, times=1)
        else:
            cloudwatch.faults.garbage(loss, accepts=True, times=1)
        _log_all(shop)
        await logs.flush(60)
        shop.info("after")
    counts = Counter(cloudwatch.messages(GROUP))
    assert counts == {"before": 1, "after": 1, **dict.fromkeys(LETTERS, 2)}
    assert logs.statistics().delivered == len(LETTERS) + 2
    assert logs.statistics().possible_duplicates == len(LETTERS)
    balanced(logs)


@pytest.mark.parametrize(
    "kind", ["html_200", "empty_200", "truncated_200", "empty_413", "html_502", "not_http"]
)
async def test_nonsense_is_no_delivery(server, shop, ship, said, kind):
    """What proxies and captive portals answer is taken for what it is: no success, no crash, all once."""
    server.faults.garbage(kind, times=2)
    async with ship() as logs:
        _log_all(shop)
        await logs.flush(60)
    assert server.messages(GROUP) == LETTERS
    assert logs.statistics().delivered == len(LETTERS)
    assert logs.statistics().dropped == {}
    assert not [text for text in said.warnings if "bug" in text]


@pytest.mark.parametrize("index", ["1", 1.0, True, -1, [1]])
async def test_an_index_that_is_none_is_no_answer(server, shop, ship, index, balanced):
    """A 200 that says of its events what nobody can make sense of: they are sent again."""
    spoilt: list[object] = []

    def spoil(parsed, **_):
        if not spoilt:
            spoilt.append(index)
            parsed["rejectedLogEventsInfo"] = {"tooOldLogEventEndIndex": index}

    async with get_session().create_client("logs", endpoint_url=server.url) as client:
        client.meta.events.register("after-call.cloudwatch-logs.PutLogEvents", spoil)
        async with ship(client=client, endpoint_url=None) as logs:
            shop.info("hello")
            await logs.flush(60)
            balanced(logs)
    seen = logs.statistics()
    assert (seen.delivered, seen.dropped, seen.rejected) == (1, {}, {})


async def test_a_portal_is_named(server, shop, ship, said):
    """When something that is not CloudWatch Logs answers, the warning says where to look."""
    server.faults.garbage("html_200", times=1)
    async with ship() as logs:
        shop.info("hello")
        await logs.flush(60)
    (warning,) = said.warnings
    assert "Something that is not CloudWatch Logs answered" in warning
    assert "endpoint_url=" in warning


async def test_one_bad_event_costs_one_event(server, shop, ship, said, puts):
    """One event in 10 000 that AWS refuses is found by halving, dropped and reported; 9 999 are delivered."""
    lost: list[Lost] = []
    count, bad = 10_000, 7_003
    server.faults.poison(f"record {bad}.")
    async with ship(send_interval=3600, on_drop=lost.append) as logs:
        for number in range(count):
            shop.info("record %d.", number)
    expected = [f"record {number}." for number in range(count) if number != bad]
    assert server.messages(GROUP) == expected
    halvings = math.ceil(math.log2(count))
    assert len(server.calls("PutLogEvents")) <= 2 * halvings + 2
    assert logs.statistics().delivered == count - 1
    assert logs.statistics().dropped == {"refused": 1}
    (loss,) = lost
    assert (loss.reason, loss.stream, loss.messages) == ("refused", STREAM, [f"record {bad}."])
    assert loss.error is not None
    assert loss.error.code == "InvalidParameterException"
    assert len([text for text in said.warnings if "refuses an event" in text]) == 1


async def test_several_bad_events_cost_only_themselves(server, shop, ship, balanced):
    """Bad events at both ends and next to each other are all found."""
    bad = {0, 1, 57, 58, 199}
    for number in bad:
        server.faults.poison(f"record {number}.")
    async with ship(send_interval=3600) as logs:
        for number in range(200):
            shop.info("record %d.", number)
    assert server.messages(GROUP) == [f"record {n}." for n in range(200) if n not in bad]
    assert logs.statistics().dropped == {"refused": len(bad)}
    balanced(logs)
