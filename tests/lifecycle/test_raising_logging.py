"""Filters, handlers and record factories of the application that raise: delivery goes on, nothing comes out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import pytest

from aiowatchtower import CloudWatchLogging

service: ContextVar[str] = ContextVar("service")


class Webhook(logging.Handler):
    """Posts each record to a place that cannot be reached, and does not catch what that raises."""

    def emit(self, record: logging.LogRecord) -> None:
        raise ConnectionError(record.name)


class Console(logging.Handler):
    """Shows what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.shown.append(record.name)


def _with_service(record: logging.LogRecord) -> bool:
    record.service = service.get()
    return True


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """Return the root logger without handlers and at DEBUG, and leave it as it was."""
    root = logging.getLogger()
    level, handlers, filters = root.level, root.handlers, root.filters
    root.handlers, root.filters = [], []
    root.setLevel(logging.DEBUG)
    yield root
    root.handlers, root.filters = handlers, filters
    root.setLevel(level)


@pytest.fixture
def factory() -> Iterator[Callable[[Callable[..., logging.LogRecord]], None]]:
    """Return `logging.setLogRecordFactory`; afterwards the factory is what it was."""
    before = logging.getLogRecordFactory()
    yield logging.setLogRecordFactory
    logging.setLogRecordFactory(before)


@pytest.fixture
def guarded() -> Iterator[logging.Logger]:
    """Return a logger of botocore's that has a filter of the application, and take it off again."""
    logger = logging.getLogger("botocore.endpoint")
    logger.addFilter(_with_service)
    yield logger
    logger.removeFilter(_with_service)


async def _ship(block: Callable[..., CloudWatchLogging], logger: logging.Logger) -> None:
    async with block(send_interval=0) as logs:
        for number in range(3):
            logger.info("record %d", number)
            await logs.flush(60)
    assert logs.statistics().delivered == 3
    # The application's logging raised before the request or after it: no batch was sent twice.
    assert (logs.statistics().retries, logs.statistics().possible_duplicates) == (0, 0)


async def test_a_filter_with_a_context_variable(server, block, logger, root, capfd):
    """A console filter that raises where its variable is not set raises in botocore's log calls."""
    console = Console()
    console.addFilter(_with_service)
    root.addHandler(console)
    await _ship(block, logger)
    assert server.messages("/app") == ["record 0", "record 1", "record 2"]
    assert "raised LookupError" in capfd.readouterr().err


async def test_a_handler_that_raises(server, block, logger, root):
    """A webhook without network raises for each record of botocore's, and each of our own."""
    root.addHandler(Webhook())
    await _ship(block, logger)
    assert server.messages("/app") == ["record 0", "record 1", "record 2"]


async def test_a_filter_on_a_logger_of_botocores(server, block, logger, root, guarded):
    """A filter that the application has put on the very logger that logs our requests."""
    root.addHandler(Console())
    await _ship(block, logger)
    assert server.messages("/app") == ["record 0", "record 1", "record 2"]
    assert guarded.filters == [_with_service]


@pytest.mark.parametrize("when", ["before the block", "in the block"])
async def test_a_record_factory_that_raises(server, block, logger, root, factory, when):
    """A record factory that raises for what is not the application's own does not end delivery."""
    console = Console()
    root.addHandler(console)

    def make(name: str, *arguments, **keywords) -> logging.LogRecord:
        if name != logger.name:
            raise AttributeError(name)
        return logging.LogRecord(name, *arguments, **keywords)

    if when == "before the block":
        factory(make)
        await _ship(block, logger)
        assert logging.getLogRecordFactory() is make
        assert "botocore.endpoint" in console.shown
    else:
        async with block(send_interval=0) as logs:
            factory(make)
            logger.info("record 0")
            await logs.flush(60)
            # What is logged while shipping is guarded from the next look on; until then it is a
            # failure that passes.
            logger.info("record 1")
            await logs.flush(60)
        assert logs.statistics().delivered == 2
    assert "record 0" in server.messages("/app")
    with pytest.raises(AttributeError):
        logging.getLogger("other").info("raises as it does without us")


async def test_an_outage_with_a_webhook(server, block, logger, root):
    """The warning of an outage reaches a handler that raises; the records arrive when it is over."""
    warned = asyncio.Event()

    class Failing(Webhook):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name == "aiowatchtower":
                warned.set()
            super().emit(record)

    root.addHandler(Failing())
    server.down()
    async with block(send_interval=0) as logs:
        for number in range(20):
            logger.info("record %d", number)
        await asyncio.wait_for(warned.wait(), 60)
        server.up()
        await logs.flush(60)
    assert server.messages("/app") == [f"record {number}" for number in range(20)]


async def test_our_warnings_do_not_come_out_of_the_applications_log_calls(
    server, block, logger, capfd
):
    """A record over the limit, and one after the block: their warnings meet a handler that raises."""
    ours, webhook = logging.getLogger("aiowatchtower"), Webhook()
    logs = block(max_message_size=1000)
    logger.addHandler(logs.handler)
    ours.addHandler(webhook)
    try:
        async with logs:
            logger.warning("x" * 2000)
        logger.warning("late")
    finally:
        ours.removeHandler(webhook)
    assert logs.statistics().delivered == 1
    printed = capfd.readouterr().err
    assert "a record of 2026 bytes is cut" in printed
    assert "records logged after the block" in printed
    assert "the application's logging raised ConnectionError" in printed


async def test_guards_stay_while_any_block_is_open(server, block, logger, root):
    """Two blocks share the guards of botocore's loggers: the first to be left takes none away."""
    root.addHandler(Webhook())
    botocore = logging.getLogger("botocore.endpoint")
    # A block of another test may have ended with its loop, and left its own.
    before = list(botocore.filters)
    async with block(loggers=[], stream="first"):
        guarded = list(botocore.filters)
        assert guarded
        async with block(loggers=[], stream="second"):
            pass
        assert botocore.filters == guarded
    assert botocore.filters == before


def test_guards_go_with_a_loop_that_was_closed_inside_its_block(server, block, logger):
    """The next record of a guarded logger takes the guards off when the block's loop was closed."""
    botocore = logging.getLogger("botocore.endpoint")
    loop = asyncio.new_event_loop()
    logs = block()
    loop.run_until_complete(logs.start())
    loop.run_until_complete(asyncio.sleep(0))
    assert botocore.filters
    for task in asyncio.all_tasks(loop):
        task.cancel()
        loop.run_until_complete(asyncio.wait([task]))
    loop.close()
    botocore.warning("of the application's own client")
    assert botocore.filters == []
