"""What the tests of handlers and their buffers share."""

from __future__ import annotations

import gc
import logging

import pytest


@pytest.fixture
def said():
    """Return what the library says about itself, as it says it."""
    texts = []

    class Listener(logging.Handler):
        def emit(self, record):
            texts.append(record.getMessage())

    listener, ours = Listener(), logging.getLogger("aiowatchtower")
    # What earlier tests have left to be collected speaks now, and not in between.
    gc.collect()
    ours.addHandler(listener)
    yield texts
    ours.removeHandler(listener)
