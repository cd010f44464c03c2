"""`logging` is reconfigured, closed and shut down around an open block, as frameworks do."""

from __future__ import annotations

import copy
import logging
import logging.config
import time

import pytest
from uvicorn.config import LOGGING_CONFIG

from aiowatchtower import CloudWatchLogging


@pytest.fixture(autouse=True)
def _logging_is_restored():
    """Give logging its handlers, levels and loggers back."""
    root = logging.getLogger()
    known = [
        root,
        *map(
            logging.getLogger,
            ("uvicorn", "uvicorn.access", "uvicorn.error", "shop", "aiowatchtower"),
        ),
    ]
    states = [(each, each.level, each.handlers[:], each.propagate, each.disabled) for each in known]
    yield
    for each, level, handlers, propagate, disabled in states:
        each.setLevel(level)
        each.handlers[:] = handlers
        each.propagate, each.disabled = propagate, disabled
    for found in logging.Logger.manager.loggerDict.values():
        if isinstance(found, logging.Logger):
            found.disabled = False


@pytest.mark.parametrize(
    "disturb",
    [
        lambda logs: logging.config.dictConfig(copy.deepcopy(LOGGING_CONFIG)),
        lambda logs: logging.config.dictConfig({"version": 1, "disable_existing_loggers": False}),
        lambda logs: logging.shutdown(),
        lambda logs: logs.handler.close(),
        lambda logs: logs.handler.flush(),
    ],
    ids=["uvicorn's dictConfig", "empty dictConfig", "shutdown", "close", "flush"],
)
async def test_closed_inside_the_block(server, block, logger, said, disturb):
    """What closes or flushes the handler does not end the delivery."""
    async with block() as logs:
        logger.info("before")
        disturb(logs)
        logger.info("after")
        await logs.flush(timeout=60)
        assert server.messages("/app") == ["before", "after"]
        disturb(logs)
        logger.info("at the end")
    assert server.messages("/app") == ["before", "after", "at the end"]
    assert said == []


async def test_detached_right_before_the_end(server, block, said):
    """The warning comes also when the block is left before it has been looked at again."""
    async with block(loggers=["shop"]):
        logging.config.dictConfig(
            {"version": 1, "loggers": {"shop": {"level": "INFO", "handlers": []}}}
        )
        logging.getLogger("shop").warning("lost")
    assert server.calls("PutLogEvents") == []
    assert len([text for text in said if "from: shop." in text]) == 1


async def _ticks(server, block, elsewhere, count):
    """Return when a second block has delivered so often that the first has looked at its loggers again."""
    clock = logging.getLogger("clock")
    clock.propagate = False
    async with block("/clock", loggers=[clock], send_interval=0.5) as ticking:
        for number in range(1, count + 1):
            clock.warning("tick")
            await elsewhere(server.wait_for, number, group="/clock")
        await ticking.flush()


async def test_attached_again_to_named_loggers(server, block, said, elsewhere):
    """A logger named in `loggers=` that loses its handler gets it back, with one notice that names it."""
    logging.getLogger("aiowatchtower").setLevel("INFO")
    names = ("", "uvicorn.access", "shop")
    async with block(loggers=names, send_interval=0.1) as logs:
        shop = logging.getLogger("shop")
        shop.warning("before")
        logging.config.dictConfig({**copy.deepcopy(LOGGING_CONFIG), "root": {"level": "INFO"}})
        await _ticks(server, block, elsewhere, 2)
        request = ("127.0.0.1:80", "GET", "/", "1.1", 200)
        logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', *request)
        shop.handlers = [logging.NullHandler()]
        shop.propagate = False
        await _ticks(server, block, elsewhere, 2)
        shop.warning("after")
    notices = [text for text in said if "attached again" in text]
    assert [text.partition(" from: ")[2].partition(".")[0] for text in notices] == [
        "root, uvicorn", "shop",
    ]  # fmt: skip
    assert all(text.startswith("INFO") for text in notices)
    assert server.messages("/app") == [
        "before", '127.0.0.1:80 - "GET / HTTP/1.1" 200', "after",
    ]  # fmt: skip
    assert all(logs.handler not in logging.getLogger(name).handlers for name in names)


async def test_detached_where_nobody_named_the_logger(server, block, said, elsewhere):
    """A logger that is not named in `loggers=` stays as it is, and one warning names it."""
    made = block(loggers=[], send_interval=0.1)
    shop = logging.getLogger("shop")
    shop.addHandler(made.handler)
    async with made as logs:
        shop.warning("before")
        shop.handlers = []
        await _ticks(server, block, elsewhere, 3)
        shop.warning("after")
        assert shop.handlers == []
        await logs.flush()
    [warning] = [text for text in said if "removed" in text]
    assert (
        "for /app was removed (by dictConfig, fileConfig or removeHandler) from: shop." in warning
    )
    assert server.messages("/app") == ["before"]


async def test_handlers_that_a_configuration_makes_later(server, said, elsewhere, block):
    """`configured()` also runs a handler that appears after entry, with what it has kept, in place of the first."""

    def config(group):
        handler = {"class": "aiowatchtower.CloudWatchLogHandler", "log_group_name": group}
        handler |= {"log_stream_name": "web", "endpoint_url": server.url, "send_interval": 0.1}
        shop = {"level": "INFO", "handlers": ["cloudwatch"], "propagate": False}
        return {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"cloudwatch": handler},
            "loggers": {"shop": shop},
        }

    shop = logging.getLogger("shop")
    logging.config.dictConfig(config("/first"))
    async with CloudWatchLogging.configured() as logs:
        shop.info("first")
        logging.config.dictConfig(config("/second"))
        shop.info("second")
        await elsewhere(server.wait_for, 1, group="/second")
        assert [each.settings.log_group_name for each in logs.handlers] == ["/first", "/second"]
        shop.info("at the end")
    assert server.messages("/first") == ["first"]
    assert server.messages("/second") == ["second", "at the end"]
    assert said == []
    assert logs.statistics().delivered == 3


async def test_handler_declared_in_a_configuration(server, said):
    """A handler that dictConfig has made is run by `configured()`, with what came before it."""
    handler = {"class": "aiowatchtower.CloudWatchLogHandler", "log_group_name": "/app"}
    handler |= {"log_stream_name": "web", "endpoint_url": server.url}
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"cloudwatch": handler},
        "loggers": {"shop": {"level": "INFO", "handlers": ["cloudwatch"], "propagate": False}},
    }
    logging.config.dictConfig(config)
    shop = logging.getLogger("shop")
    shop.info("early")
    async with CloudWatchLogging.configured() as logs:
        shop.info("inside")
        assert logs.handler in shop.handlers
    assert server.messages("/app") == ["early", "inside"]
    assert said == []


async def test_nothing_configured(said):
    """A block that finds no handler to run says what to do, and is left in peace."""
    async with CloudWatchLogging.configured() as logs:
        assert logs.handlers == ()
    assert [text[:7] for text in said] == ["WARNING"]
    assert "dictConfig" in said[0]


async def test_records_from_before_the_block(server, block, logger):
    """Records from before entry arrive with the times at which they were logged."""
    logs = block()
    logger.addHandler(logs.handler)
    started = int(time.time() * 1000)
    for number in range(3):
        logger.info("early %d", number)
    old = logger.makeRecord("shop", logging.INFO, __file__, 1, "an hour ago", (), None)
    old.created -= 3600
    logger.handle(old)
    logged = int(time.time() * 1000) + 1
    async with logs:
        logger.info("inside")
    events = server.events("/app")
    texts = ["an hour ago", "early 0", "early 1", "early 2", "inside"]
    assert [event.message for event in events] == texts
    assert events[0].timestamp_ms == int(old.created * 1000)
    assert all(started <= event.timestamp_ms <= logged for event in events[1:4])


async def test_records_from_before_the_block_are_bounded(server, block, logger):
    """Before entry no more is kept than the buffer holds; the rest is counted, and the gap is marked."""
    logs = block(max_buffer_size=10_000)
    logger.addHandler(logs.handler)
    for number in range(1000):
        logger.info("record %04d", number)
    seen = logs.statistics()
    assert seen.logged == 1000
    assert seen.pending_bytes <= 10_000
    async with logs:
        pass
    seen = logs.statistics()
    kept = seen.delivered
    assert kept == 1000 - seen.dropped["buffer_full"] > 200
    texts = server.messages("/app")
    assert [text for text in texts if text.startswith("record")] == [
        f"record {number:04}" for number in range(kept)
    ]
    [gap] = [text for text in texts if not text.startswith("record")]
    assert gap.startswith(f"aiowatchtower: {1000 - kept} records dropped (buffer full)")


async def test_records_after_the_block(server, block, logger, said):
    """Records after exit raise nothing, are counted, and bring one warning at most."""
    async with block() as logs:
        logger.info("inside")
    logger.addHandler(logs.handler)
    for _ in range(1000):
        logger.warning("late")
    assert server.messages("/app") == ["inside"]
    seen = logs.statistics()
    assert (seen.logged, seen.delivered, seen.pending) == (1001, 1, 0)
    assert seen.dropped == {"after_exit": 1000}
    assert len(said) == 1
    assert "/app" in said[0]


async def test_handler_on_root_and_below(server, block, logger):
    """With the handler on several loggers on a record's way, each record is sent once."""
    root, child = logging.getLogger(), logging.getLogger("shop.orders")
    async with block(loggers=["", "shop", "shop.orders"]) as logs:
        child.warning("from the child")
        logging.getLogger("shop").warning("from its parent")
        root.warning("from the root")
        child.warning("same text")
        child.warning("same text")
    assert server.messages("/app") == [
        "from the child", "from its parent", "from the root", "same text", "same text",
    ]  # fmt: skip
    assert logs.statistics().logged == 5


async def test_same_record_through_a_queue_listener(server, block, logger):
    """A record that a filter or another handler hands on again as a copy is a record of its own."""
    async with block() as logs:
        record = logger.makeRecord("shop", logging.INFO, __file__, 1, "copied", (), None)
        logger.handle(record)
        logger.handle(copy.copy(record))
    assert server.messages("/app") == ["copied", "copied"]
    assert logs.statistics().logged == 2
