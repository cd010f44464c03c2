"""Handlers of ours behind a QueueHandler or a MemoryHandler."""

from __future__ import annotations

import logging
import logging.config
import queue
import sys
from collections.abc import Iterator
from logging.handlers import MemoryHandler, QueueHandler, QueueListener

import pytest

from aiowatchtower import CloudWatchLogging, CloudWatchLogHandler

STREAM = "web"


@pytest.fixture
def everything() -> Iterator[logging.Logger]:
    """Return the root logger with everything at DEBUG, as it was afterwards."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    root.setLevel(logging.DEBUG)
    for handler in handlers:
        root.removeHandler(handler)
    yield root
    root.setLevel(level)
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in handlers:
        root.addHandler(handler)


@pytest.fixture
def handler(server) -> CloudWatchLogHandler:
    """Return a handler that ships to the server at once."""
    return CloudWatchLogHandler(
        "/app", STREAM, endpoint_url=server.url, send_interval=0, shutdown_timeout=2
    )


@pytest.fixture
def relay(handler, everything, request) -> Iterator[logging.Handler]:
    """Return what passes the root logger's records on to the handler."""
    if request.param == "memory":
        memory = MemoryHandler(1, target=handler)
        everything.addHandler(memory)
        yield memory
        return
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    relay = QueueHandler(records)
    listener = QueueListener(records, handler)
    everything.addHandler(relay)
    listener.start()
    yield relay
    listener.stop()


def _messages(server):
    """Return what has arrived, but for what asyncio says of the loop that the test is run on."""
    return [text for text in server.messages("/app") if "selector" not in text]


EACH_RELAY = pytest.mark.parametrize("relay", ["queue", "memory"], indirect=True)


@EACH_RELAY
async def test_what_shipping_logs_is_not_shipped(server, handler, relay, elsewhere):
    """One record is one event, however much is logged while it is shipped, and however it gets there."""
    async with CloudWatchLogging.from_handler(handler) as logs:
        logging.getLogger("shop").info("one")
        await elsewhere(server.wait_for, 1)
        logging.getLogger("shop").info("two")
        await elsewhere(server.wait_for, 2)
        await logs.flush()
    assert _messages(server) == ["one", "two"]
    assert relay.filters == []
    assert handler.filters == []


@EACH_RELAY
async def test_warnings_are_not_lost_in_the_queue(server, handler, relay, everything, capfd):
    """Where nothing else is known to be read, they go to stderr, and never to CloudWatch Logs."""
    # pytest's own are read.
    for each in [each for each in everything.handlers if each is not relay]:
        everything.removeHandler(each)
    server.faults.deny(times=1)
    async with CloudWatchLogging.from_handler(handler) as logs:
        logging.getLogger("shop").info("record")
        await logs.flush(60)
    assert "AccessDeniedException" in capfd.readouterr().err
    assert _messages(server) == ["record"]


@pytest.mark.parametrize("relay", ["memory"], indirect=True)
async def test_a_target_is_found(server, handler, relay):
    """`configured()` finds a handler that is a MemoryHandler's target."""
    async with CloudWatchLogging.configured() as logs:
        assert logs.handlers == (handler,)
        logging.getLogger("shop").info("record")
    assert _messages(server) == ["record"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="dictConfig makes listeners from 3.12 on")
async def test_a_configured_listener_is_found(server, everything):
    """`configured()` finds a handler behind a queue that dictConfig has made."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {
                "cloudwatch": {
                    "class": "aiowatchtower.CloudWatchLogHandler",
                    "log_group_name": "/app",
                    "endpoint_url": server.url,
                },
                "queue": {"class": "logging.handlers.QueueHandler", "handlers": ["cloudwatch"]},
            },
            "root": {"level": "DEBUG", "handlers": ["queue"]},
        }
    )
    [relay] = everything.handlers
    relay.listener.start()
    async with CloudWatchLogging.configured():
        logging.getLogger("shop").info("record")
        relay.listener.stop()
    assert _messages(server) == ["record"]


@EACH_RELAY
async def test_what_is_said_of_the_end_is_not_late(
    server, handler, relay, everything, capfd, elsewhere
):
    """Our own warning comes back through the queue, and is no record logged after the block."""
    for each in [each for each in everything.handlers if each is not relay]:
        everything.removeHandler(each)
    server.faults.hang(containing="record")
    async with CloudWatchLogging.from_handler(handler) as logs:
        logging.getLogger("shop").warning("record")
        calls = 0
        while not any(call.fault for call in server.requests):
            calls = await elsewhere(server.wait_for_calls, calls + 1)
    printed = capfd.readouterr().err
    assert "could not be delivered" in printed
    assert "keep the block open" not in printed
    assert logs.statistics().dropped.keys() == {"shutdown"}
