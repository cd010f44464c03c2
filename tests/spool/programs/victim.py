"""A service that logs until it is killed, and tells its parent what it has logged.

Usage: victim.py SPOOL ENDPOINT NAME MODE, where MODE is "steady", "blocked", "segfault", "fork" or "drain".
Each line that it prints is "<monotonic time> <name of the record>", after the record was logged.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import sys
import threading
import time

from aiowatchtower import CloudWatchLogging

SPOOL, ENDPOINT, NAME, MODE = sys.argv[1:5]
log = logging.Logger("victim")


def _log(number: int) -> None:
    log.info("%s-%d", NAME, number)
    os.write(1, f"{time.monotonic()} {NAME}-{number}\n".encode())


def _block_the_loop() -> None:
    number = 0
    while True:
        _log(number)
        number += 1
        time.sleep(0.001)


async def main() -> None:
    async with CloudWatchLogging(
        "/victims",
        "{process_id}",
        loggers=(log,),
        spool_directory=SPOOL,
        endpoint_url=ENDPOINT,
        send_interval=0.2,
        shutdown_timeout=5,
    ) as logs:
        if MODE == "drain":
            print("ready", flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
            print(logs.statistics().recovered, logs.statistics().possible_duplicates, flush=True)
            return
        if MODE == "fork" and os.fork() == 0:
            # One write: the parent writes its own lines meanwhile.
            os.write(1, f"child {os.getpid()}\n".encode())
            threading.Event().wait()
        if MODE == "blocked":
            _block_the_loop()
        for number in range(1_000_000):
            _log(number)
            if MODE == "segfault" and number == 400:
                # What was logged in the last 20 ms may be lost.
                time.sleep(0.15)
                ctypes.string_at(0)
            await asyncio.sleep(0.001)


asyncio.run(main())
