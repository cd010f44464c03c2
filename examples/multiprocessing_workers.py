"""multiprocessing: each process has a block of its own, whatever the start method.

python multiprocessing_workers.py spawn
python multiprocessing_workers.py forkserver
"""

import logging
import multiprocessing
import sys

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("job")


def ship(first: int) -> None:
    """Ship some orders: the block is the first thing in the process."""
    logging.basicConfig(level=logging.INFO)
    with CloudWatchLogging("/examples/multiprocessing"):
        for number in range(first, first + 25):
            logger.info("order %d is shown", number)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1] if sys.argv[1:] else "spawn")
    processes = [multiprocessing.Process(target=ship, args=[first]) for first in range(0, 100, 25)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
