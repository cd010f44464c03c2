"""What the spool hands to others. Pure."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from aiowatchtower._core.events import LogEvent


class Notice(NamedTuple):
    """Something to be said to people. ``is_over``: what was said of that kind is over."""

    kind: str
    text: str
    is_over: bool = False
    level: int = logging.WARNING


class Taken(NamedTuple):
    """Records that were on the disk only, to be delivered, and those that cannot be."""

    # Logged in this process when memory was full.
    cold: Sequence[LogEvent] = ()
    # Left by a dead owner; of them may be in the stream already:
    recovered: Sequence[LogEvent] = ()
    in_doubt: int = 0
    # Whether an earlier block of the same handler has left them.
    is_own: bool = False
    # Logged in this process, and neither in memory nor on the disk.
    lost: Sequence[LogEvent] = ()
    # The same, but not even readable.
    unreadable: int = 0


def described(error: OSError) -> str:
    """Return what a person can make of an OSError."""
    text = error.strerror or str(error)
    return f"{text}: {error.filename}" if error.filename else text
