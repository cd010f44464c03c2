"""Handlers on loggers: put there on entry, taken away on exit, missed when others remove them."""

from __future__ import annotations

import itertools
import logging

import pytest

from aiowatchtower import CloudWatchLogHandler
from aiowatchtower._diagnostics.rate_limit import Diagnostics
from aiowatchtower._intake.attachment import Attachment, find_handlers

NAMES = ("attached", "attached.child", "attached.other")


@pytest.fixture
def loggers():
    """Give three loggers, and take every handler off them afterwards."""
    found = [logging.getLogger(name) for name in NAMES]
    yield found
    for logger in found:
        logger.handlers.clear()


@pytest.fixture
def handler():
    return CloudWatchLogHandler("/app")


def _warnings(caplog):
    return [r.getMessage() for r in caplog.records if r.name == "aiowatchtower"]


def test_handlers_are_attached_and_taken_away(loggers, handler):
    """Each handler is on each logger while it lasts, and the loggers are then as they were."""
    other = CloudWatchLogHandler("/other")
    attachment = Attachment([handler, other], loggers)
    assert [logger.handlers for logger in loggers] == [[handler, other]] * 3
    attachment.undo()
    assert [logger.handlers for logger in loggers] == [[]] * 3


def test_what_was_attached_before_stays(loggers, handler):
    """A handler that the application has attached itself is still there afterwards."""
    loggers[0].addHandler(handler)
    attachment = Attachment([handler], loggers[:2])
    assert loggers[0].handlers == [handler]
    attachment.undo()
    assert [logger.handlers for logger in loggers] == [[handler], [], []]


def test_a_logger_named_twice_has_the_handler_once(loggers, handler):
    """Naming a logger twice is no mistake, and is undone whole."""
    attachment = Attachment([handler], [loggers[0], loggers[0]])
    assert loggers[0].handlers == [handler]
    attachment.undo()
    assert loggers[0].handlers == []


def test_undoing_what_somebody_else_has_undone_is_fine(loggers, handler):
    """A handler that was removed meanwhile, or an attachment undone twice, is no error."""
    attachment = Attachment([handler], loggers)
    loggers[0].removeHandler(handler)
    attachment.undo()
    attachment.undo()
    assert [logger.handlers for logger in loggers] == [[]] * 3


def test_a_detached_handler_is_missed_once(loggers, handler, caplog):
    """When a configuration removes the handler, one warning names the loggers and what to do."""
    # A clock on which a minute passes between any two looks.
    handler.diagnostics = Diagnostics(itertools.count(0.0, 61.0).__next__)
    attachment = Attachment([handler], loggers)
    attachment.warn_of_detached()
    assert _warnings(caplog) == []
    for logger in loggers[:2]:
        logger.removeHandler(handler)
    attachment.warn_of_detached()
    attachment.warn_of_detached()
    (warning,) = _warnings(caplog)
    assert (
        "the handler for /app was removed (by dictConfig, fileConfig or removeHandler) from: attached, attached.child. "
        in warning
    )
    assert "configure logging before entering the block" in warning
    attachment.undo()


def test_a_handler_attached_by_hand_is_missed_too(loggers, handler, caplog):
    """The warning is also for loggers to which the application has attached the handler itself."""
    loggers[2].addHandler(handler)
    attachment = Attachment([handler], [])
    loggers[2].removeHandler(handler)
    attachment.warn_of_detached()
    assert "from: attached.other. " in _warnings(caplog)[0]


def test_after_leaving_nothing_is_missed(loggers, handler, caplog):
    """What leaving the block has detached is not warned of."""
    attachment = Attachment([handler], loggers)
    attachment.undo()
    attachment.warn_of_detached()
    assert _warnings(caplog) == []


def test_declared_handlers_are_found_once(loggers, handler):
    """A handler on several loggers is found once; handlers of other kinds are not ours."""
    root = logging.getLogger()
    placeholder = "attached.not.there.yet"
    logging.getLogger(f"{placeholder}.child")
    assert isinstance(logging.Logger.manager.loggerDict[placeholder], logging.PlaceHolder)
    root.addHandler(handler)
    try:
        for logger in loggers:
            logger.addHandler(handler)
        loggers[0].addHandler(logging.NullHandler())
        assert [found for found in find_handlers() if found is handler] == [handler]
        assert all(isinstance(found, CloudWatchLogHandler) for found in find_handlers())
    finally:
        root.removeHandler(handler)


def test_a_handler_that_runs_is_left_to_its_block(loggers, handler, running_loop_stub):
    """A handler that another block runs is not found."""
    loggers[0].addHandler(handler)
    assert handler in find_handlers()
    handler.inbox.enter(running_loop_stub)
    assert handler not in find_handlers()


@pytest.fixture
def running_loop_stub():
    """Stand in for a loop that never gets its turn."""

    class Loop:
        def call_soon(self, callback, context=None):
            """Forget it."""

        def is_closed(self):
            return False

    return Loop()
