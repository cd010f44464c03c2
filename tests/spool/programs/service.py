"""An ASGI service that logs what it is asked to, and writes its statistics down until it is killed.

Its environment names SPOOL (the directory), REPORTS (a folder) and AWS_ENDPOINT_URL_LOGS.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path

from aiowatchtower import CloudWatchLogging

log = logging.Logger("service")
logs = CloudWatchLogging(
    "/service",
    "{process_id}",
    loggers=(log,),
    spool_directory=os.environ["SPOOL"],
    send_interval=0.2,
    shutdown_timeout=20,
)


def _report(is_over: threading.Event) -> None:
    """Write down each change of the statistics, so that a kill takes a few milliseconds of them at most."""
    before = ""
    with (Path(os.environ["REPORTS"]) / str(os.getpid())).open("w", buffering=1) as file:
        while True:
            is_last = is_over.wait(0.005)
            now = json.dumps(logs.statistics().as_dict())
            if now != before:
                file.write(now + "\n")
                before = now
            if is_last:
                return


async def app(scope, receive, send):
    """Log the request's path; in the lifespan, ship."""
    if scope["type"] == "lifespan":
        await receive()
        is_over = threading.Event()
        async with logs:
            thread = threading.Thread(target=_report, args=(is_over,), daemon=True)
            thread.start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        is_over.set()
        thread.join()
        await send({"type": "lifespan.shutdown.complete"})
        return
    log.info(scope["path"][1:])
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})
