"""What logging a record leaves as it was, and when its content is taken."""

from __future__ import annotations

import contextvars
import gc
import json
import logging
import weakref

import pytest

from aiowatchtower import CloudWatchLogFormatter


class _Keeper(logging.Handler):
    """Sees records after the handler under test, as a console or an error tracker does."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def emit(self, record):
        self.seen.append(dict(record.__dict__))


@pytest.mark.parametrize("structured", [False, True])
async def test_record_is_unchanged_for_others(server, block, logger, structured):
    """Other handlers see the record, the user's dict and the cached traceback as they were."""
    before, after = _Keeper(), _Keeper()
    formatter = CloudWatchLogFormatter(structured=structured)
    async with block(formatter=formatter) as logs:
        logger.removeHandler(logs.handler)
        for handler in (before, logs.handler, after):
            logger.addHandler(handler)
        mine = {"k": [1, 2], "nested": {"deep": {1, 2}}}
        kept = {"k": [1, 2], "nested": {"deep": {1, 2}}}
        try:
            raise ValueError("wrong")
        except ValueError:
            logger.exception(mine, extra={"request_id": "r1"})
            logger.exception("order %s of %s", 7, mine)
        logger.removeHandler(before)
        logger.removeHandler(after)
    assert mine == kept
    assert len(server.messages("/app")) == 2
    assert after.seen == before.seen
    assert after.seen[0]["msg"] is mine


async def test_values_at_call_time(server, block, logger):
    """A list that changes after the call, and a context variable, show what they were when logged."""
    request = contextvars.ContextVar("request", default="none")

    class InContext(logging.Formatter):
        def format(self, record):
            return f"{request.get()}: {super().format(record)}"

    async with block(formatter=InContext()):
        cart = ["apple"]
        token = request.set("r1")
        logger.info("cart %s", cart)
        logger.info(cart)
        request.reset(token)
        cart.append("pear")
        logger.info("cart %s", cart)
    assert server.messages("/app") == [
        "r1: cart ['apple']", "r1: ['apple']", "none: cart ['apple', 'pear']",
    ]  # fmt: skip


async def test_no_traceback_is_kept_alive(server, block):
    """What the frames of a logged exception hold is free as soon as the call is over."""
    # Not in logging's tree: a test runner's handlers there keep records.
    alone = logging.Logger("alone")

    class Large:
        pass

    def fail():
        large = Large()
        alive = weakref.ref(large)
        try:
            raise ValueError("wrong", large)
        except ValueError:
            alone.exception("failed")
        return alive

    async with block(loggers=[alone]):
        alive = fail()
        gc.collect()
        assert alive() is None
    assert "ValueError" in server.messages("/app")[0]


async def test_exception_with_a_dict(server, block, logger):
    """`logger.exception` with a dict and extra fields is one JSON event with all of it."""
    async with block():
        try:
            raise ValueError("wrong")
        except ValueError:
            logger.exception({"k": 1}, extra={"request_id": "r1"})
    [text] = server.messages("/app")
    event = json.loads(text)
    assert (event["k"], event["request_id"]) == (1, "r1")
    assert "ValueError: wrong" in text
    assert "Traceback" in text
