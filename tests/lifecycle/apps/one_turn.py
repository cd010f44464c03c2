"""A program whose loop ends in the turns after a block was entered, which it never leaves."""

from __future__ import annotations

import asyncio
import sys

from aiowatchtower import CloudWatchLogging

logs = CloudWatchLogging("/app", "web", loggers=("one_turn",))


async def main() -> None:
    await logs.start()
    for _ in range(int(sys.argv[1])):
        await asyncio.sleep(0)


asyncio.run(main())
