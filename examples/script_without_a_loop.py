"""A script without an event loop: `with`, threads, and SIGTERM that ends it as SystemExit does.

python script_without_a_loop.py
"""

import logging
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("job")


def ship(number: int) -> None:
    """Ship an order."""
    logger.info("order %d is shown", number)


def main() -> None:
    """Ship orders in threads: every record is delivered when the block is left."""
    with CloudWatchLogging("/examples/script"), ThreadPoolExecutor() as threads:
        logger.info("the job begins")
        list(threads.map(ship, range(100)))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    # By default SIGTERM ends Python at once: no `with` is left, and no record delivered.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
