"""Log when the loop, or the interpreter, is ending or over, in the way that the first argument names."""

from __future__ import annotations

import asyncio
import atexit
import logging
import sys
import threading

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
how = sys.argv[1]


class Farewell:
    """Logs when it is collected: as a global, that is while the interpreter ends."""

    logs: CloudWatchLogging

    def __del__(self):
        logger.warning("from __del__")


async def main():
    logs = CloudWatchLogging("/app", "web", loggers=[])
    # Attached by hand, it stays attached.
    logger.addHandler(logs.handler)
    await logs.__aenter__()
    logger.info("inside")
    await logs.flush()
    if how != "never left":
        await logs.__aexit__(None, None, None)
    return logs


def from_thread():
    threading.main_thread().join()
    for _ in range(100):
        logger.warning("from a thread that outlives the main one")


if __name__ == "__main__":
    farewell = Farewell()
    atexit.register(logger.warning, "from atexit")
    if how == "thread":
        threading.Thread(target=from_thread).start()
    logs = asyncio.run(main())
    logger.warning("after the loop")
    farewell.logs = logs
    print("ends", flush=True)
