"""An aiohttp service that numbers its records, and prints at the end how many there were."""

from __future__ import annotations

import itertools
import json
import logging
import os
import socket

from aiohttp import web

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
logging.getLogger("aiohttp.access").setLevel(logging.INFO)
numbers, requests = itertools.count(), itertools.count()


def log(text):
    number = next(numbers)
    logger.info("%d %d %s", os.getpid(), number, text)
    return f"{os.getpid()} {number} {text}"


async def ship(app):
    async with (
        CloudWatchLogging("/app", "{process_id}", loggers=["shop"]),
        CloudWatchLogging("/access", "{process_id}", loggers=["aiohttp.access"]),
    ):
        yield


async def count(app):
    log("starts")
    print("started", flush=True)
    yield
    log("ends")
    report = {"pid": os.getpid(), "records": next(numbers), "requests": next(requests)}
    print(json.dumps(report), flush=True)


async def from_the_loop(request):
    next(requests)
    return web.json_response([log("async"), log("async again")])


if __name__ == "__main__":
    app = web.Application()
    if os.environ["SHIP"] == "1":
        app.cleanup_ctx.append(ship)
    app.cleanup_ctx.append(count)
    app.router.add_get("/async", from_the_loop)
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    web.run_app(app, sock=listening)
