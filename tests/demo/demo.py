"""See logs arrive in CloudWatch Logs, without an AWS account.

By default this starts moto's server, a stand-in for AWS, on this machine. With --endpoint-url it uses
another one, such as LocalStack; with --aws the real CloudWatch Logs, with your own credentials.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

STAND_IN_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
UNLUCKY = 13  # the order on which the example fails
ORDERS = range(1, UNLUCKY + 1)
START_SECONDS = 60
# AWS itself may show events some seconds after it has accepted them.
ARRIVE_SECONDS = 60
POLL_SECONDS = 0.5


class Target(NamedTuple):
    """Where the logs go."""

    name: str
    log_group: str
    settings: dict[str, str]
    """Variables of the environment, which the service and the reading client both obey."""


def main() -> int:
    """Run the demo; return 0 if each event arrived once."""
    options = _parser().parse_args()
    begin_ms = int(time.time() * 1000) - 1000
    with _target(options) as target:
        os.environ.update(target.settings)
        _say(f"Starting examples/fastapi_app.py under uvicorn; its logs go to {target.name}")
        with _Service() as service:
            url = service.wait_until_up()
            _say(f"Asking it for {len(ORDERS)} orders over HTTP; it fails on number {UNLUCKY}")
            _order(url)
            _say("Stopping it with SIGTERM: what it has not sent yet, it sends now")
            statistics = service.stop()
        stream = f"{platform.node() or 'localhost'}/uvicorn/{service.pid}"
        _say("Reading the events back, with an ordinary aiobotocore client")
        print(f"  log group  {target.log_group}\n  log stream {stream}\n")
        events = asyncio.run(_read_back(target.log_group, stream, begin_ms, statistics))
    return _judge(events, statistics)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--aws", action="store_true", help="use the real CloudWatch Logs, with your AWS credentials"
    )
    parser.add_argument("--endpoint-url", help="use this endpoint, such as http://127.0.0.1:4566")
    parser.add_argument(
        "--region", help="such as eu-central-1; by default, what AWS_* or a profile says"
    )
    parser.add_argument("--log-group", default="/examples/fastapi", help="by default %(default)s")
    return parser


@contextlib.contextmanager
def _target(options: argparse.Namespace) -> Iterator[Target]:
    settings = {"LOG_GROUP": options.log_group}
    if options.region:
        settings["AWS_DEFAULT_REGION"] = options.region
    if options.endpoint_url:
        settings["AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"] = options.endpoint_url
        is_here = urlsplit(options.endpoint_url).hostname in {"127.0.0.1", "localhost", "::1"}
        if is_here and not {"AWS_ACCESS_KEY_ID", "AWS_PROFILE"} & set(os.environ):
            settings = {**STAND_IN_SETTINGS, **settings}
        yield Target(options.endpoint_url, options.log_group, settings)
    elif options.aws:
        yield Target("CloudWatch Logs, with your credentials", options.log_group, settings)
    else:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        with _moto() as url:
            settings = {**STAND_IN_SETTINGS, **settings, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": url}
            yield Target(f"moto at {url}", options.log_group, settings)


@contextlib.contextmanager
def _moto() -> Iterator[str]:
    """Start moto's server in this process, on a free port that only this machine reaches."""
    from moto.server import ThreadedMotoServer

    _say("Starting moto's server, a stand-in for AWS, on this machine")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


class _Service:
    """uvicorn with the FastAPI example, as a child; its output is shown as it comes."""

    def __init__(self) -> None:
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "fastapi_app:app",
            "--port",
            "0",
            "--no-use-colors",
        ]
        self._process = subprocess.Popen(
            command,
            cwd=EXAMPLES,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._url = ""
        self._statistics = ""
        self._is_up = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_up(self) -> str:
        """Return its URL."""
        if not self._is_up.wait(START_SECONDS) or not self._url:
            sys.exit("the service did not start; its output is above")
        return self._url

    def stop(self) -> str:
        """Send SIGTERM, and return the line with its statistics."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=START_SECONDS)
        self._reader.join()
        print()
        if self._process.returncode not in {0, -signal.SIGTERM}:
            sys.exit(f"the service ended with {self._process.returncode}; its output is above")
        return self._statistics

    def _read(self) -> None:
        in_traceback = False
        for line in self._process.stdout or ():
            if started := re.search(r"running on (http://\S+)", line):
                self._url = started[1]
                self._is_up.set()
            if "records delivered" in line:
                self._statistics = line.partition("shop:")[2].strip()
            # The traceback is read back below: here its first line will do.
            is_continued = not re.match(r"[A-Z]+:", line)
            if not is_continued or not in_traceback:
                print(f"  | {line}" if not is_continued else "  | (and its traceback)\n", end="")
            in_traceback = is_continued
        self._is_up.set()


def _order(url: str) -> None:
    statuses = Counter(_get(f"{url}/orders/{number}") for number in ORDERS)
    expected = Counter({200: len(ORDERS) - 1, 500: 1})
    if statuses != expected:
        sys.exit(f"the service answered {dict(statuses)}, not {dict(expected)}")


def _get(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=START_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


async def _read_back(
    group: str, stream: str, begin_ms: int, statistics: str
) -> list[tuple[int, str]]:
    """Return time and message of each event, once as many are there as were delivered."""
    delivered = _delivered(statistics)
    patience = time.monotonic() + ARRIVE_SECONDS
    where = {"logGroupName": group, "logStreamName": stream, "startTime": begin_ms}
    try:
        async with get_session().create_client("logs") as client:
            while True:
                events = await _read_all(client, **where)
                if len(events) >= delivered or time.monotonic() > patience:
                    return events
                await asyncio.sleep(POLL_SECONDS)
    except (BotoCoreError, ClientError) as exc:
        sys.exit(f"the events could not be read back: {exc}")


async def _read_all(client, **where: object) -> list[tuple[int, str]]:
    events: list[tuple[int, str]] = []
    token: dict[str, str] = {}
    while True:
        try:
            page = await client.get_log_events(**where, startFromHead=True, **token)
        except client.exceptions.ResourceNotFoundException:
            return []
        events += [(event["timestamp"], event["message"]) for event in page["events"]]
        if token.get("nextToken") == page["nextForwardToken"]:
            return events
        token = {"nextToken": page["nextForwardToken"]}


def _delivered(statistics: str) -> int:
    """Return the number that is meant by "47 of 47 records delivered ..."."""
    count = re.match(r"(\d+) of \d+ records delivered", statistics)
    return int(count[1]) if count else 0


def _judge(events: list[tuple[int, str]], statistics: str) -> int:
    """Print the events and whether each that is expected is there once."""
    for timestamp_ms, message in events:
        moment = datetime.fromtimestamp(timestamp_ms / 1000, timezone.utc)
        print(f"  {moment:%H:%M:%S}.{timestamp_ms % 1000:03d}  {_shortened(message)}")
    print(f"\n  read back   {len(events)} events")
    print(f"  statistics  {statistics or 'none: the service has not said any'}\n")
    wrong = [f"{count} times: {what}" for what, count in _counts(events).items() if count != 1]
    if not statistics.startswith(f"{len(events)} of {len(events)} records delivered"):
        wrong.append("the service's statistics say otherwise")
    for line in wrong:
        print(f"  WRONG  {line}")
    print(
        "Some events are missing or doubled." if wrong else "Each event has arrived, exactly once."
    )
    return 1 if wrong else 0


def _shortened(message: str) -> str:
    lines = message.rstrip().splitlines()
    if len(lines) < 2:
        return message
    return f"{lines[0]}\n{' ' * 16}... {len(lines) - 2} lines ...\n{' ' * 16}{lines[-1]}"


def _counts(events: list[tuple[int, str]]) -> dict[str, int]:
    """Return how often each expected event is there."""
    messages = [message for _, message in events]
    expected = {
        "the shop is open": r"the shop is open$",
        "the shop is closed": r"the shop is closed$",
    }
    for number in ORDERS:
        expected[f"the line of order {number}"] = rf"order {number} is shown$"
        expected[f"order {number} in the access log"] = rf'.*"GET /orders/{number} HTTP/1\.1" \d+$'
    expected["the traceback"] = r"Exception in ASGI application\n(.|\n)*RuntimeError: no such luck"
    return {
        what: sum(re.match(pattern, message) is not None for message in messages)
        for what, pattern in expected.items()
    }


def _say(text: str) -> None:
    print(f"* {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
