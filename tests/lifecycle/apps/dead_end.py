"""Leave a block whose endpoint is dead, and print what it left behind."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import threading
from pathlib import Path

from aiowatchtower import CloudWatchLogging

DESCRIPTORS = Path("/proc/self/fd")
logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)


def sockets():
    """Return the open sockets, where the system lists them."""
    found = set()
    for link in DESCRIPTORS.iterdir() if DESCRIPTORS.is_dir() else ():
        try:
            found.add(str(link.readlink()))
        except FileNotFoundError:
            continue
    return {target for target in found if target.startswith("socket:")}


def threads():
    """Return the names of our own threads, once those that are ending have ended."""
    ours = [each for each in threading.enumerate() if each.name.startswith("aiowatchtower")]
    for each in ours:
        each.join(2)
    return [each.name for each in ours if each.is_alive()]


async def main():
    tasks, open_before = asyncio.all_tasks(), sockets()
    begun = asyncio.Event()
    logs = CloudWatchLogging(
        "/app", "web", loggers=["shop"], shutdown_timeout=float(sys.argv[1]), send_interval=0
    )
    async with logs:
        for number in range(25):
            # Larger than what is encoded in the loop's own thread.
            logger.info("%d %s", number, "x" * 2000)
        asyncio.get_running_loop().call_later(0.1, begun.set)
        await begun.wait()
    left = {
        "tasks": [repr(task) for task in asyncio.all_tasks() - tasks],
        "threads": threads(),
        "sockets": len(sockets() - open_before),
        "dropped": dict(logs.statistics().dropped),
        "pending": logs.statistics().pending,
    }
    print(json.dumps(left), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
    gc.collect()
