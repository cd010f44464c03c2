"""What the tests of the library's own messages share."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest


@pytest.fixture
def said(caplog) -> Callable[[], list[str]]:
    """Return what has been said so far, and by whom it was said."""
    caplog.set_level(logging.INFO, "aiowatchtower")

    def texts() -> list[str]:
        return [r.getMessage() for r in caplog.records if r.name == "aiowatchtower"]

    return texts
