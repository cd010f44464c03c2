"""Serve a strict CloudWatch Logs on loopback: `python -m aiowatchtower.testing --port 4599`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING

from ._served.control import Control
from ._served.listener import LOOPBACK, Listener
from ._served.remote import environ
from ._service import CloudWatchLogs
from ._settings import ServiceSettings, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from ._settings import Options


def main() -> None:
    """Print one line of JSON with the URLs, then serve until interrupted.

    How to point a client at the server goes to stderr, unless another process has started it.
    """
    arguments = _parser().parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(_serve(arguments))
        except OSError as error:
            # Ports are all that the system can refuse here.
            sys.exit(_refused_port(arguments, error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aiowatchtower.testing",
        description=__doc__,
        epilog="Options and their defaults: " + _shown(ServiceSettings()),
    )
    parser.add_argument(
        "--port", type=int, default=0, help="port on 127.0.0.1; without it, any free one"
    )
    parser.add_argument(
        "--control-port", type=int, default=0, help="port for inspection and faults"
    )
    parser.add_argument(
        "--options",
        type=_options,
        default={},
        metavar="JSON",
        help='settings as a JSON object, such as \'{"latency": 0.1, "deny": ["CreateLogGroup"]}\'',
    )
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="end with the process that has started this one, and print the URLs only",
    )
    return parser


def _options(text: str) -> Options:
    try:
        options: Options = json.loads(text)
        read_settings(options)
    except (AttributeError, TypeError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return options


def _shown(settings: ServiceSettings) -> str:
    return json.dumps(asdict(settings), default=list)


def _refused_port(arguments: argparse.Namespace, error: OSError) -> str:
    ports = [port for port in (arguments.port, arguments.control_port) if port]
    named = " or ".join(map(str, ports)) or "any"
    return (
        f"Cannot listen on port {named} of {LOOPBACK}, which is probably in use ({error.strerror}). "
        "Choose another with --port, or leave it out to take a free one."
    )


async def _serve(arguments: argparse.Namespace) -> None:
    end = _end(until_stdin_closes=arguments.until_stdin_closes)
    service = CloudWatchLogs(**arguments.options)
    listener = Listener(service, arguments.port)
    await listener.up()
    control = await Control(listener).start(arguments.control_port)
    control_port = control.sockets[0].getsockname()[1]
    url = f"http://{LOOPBACK}:{listener.port}"
    urls = {"url": url, "control_url": f"http://{LOOPBACK}:{control_port}"}
    print(json.dumps(urls), flush=True)  # noqa: T201
    if not arguments.until_stdin_closes:
        print(_instructions(url, service.settings), file=sys.stderr, flush=True)  # noqa: T201
    try:
        await end.wait()
    finally:
        control.close()
        await listener.down()


def _instructions(url: str, settings: ServiceSettings) -> str:
    variables = environ(url)
    key, secret = next(iter(settings.credentials.items()), ("", ""))
    variables |= {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": settings.region_name,
    }
    exports = "\n".join(f"  export {name}={value}" for name, value in variables.items())
    return (
        f"CloudWatch Logs and STS for tests, until Ctrl+C. Point any AWS client here:\n{exports}\n"
        f"Options: {_shown(settings)}"
    )


def _end(*, until_stdin_closes: bool) -> asyncio.Event:
    """Return the event that a signal sets, or the end of the process that has started this one."""
    # Not by the loop's signal handlers and readers: Windows' event loop has none.
    loop = asyncio.get_running_loop()
    end = asyncio.Event()

    def stop(_number: int = 0, _frame: FrameType | None = None) -> None:
        loop.call_soon_threadsafe(end.set)

    signal.signal(signal.SIGTERM, stop)
    if until_stdin_closes:
        # Ctrl+C in a terminal reaches the whole process group; the parent decides when its server ends.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=_read_to_end, args=(stop,), daemon=True).start()
    return end


def _read_to_end(stop: Callable[[], None]) -> None:
    with contextlib.suppress(OSError, ValueError):
        while os.read(sys.stdin.fileno(), 1024):
            pass
    with contextlib.suppress(RuntimeError):  # the loop has ended by itself
        stop()


if __name__ == "__main__":
    main()
