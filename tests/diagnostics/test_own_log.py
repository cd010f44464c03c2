"""What the library says about itself reaches the application's handlers, or stderr."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from aiowatchtower import CloudWatchLogHandler
from aiowatchtower._diagnostics.own_log import say
from aiowatchtower._diagnostics.self_feeding import LOGGER, is_shipping


@contextmanager
def _reaching(*handlers: logging.Handler) -> Iterator[None]:
    """Leave these as the only handlers that diagnostics reach.

    Not a fixture, because pytest puts handlers on every logger that does not propagate by then.
    """
    others = LOGGER.handlers
    LOGGER.handlers, LOGGER.propagate = list(handlers), False
    try:
        yield
    finally:
        LOGGER.handlers, LOGGER.propagate = others, True


@pytest.fixture
def ours():
    return CloudWatchLogHandler("/app")


def test_percent_signs_are_only_text(said):
    """A message with what looks like a placeholder is said as it is."""
    say(logging.WARNING, "100%s of %d records")
    assert said() == ["100%s of %d records"]


def test_what_is_said_does_not_reach_cloudwatch(ours):
    """Our own handler ignores our own records, and the mark that tells them is gone afterwards."""
    with _reaching(ours):
        say(logging.WARNING, "no answer")
    assert ours.statistics().logged == 0
    assert not is_shipping()


def test_with_no_other_handler_it_goes_to_stderr(ours, capsys):
    """Where only our handler listens, warnings go where logging's last resort writes."""
    with _reaching(ours):
        say(logging.WARNING, "no answer", ValueError("broken"))
    error = capsys.readouterr().err
    assert error.startswith("no answer\n")
    assert "ValueError: broken" in error


def test_with_no_handler_at_all_it_is_said_once(capsys):
    """Without any handler logging's last resort speaks by itself, and only once."""
    with _reaching():
        say(logging.WARNING, "no answer")
    assert capsys.readouterr().err == "no answer\n"


def test_the_last_resort_keeps_its_level(ours, capsys):
    """Good news is not written to stderr behind the application's back."""
    with _reaching(ours):
        say(logging.INFO, "works again")
    assert capsys.readouterr().err == ""


def test_a_logger_that_is_turned_down_is_quiet(ours, capsys):
    """Who has turned the logger's level up hears no warning, on stderr neither."""
    level = LOGGER.level
    LOGGER.setLevel(logging.ERROR)
    try:
        with _reaching(ours):
            say(logging.WARNING, "no answer")
    finally:
        LOGGER.setLevel(level)
    assert capsys.readouterr().err == ""


def test_without_a_last_resort_nothing_breaks(ours, capsys, monkeypatch):
    """An application that has switched logging's last resort off is respected."""
    monkeypatch.setattr(logging, "lastResort", None)
    with _reaching(ours):
        say(logging.WARNING, "no answer")
    assert capsys.readouterr().err == ""


def test_a_handler_of_the_application_is_enough(ours, capsys):
    """Where somebody listens, stderr stays clean."""
    with _reaching(ours, logging.NullHandler()):
        say(logging.WARNING, "no answer")
    assert capsys.readouterr().err == ""
