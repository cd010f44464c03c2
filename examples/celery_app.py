"""Celery's prefork pool: each of its processes ships its own logs.

    python -m pip install celery
    celery -A celery_app worker

Celery configures logging when the worker starts; the signals come after that.
"""

import logging
import os

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
app = Celery("shop", broker=os.environ.get("BROKER_URL", "redis://127.0.0.1"))
logs = CloudWatchLogging("/examples/celery")


@worker_process_init.connect
def start(**_: object) -> None:
    """Begin to ship the process's logs."""
    logs.start_background()


@worker_process_shutdown.connect
def stop(**_: object) -> None:
    """Deliver the rest."""
    logs.close()


@app.task
def ship(number: int) -> int:
    """Ship an order."""
    logger.info("order %d is shown", number)
    return number
