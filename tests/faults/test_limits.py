"""The service's limits to the byte and to the millisecond, judged by the server."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time

import pytest

from aiowatchtower import CloudWatchLogFormatter, Lost

GROUP, STREAM = "/app", "web"
MAX_BYTES = 1_048_576
OVERHEAD = 26
HOUR, DAY = 3600.0, 86_400.0
# What a whole number of milliseconds is measured from, so that no rounding moves a limit.
WHOLE = 1_000.0


def _refused(server):
    """Return the puts that broke a rule: halving them would hide that they were cut wrongly."""
    return [put for put in server.calls("PutLogEvents") if "Invalid" in put.error_code]


async def test_ten_thousand_events_fill_a_put(server, shop, ship, puts):
    """10 001 records make a put of 10 000 and a put of one, all once and in logging order."""
    async with ship(send_interval=3600) as logs:
        for number in range(10_001):
            shop.info("%d", number)
    assert [put.event_count for put in puts()] == [10_000, 1]
    assert not _refused(server)
    assert server.messages(GROUP) == [str(number) for number in range(10_001)]
    assert logs.statistics().delivered == 10_001


@pytest.mark.parametrize("character", ["x", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
@pytest.mark.parametrize(("excess", "expected"), [(0, 1), (1, 2)], ids=["exact", "one-more"])
async def test_a_mebibyte_fills_a_put(server, shop, ship, puts, character, excess, expected):
    """1 048 576 bytes of UTF-8, the 26 of each event included, go out at once; one byte more does not."""
    text = character * ((MAX_BYTES // 2 - OVERHEAD) // len(character.encode()))
    async with ship(send_interval=3600):
        shop.info("%s", text)
        shop.info("%s", text + "y" * excess)
    assert len(puts()) == expected
    assert not _refused(server)
    assert sum(put.batch_bytes for put in puts()) == MAX_BYTES + excess
    assert server.messages(GROUP) == [text, text + "y" * excess]


async def test_the_largest_event_passes(server, shop, ship, said):
    """A message of 1 048 576 - 26 bytes is delivered as it is."""
    largest = "x" * (MAX_BYTES - OVERHEAD)
    async with ship():
        shop.info("%s", largest)
    assert server.messages(GROUP) == [largest]
    assert not said.warnings


async def test_longer_text_is_cut_and_says_so(server, shop, ship, said):
    """Longer messages are cut between two characters and end in a marker; one warning for all of them."""
    async with ship(max_message_size=1000):
        for character in "xé€🎈":
            shop.info("%s", character * 1000)
        shop.info("neighbour")
    *cut, neighbour = server.messages(GROUP)
    assert neighbour == "neighbour"
    for character, message in zip("xé€🎈", cut, strict=True):
        size = 1000 * len(character.encode())
        found = re.fullmatch(
            rf"({character}+) \[aiowatchtower: cut (\d+) of {size} bytes\]", message
        )
        assert found, message
        assert len(found[1].encode()) + int(found[2]) == size
        # One character less than fits, and room for the longest number of bytes to name.
        unused = 1000 - OVERHEAD - len(message.encode())
        assert 0 <= unused < len(character.encode()) + 4
    assert [text for text in said.warnings if "is cut to 1000" in text] == said.warnings
    assert len(said.warnings) == 1


async def test_a_long_object_stays_json(server, shop, ship):
    """A structured event above the limit loses text, not its form: it parses, and says what is missing."""
    async with ship(max_message_size=2000, formatter=CloudWatchLogFormatter(structured=True)):
        shop.info({"order": 7, "body": "é" * 5000})
    (message,) = server.messages(GROUP)
    assert len(message.encode()) <= 2000 - OVERHEAD
    event = json.loads(message)
    assert event["order"] == 7
    assert re.fullmatch(r"cut \d+ of \d+ bytes", event["aiowatchtower_cut"])


async def test_a_smaller_limit_is_learned(server, shop, ship, said):
    """`exceeds limit of 262144` is asked for once: the events are cut to it, and so are all later ones."""
    server.configure(max_event_bytes=262_144)
    async with ship() as logs:
        shop.info("before")
        shop.info("%s", "x" * 300_000)
        shop.info("after")
        await logs.flush(60)
        refused = [
            request for request in server.calls("PutLogEvents") if "Invalid" in request.error_code
        ]
        shop.info("%s", "y" * 300_000)
        await logs.flush(60)
    before, cut, after, later = server.messages(GROUP)
    assert (before, after) == ("before", "after")
    for message in (cut, later):
        assert 262_140 - OVERHEAD < len(message) <= 262_144 - OVERHEAD
        assert message.endswith(" of 300000 bytes]")
    assert len(refused) == 1
    again = [request for request in server.calls("PutLogEvents") if "Invalid" in request.error_code]
    assert again == refused
    assert [text for text in said.warnings if "262144" in text] == said.warnings
    assert logs.statistics().dropped == {}


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no repr")


def _cyclic():
    cyclic: dict[str, object] = {"k": 1}
    cyclic["self"] = cyclic
    return cyclic


STRANGE = {
    "whitespace": ("   ", ()),
    "NUL": ("a\0b", ()),
    "surrogate": ("lone \ud800 surrogate", ()),
    "bytes": (b"\xff\xfe", ()),
    "nan": ({"value": float("nan")}, ()),
    "tuple key": ({(1, 2): "value"}, ()),
    "cyclic": (_cyclic(), ()),
    "repr raises": ("value %r", (Unprintable(),)),
    "repr raises in a mapping": ({"value": Unprintable()}, ()),
    "wrong arguments": ("%d items", ("many",)),
    "too many arguments": ("no placeholder", (1, 2)),
    "3 MB": ("%s", ("x" * 3_000_000,)),
}


@pytest.mark.parametrize("structured", [False, True], ids=["text", "json"])
async def test_strange_records_arrive_degraded(server, shop, ship, capfd, structured):
    """What can hardly be shipped is delivered in some form, between neighbours that are untouched."""
    async with ship(formatter=CloudWatchLogFormatter(structured=structured)) as logs:
        for name, (message, arguments) in STRANGE.items():
            shop.info("before %s", name)
            shop.info(message, *arguments)
        shop.info("the last")
    messages = server.messages(GROUP)
    assert len(messages) == 2 * len(STRANGE) + 1
    texts = (
        [json.loads(message)["message"] for message in messages[::2]]
        if structured
        else messages[::2]
    )
    assert texts == [*(f"before {name}" for name in STRANGE), "the last"]
    if structured:
        assert all(isinstance(json.loads(message), dict) for message in messages)
    assert logs.statistics().delivered == len(messages)
    assert capfd.readouterr().err == ""


async def test_empty_events_are_skipped_and_counted(server, shop, ship, caplog):
    """CloudWatch Logs takes no empty event: "" and a formatter's "" are dropped alone, counted as empty."""

    class Shy(logging.Formatter):
        def format(self, record):
            return "" if record.getMessage() == "secret" else record.getMessage()

    async with ship(formatter=Shy()) as logs:
        for message in ("one", "", "two", "secret", "three"):
            shop.info(message)
    assert server.messages(GROUP) == ["one", "two", "three"]
    assert logs.statistics().dropped == {"empty": 2}
    [warning] = [each.getMessage() for each in caplog.records if each.name == "aiowatchtower"]
    assert warning.startswith(f"2 records for {GROUP} have neither text nor extra fields")


@pytest.mark.parametrize(("excess_ms", "expected"), [(0, 1), (1, 2)], ids=["exact", "one-more"])
async def test_a_day_fits_into_a_put(server, ship, puts, age, excess_ms, expected):
    """Events 24 h apart share a put, those 24 h and 1 ms apart do not; the oldest goes first."""
    now = time.time() // WHOLE * WHOLE
    async with ship(send_interval=3600) as logs:
        age(now, 0, "new")
        age(now, DAY + excess_ms / 1000, "old")
    assert len(puts()) == expected
    assert not _refused(server)
    assert [event.message for event in server.events(GROUP)] == ["old", "new"]
    assert [event.ingestion_index for event in server.events(GROUP)] == [0, 1]
    assert logs.statistics().delivered == 2


async def test_alternating_days_make_two_puts(server, ship, puts, age):
    """1 000 records, every other one two days old, make two puts and not 1 000; each keeps its order."""
    now = time.time() // WHOLE * WHOLE
    async with ship(send_interval=3600):
        for number in range(1000):
            age(now, 2 * DAY * (number % 2), str(number))
    assert [put.event_count for put in puts()] == [500, 500]
    assert not _refused(server)
    expected = [*map(str, range(1, 1000, 2)), *map(str, range(0, 1000, 2))]
    assert server.messages(GROUP) == expected


async def test_an_outage_does_not_move_time(server, ship, age):
    """An event's time is when the record was made, however much later it could be delivered."""
    now = time.time() // WHOLE * WHOLE
    server.down()
    async with ship() as logs:
        age(now, HOUR, "from an hour ago")
        age(now, HOUR, "in the same millisecond")
        with pytest.raises(TimeoutError):
            await logs.flush(0.2)
        await asyncio.to_thread(server.up)
    assert [(event.timestamp_ms, event.message) for event in server.events(GROUP)] == [
        ((now - HOUR) * 1000, "from an hour ago"),
        ((now - HOUR) * 1000, "in the same millisecond"),
    ]


async def test_events_out_of_time_are_counted_by_reason(server, ship, puts, age):
    """Too old, expired and too new events are counted as that, the rest of their puts is delivered, once."""
    now = time.time()
    lost: list[Lost] = []
    retention = 3
    async with ship(
        send_interval=3600, log_group_retention_days=retention, on_drop=lost.append
    ) as logs:
        for seconds, message in [
            (14 * DAY + HOUR, "too old 1"),
            (14 * DAY + HOUR, "too old 2"),
            (14 * DAY - HOUR, "expired 1"),
            (retention * DAY + HOUR, "expired 2"),
            (retention * DAY + HOUR, "expired 3"),
            (retention * DAY - HOUR, "kept 1"),
            (0, "kept 2"),
            (-HOUR, "kept 3"),
            (-3 * HOUR, "too new 1"),
        ]:
            age(now, seconds, message)
    seen = logs.statistics()
    assert server.messages(GROUP) == ["kept 1", "kept 2", "kept 3"]
    assert seen.delivered == 3
    assert seen.rejected == {"too_old": 2, "expired": 3, "too_new": 1}
    assert [put.event_count for put in puts()] == [3, 3, 3]
    told = sorted((loss.reason, loss.count, tuple(loss.messages)) for loss in lost)
    assert told == [
        ("expired", 1, ("expired 1",)),
        ("expired", 2, ("expired 2", "expired 3")),
        ("too_new", 1, ("too new 1",)),
        ("too_old", 2, ("too old 1", "too old 2")),
    ]
