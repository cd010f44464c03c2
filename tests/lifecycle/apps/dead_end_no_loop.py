"""Leave a block of a program without a loop, whose endpoint is dead, and print what it left behind."""

from __future__ import annotations

import json
import logging
import sys

from dead_end import sockets, threads  # type: ignore[import-not-found]

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)


if __name__ == "__main__":
    open_before = sockets()
    with CloudWatchLogging(
        "/app", "web", loggers=["shop"], shutdown_timeout=float(sys.argv[1])
    ) as logs:
        for number in range(25):
            logger.info("%d", number)
    left = {
        "threads": threads(),
        "sockets": len(sockets() - open_before),
        "dropped": dict(logs.statistics().dropped),
        "pending": logs.statistics().pending,
    }
    print(json.dumps(left), flush=True)
