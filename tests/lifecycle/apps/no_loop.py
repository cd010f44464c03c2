"""A program without an event loop: log a hundred records, and end in the way that the first argument names."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import sys
import threading
import time

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
logger.addHandler(logging.NullHandler())
how = sys.argv[1]


def made():
    """Return the block."""
    return CloudWatchLogging(
        "/app", "{process_id}", loggers=["shop"], send_interval=3600, shutdown_timeout=60
    )


def shipping():
    """Return the block, or one that does nothing, to compare with."""
    return contextlib.nullcontext() if os.environ.get("SHIP") == "0" else made()


def log():
    """Log a hundred records."""
    for number in range(100):
        logger.info("record %d", number)


def report():
    """Say which threads of the library there still are."""
    print([each.name for each in threading.enumerate() if "aiowatchtower" in each.name], flush=True)


def in_a_block():
    """Log in a block, and leave it in some way."""
    with shipping():
        log()
        print("ready", flush=True)
        if how == "wait":
            time.sleep(60)
        elif how == "raise":
            raise ValueError("wrong")
        elif how == "exit":
            sys.exit(3)
        elif how == "terminated":
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(4))
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
    report()


def at_exit():
    """Leave the block from a function that `atexit` calls."""
    stack = contextlib.ExitStack()
    stack.enter_context(shipping())
    atexit.register(report)
    atexit.register(stack.close)
    log()
    print("ready", flush=True)


def never_closed():
    """Start it, and leave the closing to the interpreter."""
    logs = made()
    atexit.register(report)
    logs.start_background()
    log()
    print("ready", flush=True)


def forked():
    """Fork while it is open: the child logs before, and in, a block of its own."""
    logs = made()
    logs.start_background()
    threading.Thread(target=log).start()
    child = os.fork()
    if not child:
        signal.alarm(30)
        logger.info("child before")
        logs.start_background()
        logger.info("child inside")
        logs.flush()
        logger.info("child at the end")
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    logger.info("parent")
    print(os.waitstatus_to_exitcode(status), flush=True)


def forked_within():
    """Fork in a `with` that the child leaves, too."""
    status = 0
    with made():
        logger.info("before")
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            logger.info("parent")
    if child:
        print(os.waitstatus_to_exitcode(status), flush=True)
    else:
        signal.alarm(30)


if __name__ == "__main__":
    {
        "at exit": at_exit,
        "never closed": never_closed,
        "forked": forked,
        "forked within": forked_within,
    }.get(how, in_a_block)()
