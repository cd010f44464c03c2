"""What passes from the inbox to the worker of one block."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from aiowatchtower._core.events import LogEvent


class Arrivals(NamedTuple):
    """What the inbox gives the worker of one block.

    Attributes:
        records: Lists of events, none of them empty or longer than a slice.
        news: Set when there is something to do: records, an overflow, or a block that is being left.
    """

    records: asyncio.Queue[list[LogEvent]]
    news: asyncio.Event
