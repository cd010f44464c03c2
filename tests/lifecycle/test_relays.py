"""Handlers of ours behind a QueueHandler or a MemoryHandler."""

from __future__ import annotations

import asyncio
import logging
import logging.config
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from logging.handlers import MemoryHandler, QueueHandler, QueueListener

import pytest

from aiowatchtower import CloudWatchLogging, CloudWatchLogHandler
from aiowatchtower._diagnostics.self_feeding import is_ours, shipping
from aiowatchtower._intake.attachment import Attachment

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


class Unknown(logging.Handler):
    """A relay of the application's own making: nothing tells that it passes records on."""

    def __init__(self, target: logging.Handler) -> None:
        super().__init__()
        self._target = target
        self._records: queue.SimpleQueue[logging.LogRecord | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._pass_on)

    def emit(self, record: logging.LogRecord) -> None:
        self._records.put(record)

    def _pass_on(self) -> None:
        while (record := self._records.get()) is not None:
            self._target.handle(record)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._records.put(None)
        self._thread.join()


@pytest.mark.parametrize("kind", ["queue", "unknown"])
async def test_a_relay_that_comes_later(server, handler, everything, elsewhere, kind, monkeypatch):
    """Nothing that is logged about our requests is shipped: no token, and no request that feeds the next."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the-session-token")
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    unknown = Unknown(handler)
    relay = QueueHandler(records) if kind == "queue" else unknown
    passing_on = QueueListener(records, handler) if kind == "queue" else unknown
    async with CloudWatchLogging.from_handler(handler) as logs:
        everything.addHandler(relay)
        passing_on.start()
        for number in range(3):
            logging.getLogger("shop").info("record %d", number)
            await elsewhere(server.wait_for, number + 1)
        passing_on.stop()
        await logs.flush()
    assert _messages(server) == ["record 0", "record 1", "record 2"]
    assert logs.statistics().logged == 3


async def test_the_watch_finds_a_relay(handler, everything):
    """A queue that is attached in the block gets its filter with the next look, and loses it at the end."""
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    relay = QueueHandler(records)
    attachment = Attachment([handler], [])
    everything.addHandler(relay)
    attachment.look_again()
    attachment.look_again()
    assert (len(relay.filters), len(handler.filters)) == (1, 1)
    with shipping():
        everything.info("by a library that nobody knows")
    record = records.get_nowait()
    assert not handler.filter(record)
    attachment.undo()
    assert (relay.filters, handler.filters) == ([], [])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="records name their task from 3.12 on")
async def test_our_tasks_are_known_by_their_names():
    """A record that one of our tasks has logged before its relay was found is not shipped."""

    async def log() -> logging.LogRecord:
        return logging.getLogger("stranger").makeRecord("stranger", 10, "", 0, "x", (), None)

    mine = await asyncio.create_task(log(), name="aiowatchtower /app")
    other = await asyncio.create_task(log(), name="worker of the application")
    assert is_ours(mine)
    assert not is_ours(other)


@pytest.mark.skipif(
    sys.version_info < (3, 14), reason="threads may inherit the context from 3.14 on"
)
def test_threads_that_inherit_the_mark():
    """A thread that was started while shipping inherits the context: its records are the application's."""
    program = """
import logging, sys, threading
from aiowatchtower import CloudWatchLogHandler
from aiowatchtower._diagnostics.self_feeding import shipping
logger, handler = logging.Logger("shop"), CloudWatchLogHandler("/app")
logger.addHandler(handler)
with shipping():
    thread = threading.Thread(target=logger.warning, args=("the application's",))
    thread.start()
    logger.warning("ours")
thread.join()
assert sys.flags.thread_inherit_context
print(handler.statistics().logged)
"""
    done = subprocess.run(
        [sys.executable, "-X", "thread_inherit_context=1", "-c", program],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr
