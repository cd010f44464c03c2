"""A FastAPI service that numbers its records, and prints at the end how many there were."""

from __future__ import annotations

import itertools
import json
import logging
import os
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import BackgroundTasks, FastAPI

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
numbers, requests = itertools.count(), itertools.count()

# Made when the module is imported: with gunicorn's --preload that is before the workers are forked.
timeout = float(os.environ.get("SHUTDOWN", "10"))
blocks = [
    CloudWatchLogging("/app", "{process_id}", loggers=["shop"], shutdown_timeout=timeout),
    CloudWatchLogging(
        "/access", "{process_id}", loggers=["uvicorn.access"], shutdown_timeout=timeout
    ),
]


def log(text):
    number = next(numbers)
    logger.info("%d %d %s", os.getpid(), number, text)
    return f"{os.getpid()} {number} {text}"


@asynccontextmanager
async def lifespan(app):
    async with AsyncExitStack() as stack:
        for block in blocks if os.environ["SHIP"] == "1" else ():
            await stack.enter_async_context(block)
        log("starts")
        os.write(1, b"started\n")
        yield
        log("ends")
        report = {"pid": os.getpid(), "records": next(numbers), "requests": next(requests)}
        # One write, so that the workers' lines do not mix.
        os.write(1, json.dumps(report).encode() + b"\n")


app = FastAPI(lifespan=lifespan)


@app.get("/async")
async def from_the_loop(after: BackgroundTasks) -> list[str]:
    next(requests)
    after.add_task(log, "after the answer")
    return [log("async"), log("async again")]


@app.get("/sync")
def from_a_thread() -> list[str]:
    next(requests)
    return [log("sync")]
