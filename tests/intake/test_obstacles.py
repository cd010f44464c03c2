"""Loggers that are set up so that nothing arrives, or everything twice: one warning that says what to do."""

from __future__ import annotations

import asyncio
import logging
import logging.handlers
import queue
from typing import Any

import pytest
from moto import mock_aws
from tests.intake.loops import IdleLoop

from aiowatchtower import CloudWatchLogging, CloudWatchLogHandler
from aiowatchtower._intake.attachment import Attachment
from aiowatchtower._intake.wrong_kind import all_loggers


@pytest.fixture
def logger():
    """Give a logger of its own below the root, with a child, and restore both."""
    found = logging.getLogger("obstacles")
    child = found.getChild("child")
    yield found
    for each in (found, child):
        each.setLevel(logging.NOTSET)
        each.handlers = []
        each.propagate = True
        each.disabled = False
    logging.disable(logging.NOTSET)


def _look(logger, handler, times=1):
    attachment = Attachment([handler], [logger])
    for _ in range(times):
        attachment.look_again()
    attachment.undo()


def test_hidden_by_the_loggers_own_level(logger, said):
    """The warning names the logger, both levels and the call that lowers the logger's."""
    logger.setLevel(logging.ERROR)
    _look(logger, CloudWatchLogHandler("/app", level="INFO"), times=3)
    (text,) = said
    assert text == (
        "level=INFO for /app has no effect on the logger obstacles: the logger's level is ERROR (its own), "
        "and it passes on nothing below that. To ship records from INFO on, call "
        "logging.getLogger('obstacles').setLevel('INFO')"
    )


def test_hidden_by_the_level_of_an_ancestor(logger, said):
    """A logger without a level of its own has that of the root logger, which is named."""
    _look(logger, CloudWatchLogHandler("/app", level=logging.DEBUG))
    (text,) = said
    assert "the logger's level is WARNING (inherited from the logger root)" in text
    assert "logging.getLogger('obstacles').setLevel('DEBUG')" in text


def test_hidden_on_the_root_logger(said):
    """The root logger is addressed as users write it."""
    levels = {each: each.level for each in all_loggers()[1:]}
    for each in levels:
        each.setLevel(logging.NOTSET)
    try:
        _look(logging.getLogger(), CloudWatchLogHandler("/app", level="INFO"))
    finally:
        for each, level in levels.items():
            each.setLevel(level)
    (text,) = said
    assert text.startswith("level=INFO for /app has no effect on the logger root")
    assert text.endswith("call logging.getLogger().setLevel('INFO')")


def test_hidden_by_logging_disable(logger, said):
    """`logging.disable` is named when it is the reason."""
    logger.setLevel(logging.DEBUG)
    logging.disable(logging.INFO)
    _look(logger, CloudWatchLogHandler("/app", level="INFO"))
    (text,) = said
    assert "logging.disable(INFO) is in force" in text
    assert text.endswith("call logging.disable(logging.NOTSET)")


def test_disabled_after_entry(logger, said):
    """A logger that `dictConfig` disables while the block is open is told of once."""
    logger.setLevel(logging.DEBUG)
    attachment = Attachment([CloudWatchLogHandler("/app")], [logger])
    attachment.look_again()
    assert said == []
    logger.disabled = True
    for _ in range(100):
        attachment.look_again()
    attachment.undo()
    (text,) = said
    assert text.startswith("the logger obstacles is disabled")
    assert "disable_existing_loggers=False" in text


@pytest.mark.parametrize(
    ("level", "child_level"),
    [(logging.NOTSET, None), (logging.WARNING, None), (logging.INFO, logging.INFO)],
    ids=["default level", "level that the logger lets pass", "a child with a level of its own"],
)
def test_not_hidden(logger, said, level, child_level):
    """Nothing is said where `level=` asks for nothing, has its effect, or is met by a logger below."""
    if child_level is not None:
        logger.getChild("child").setLevel(child_level)
    _look(logger, CloudWatchLogHandler("/app", level=level))
    assert said == []


def test_a_child_that_does_not_propagate_changes_nothing(logger, said):
    """Uvicorn's loggers have levels of their own, and their records do not reach the root logger."""
    child = logger.getChild("child")
    child.setLevel(logging.INFO)
    child.propagate = False
    _look(logger, CloudWatchLogHandler("/app", level="INFO"))
    assert len(said) == 1


async def test_shipped_twice(server, said, logger):
    """Two blocks for one group whose loggers overlap: the second says so, and names both handlers."""
    child = logger.getChild("child")
    first = CloudWatchLogging("/app", "one", loggers=[logger], endpoint_url=server.url)
    second = CloudWatchLogging("/app", "two", loggers=[child], endpoint_url=server.url)
    async with first, second:
        pass
    (text,) = said
    assert text.startswith("records of the logger obstacles.child are shipped to /app twice, by <")
    assert "/app one" in text
    assert "/app two" in text


@pytest.mark.parametrize(
    ("group", "stream", "level", "warns"),
    [
        ("/app", "web", logging.ERROR, True),
        ("/app", "errors", logging.NOTSET, True),
        ("/app", "errors", logging.ERROR, False),
        ("/other", "web", logging.NOTSET, False),
    ],
)
def test_what_counts_as_shipped_twice(logger, said, group, stream, level, warns):
    """Another group is meant, and so is a stream of their own for some of the records."""
    first = CloudWatchLogHandler("/app", "web")
    logger.addHandler(first)
    first.inbox.enter(IdleLoop())  # type: ignore[arg-type]
    _look(logger, CloudWatchLogHandler(group, stream, level=level))
    assert [text for text in said if "twice" in text] == said[: int(warns)]
    assert any("twice" in text for text in said) == warns


@pytest.mark.parametrize("runs", [False, True])
def test_a_listener_that_is_not_running(logger, said, runs):
    """A queue whose listener nobody has started is told of a moment after entry."""
    handler = CloudWatchLogHandler("/app")
    relay: Any = logging.handlers.QueueHandler(queue.SimpleQueue())
    relay.name = "relay"
    relay.listener = logging.handlers.QueueListener(relay.queue, handler)
    logger.handlers = [relay]
    if runs:
        relay.listener.start()
    attachment = Attachment([handler], [])
    attachment.look_again()
    assert said == []
    for _ in range(100):
        attachment.look_again()
    attachment.undo()
    if runs:
        relay.listener.stop()
    assert len(said) == (not runs)
    if not runs:
        assert "behind a QueueHandler on the logger obstacles" in said[0]
        assert "logging.getHandlerByName('relay').listener.start()" in said[0]


async def test_under_motos_mock_aws(said, logger):
    """Moto's `mock_aws` is recognised, and `installed()` is named instead."""
    spoken = asyncio.Event()

    class Listener(logging.Handler):
        def emit(self, record):
            if "mock_aws" in record.getMessage():
                spoken.set()

    listener, ours = Listener(), logging.getLogger("aiowatchtower")
    ours.addHandler(listener)
    try:
        with mock_aws():
            block = CloudWatchLogging(
                "/app", loggers=[logger], send_interval=0, shutdown_timeout=0.1
            )
            async with block:
                logger.warning("hello")
                await spoken.wait()
    finally:
        ours.removeHandler(listener)
    # Others may speak as well: a block of an earlier test that is thrown away only now.
    text = next(text for text in said if "mock_aws" in text)
    assert "moto's mock_aws is active" in text
    assert "aiowatchtower.testing.CloudWatchLogs().installed()" in text
