"""An aiohttp service whose logs, the access log included, go to CloudWatch Logs.

python aiohttp_app.py
"""

import logging
import os
from collections.abc import AsyncIterator

from aiohttp import web

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")


async def cloudwatch(_app: web.Application) -> AsyncIterator[None]:
    """Ship logs for as long as the application runs."""
    async with CloudWatchLogging("/examples/aiohttp"):
        logger.info("the shop is open")
        yield
        logger.info("the shop is closed")


async def show_order(request: web.Request) -> web.Response:
    """Log one line for each order."""
    number = request.match_info["number"]
    logger.info("order %s is shown", number)
    return web.json_response({"order": number})


app = web.Application()
app.cleanup_ctx.append(cloudwatch)
app.router.add_get("/orders/{number}", show_order)

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    web.run_app(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8080")))
