"""Sanic: each of its workers runs these hooks, and has a block and a stream of its own.

    python -m pip install sanic
    sanic sanic_app:app --access-logs

Sanic's access log has fields and no text; it arrives as JSON.
"""

import logging

from sanic import HTTPResponse, Sanic, text

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
app = Sanic("shop")
logs = CloudWatchLogging(
    "/examples/sanic", loggers=("", "sanic.root", "sanic.error", "sanic.access")
)


@app.before_server_start
async def start(_app: object) -> None:
    """Begin to ship logs."""
    await logs.start()


@app.after_server_stop
async def stop(_app: object) -> None:
    """Deliver the rest."""
    await logs.aclose()


@app.get("/orders/<number:int>")
async def order(_request: object, number: int) -> HTTPResponse:
    """Show an order."""
    logger.info("order %d is shown", number)
    return text("here it is")
