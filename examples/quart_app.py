"""Quart under hypercorn, which makes its access logger anew once the application has started.

    python -m pip install quart
    hypercorn --access-logfile - quart_app:app

A logger that `loggers` names is attached to again when that has happened.
"""

import logging

from quart import Quart

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
app = Quart("shop")
logs = CloudWatchLogging("/examples/quart", loggers=("", "hypercorn.access", "hypercorn.error"))


@app.before_serving
async def start() -> None:
    """Begin to ship logs."""
    await logs.start()


@app.after_serving
async def stop() -> None:
    """Deliver the rest."""
    await logs.aclose()


@app.get("/orders/<int:number>")
async def order(number: int) -> str:
    """Show an order."""
    logger.info("order %d is shown", number)
    return "here it is"
