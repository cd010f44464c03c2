"""What `aiowatchtower.testing` gives to those who test an application that logs through the library."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

import aiowatchtower.testing
from aiowatchtower import CloudWatchLogging
from aiowatchtower.testing import CloudWatchLogs

LIBRARY = str(Path(aiowatchtower.__file__).parents[1])

SHOP = """
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI

from aiowatchtower import CloudWatchLogging


@asynccontextmanager
async def lifespan(app):
    settings = {"region_name": "eu-central-1", "endpoint_url": "https://logs.example.com"}
    async with CloudWatchLogging("/app/shop", "web", log_group_retention_days=30, **settings):
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/orders/{number}")
async def order(number: int):
    logging.getLogger("shop").warning("order %d is late", number)
    return {"number": number}
"""

# What the interpreter does is reported to this hook, which refuses to open any connection.
GUARD = """
import os
import sys

import pytest

attempts = []


def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        attempts.append((event, arguments))
        raise OSError(f"{event}: {arguments}")


sys.addaudithook(refuse)


@pytest.fixture(autouse=True)
def no_network():
    assert not [name for name in os.environ if name.startswith("AWS_")]
    yield
    assert attempts == []
"""

# Starlette's client prefers another package than the one that the other tests use.
PYTEST = """
[pytest]
filterwarnings =
    error
    ignore:Using .httpx.
"""

MORE = """

def test_each_test_has_its_own(cloudwatch):
    with TestClient(app) as client:
        client.get("/orders/8")
    assert cloudwatch.messages("/app/shop", "web") == ["order 8 is late"]
    assert cloudwatch.groups["/app/shop"].retention_days == 30


def test_what_aws_refuses_for_a_while(cloudwatch):
    cloudwatch.faults.throttle(times=1)
    cloudwatch.faults.fail(400, "ExpiredTokenException", "expired", times=1)
    with TestClient(app) as client:
        client.get("/orders/9")
    assert cloudwatch.messages("/app/shop") == ["order 9 is late"]
"""


def _documented():
    """Return the package docstring's example of a fixture."""
    blocks = re.findall(r"(?:^(?: {4}.*)?\n)+", aiowatchtower.testing.__doc__, re.MULTILINE)
    [found] = [block for block in blocks if ".installed()" in block]
    return textwrap.dedent(found)


def _environ():
    """Return this process's environment without what it tells boto3 and pytest."""
    return {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("AWS_", "PYTEST_ADDOPTS"))
    }


def test_an_application_without_network_and_aws(tmp_path):
    """The documented fixture delivers an unchanged FastAPI application's records to memory."""
    (tmp_path / "pytest.ini").write_text(PYTEST)
    (tmp_path / "conftest.py").write_text(GUARD)
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "test_shop.py").write_text(_documented() + MORE)
    environ = _environ()
    path = os.pathsep.join(filter(None, [LIBRARY, str(tmp_path), environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        check=False,
        cwd=tmp_path,
        env={**environ, "PYTHONPATH": path, "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


async def _log(text, logger, **settings):
    async with CloudWatchLogging("/app", "web", loggers=(logger,), **settings) as logs:
        logger.warning(text)
    assert logs.statistics().delivered == 1


@pytest.fixture
def logger():
    """Return a logger that is in no tree."""
    return logging.Logger("shop")


async def test_every_block_that_is_entered_delivers_there(logger):
    """Region, endpoint and profile of the block are not looked at, not even by strict."""
    with CloudWatchLogs().installed() as cloudwatch:
        await _log("one", logger, region_name="us-east-1", endpoint_url="http://127.0.0.1:9")
        await _log("two", logger, profile_name="there is none", strict=True)
    assert cloudwatch.messages("/app") == ["one", "two"]


async def test_a_client_of_its_own_is_kept(logger):
    """A block that was given a client delivers to that one."""
    mine = CloudWatchLogs()
    with CloudWatchLogs().installed() as cloudwatch:
        await _log("mine", logger, client=mine.client())
    assert (mine.messages("/app"), cloudwatch.requests) == (["mine"], [])


async def test_other_threads_deliver_there_too(logger):
    """An application that runs in a thread of its own is found by the test that has started it."""
    with CloudWatchLogs().installed() as cloudwatch:
        thread = threading.Thread(target=asyncio.run, args=(_log("from a thread", logger),))
        thread.start()
        await asyncio.to_thread(thread.join)
    assert cloudwatch.messages("/app") == ["from a thread"]


async def test_the_last_one_installed_counts(logger):
    """Nested, the inner one receives; when it is left, the outer one again."""
    with CloudWatchLogs().installed() as outer:
        with CloudWatchLogs().installed() as inner:
            await _log("inner", logger)
        await _log("outer", logger)
    assert (inner.messages("/app"), outer.messages("/app")) == (["inner"], ["outer"])


async def test_they_may_be_left_in_any_order(logger):
    """Fixtures of several threads that end crosswise take out what they have put in."""
    first, second = CloudWatchLogs(), CloudWatchLogs()
    one, two = first.installed(), second.installed()
    one.__enter__()
    two.__enter__()
    one.__exit__(None, None, None)
    await _log("second", logger)
    two.__exit__(None, None, None)
    assert (first.requests, second.messages("/app")) == ([], ["second"])


async def test_afterwards_aws_is_aws_again(server, logger):
    """A block that is entered later delivers where its settings say."""
    with CloudWatchLogs().installed() as cloudwatch:
        pass
    await _log("real", logger, endpoint_url=server.url)
    assert cloudwatch.requests == []
    assert await asyncio.to_thread(server.messages, "/app") == ["real"]


PLUGIN = """
import logging
import os

import boto3

from aiowatchtower import CloudWatchLogging

pytest_plugins = ["aiowatchtower.testing.pytest_plugin"]


def log(text):
    import asyncio

    async def main():
        async with CloudWatchLogging("/app", "web"):
            logging.getLogger("shop").warning(text)

    asyncio.run(main())


def test_in_memory(cloudwatch):
    log("one")
    assert cloudwatch.messages("/app") == ["one"]


def test_each_test_has_its_own(cloudwatch):
    assert cloudwatch.groups == {}


def test_served(cloudwatch_server):
    log("two")
    assert cloudwatch_server.messages("/app") == ["two"]
    client = boto3.client("logs")
    [event] = client.filter_log_events(logGroupName="/app", filterPattern="two")["events"]
    assert event["message"] == "two"
    client.close()


def test_each_test_finds_it_empty(cloudwatch_server):
    assert cloudwatch_server.groups == {}
    assert "AWS_ENDPOINT_URL" not in os.environ
"""


def test_the_fixtures_of_the_plugin(tmp_path):
    """A suite that names the plugin has a service in memory and a served one, each empty for each test."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_shop.py").write_text(PLUGIN)
    environ = _environ()
    path = os.pathsep.join(filter(None, [LIBRARY, environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        check=False,
        cwd=tmp_path,
        env={**environ, "PYTHONPATH": path, "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout
