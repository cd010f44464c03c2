"""What is used as something that it is not says what to use instead, at once, and never again."""

from __future__ import annotations

import asyncio
import logging
import logging.config
import logging.handlers
import queue
from typing import Any

import anyio
import pytest
from aiobotocore.session import get_session

from aiowatchtower import CloudWatchLogging, CloudWatchLogHandler


@pytest.fixture
def logger():
    """Give a logger that takes everything and has no handler."""
    found = logging.getLogger("wrong_kind")
    found.setLevel(logging.DEBUG)
    found.propagate = False
    found.handlers = []
    yield found
    found.handlers = []
    found.propagate = True


@pytest.fixture
def block():
    made: Any = CloudWatchLogging("/app")
    return made


def test_added_to_a_logger_that_has_handlers(logger, block):
    """`addHandler` itself raises when the logger has a handler already."""
    other = logging.NullHandler()
    logger.handlers = [other]
    with pytest.raises(TypeError, match="CloudWatchLogHandler"):
        logger.addHandler(block)
    assert logger.handlers == [other]


def test_added_to_a_logger_without_handlers(logger, block):
    """The first log call raises and takes the block off; the later ones reach the others undisturbed."""
    seen = []

    class Other(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())

    logger.handlers = []
    logger.addHandler(block)
    with pytest.raises(
        TypeError, match=r"CloudWatchLogHandler.*removed from the logger wrong_kind"
    ):
        logger.info("first")
    logger.addHandler(Other())
    logger.info("second")
    assert seen == ["second"]


async def test_added_to_a_logger_and_entered(logger):
    """Entering a block that is attached as a handler raises, and takes it off."""
    block = CloudWatchLogging("/app", loggers=["wrong_kind"])
    logger.handlers = [block]
    with pytest.raises(TypeError, match="CloudWatchLogHandler"):
        async with block:
            pytest.fail("entered")
    assert logger.handlers == []


@pytest.mark.parametrize(
    "more", [{}, {"level": "INFO"}, {"formatter": "plain"}, {"filters": []}], ids=str
)
@pytest.mark.parametrize("key", ["class", "()"])
def test_named_in_dict_config(key, more):
    """`dictConfig` refuses the block's class, whatever else the handler's entry has."""
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "%(message)s"}},
        "handlers": {
            "aws": {key: "aiowatchtower.CloudWatchLogging", "log_group_name": "/a", **more}
        },
    }
    with pytest.raises(ValueError, match="'aws'") as caught:
        logging.config.dictConfig(config)
    assert "CloudWatchLogHandler" in str(caught.value.__cause__)


def test_given_to_basic_config(block):
    """`basicConfig` raises, because it asks each of its handlers for a formatter."""
    root = logging.getLogger()
    before, root.handlers = root.handlers, []
    try:
        with pytest.raises(TypeError, match="CloudWatchLogHandler"):
            logging.basicConfig(handlers=[block])
        assert root.handlers == []
    finally:
        root.handlers = before


def test_given_to_a_relay(block, caplog):
    """A listener's thread goes on and says once what is wrong with one of its handlers."""
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(records, block)
    for _ in range(3):
        listener.handle(logging.makeLogRecord({"msg": "x"}))
    said = [r.getMessage() for r in caplog.records if r.name == "aiowatchtower"]
    assert len(said) == 1
    assert "CloudWatchLogHandler" in said[0]


async def test_awaited(block):
    """`await CloudWatchLogging(...)` says that a block is entered."""
    with pytest.raises(TypeError, match=r"async with CloudWatchLogging"):
        await block


def test_a_block_is_what_it_was_otherwise(block):
    """Comparing, hashing and looking for attributes that are not there work as for any object."""
    assert block == block
    assert block != CloudWatchLogging("/app")
    assert {block: 1}[block] == 1
    assert not hasattr(block, "name")
    assert not hasattr(block, "level")
    with pytest.raises(AttributeError, match="'CloudWatchLogging' object has no attribute 'flsh'"):
        block.flsh  # noqa: B018


async def test_a_handler_that_is_entered():
    """`async with` and `with` on a handler say which block runs it."""
    handler: Any = CloudWatchLogHandler("/app")
    with pytest.raises(TypeError, match=r"CloudWatchLogging\.from_handler"):
        async with handler:
            pytest.fail("entered")
    with pytest.raises(TypeError, match=r"CloudWatchLogging\.from_handler"), handler:
        pytest.fail("entered")


def test_entered_where_no_asyncio_loop_runs(block):
    """Entering under another kind of event loop, such as trio's, says what is needed."""
    entering = block.__aenter__()
    with pytest.raises(RuntimeError, match=r"needs a running asyncio event loop.*trio"):
        entering.send(None)


async def test_a_client_that_was_closed(server, logger):
    """A client that the application has closed is named, and asked to be kept open.

    Older releases of aiobotocore open it again, and the record arrives.
    """
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record):
            said.append(record.getMessage())

    listener, ours = Listener(), logging.getLogger("aiowatchtower")
    session = get_session()
    async with session.create_client("logs", endpoint_url=server.url) as client:
        pass
    logs = CloudWatchLogging(
        "/app", loggers=[logger], client=client, send_interval=0, shutdown_timeout=0.1
    )
    ours.addHandler(listener)
    try:
        async with logs:
            logger.warning("x")
            with anyio.fail_after(60):
                while not said and not logs.statistics().delivered:  # noqa: ASYNC110 - neither sets an event
                    await asyncio.sleep(0.01)
    finally:
        ours.removeHandler(listener)
    if logs.statistics().delivered:
        assert server.messages("/app") == ["x"]
        await client.close()
        return
    warning = said[0]
    assert "client= is closed" in warning
    assert "Keep it open for as long as the block is" in warning
    assert logs.statistics().possible_duplicates == 0
