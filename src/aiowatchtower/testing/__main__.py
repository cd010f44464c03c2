"""Serve a strict CloudWatch Logs on loopback: `python -m aiowatchtower.testing --port 4599`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys

from ._served.control import Control
from ._served.listener import LOOPBACK, Listener
from ._service import CloudWatchLogs


def main() -> None:
    """Print one line of JSON with the URLs, then serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m aiowatchtower.testing", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--control-port", type=int, default=0, help="port for inspection and faults"
    )
    parser.add_argument("--options", type=json.loads, default={}, help="settings as a JSON object")
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="end with the process that has started this",
    )
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments))


async def _serve(arguments: argparse.Namespace) -> None:
    listener = Listener(CloudWatchLogs(**arguments.options), arguments.port)
    await listener.up()
    control = await Control(listener).start(arguments.control_port)
    control_port = control.sockets[0].getsockname()[1]
    urls = {
        "url": f"http://{LOOPBACK}:{listener.port}",
        "control_url": f"http://{LOOPBACK}:{control_port}",
    }
    print(json.dumps(urls), flush=True)  # noqa: T201
    try:
        await _wait_for_end(until_stdin_closes=arguments.until_stdin_closes)
    finally:
        control.close()
        await listener.down()


async def _wait_for_end(*, until_stdin_closes: bool) -> None:
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    if until_stdin_closes:
        # Ctrl+C in a terminal reaches the whole process group; the parent decides when its server ends.
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        loop.add_reader(sys.stdin.fileno(), end.set)
    await end.wait()


if __name__ == "__main__":
    main()
