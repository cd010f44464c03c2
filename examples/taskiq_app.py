"""taskiq: each of its worker processes has a block, started and closed by the broker's events.

python -m pip install taskiq taskiq-redis
taskiq worker taskiq_app:broker
"""

import logging
import os

from taskiq import TaskiqEvents, TaskiqState
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
redis = os.environ.get("BROKER_URL", "redis://127.0.0.1")
broker = ListQueueBroker(redis).with_result_backend(RedisAsyncResultBackend(redis))
logs = CloudWatchLogging("/examples/taskiq")


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def start(_state: TaskiqState) -> None:
    """Begin to ship the process's logs."""
    await logs.start()


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def stop(_state: TaskiqState) -> None:
    """Deliver the rest."""
    await logs.aclose()


@broker.task
async def ship(number: int) -> int:
    """Ship an order."""
    logger.info("order %d is shown", number)
    return number
