"""Blocks on a logger of the test's own, and programs that run as users would run them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.programs import Program, environment

from aiowatchtower import CloudWatchLogging

APPS = Path(__file__).parent / "apps"


@pytest.fixture
def run(server, tmp_path) -> Iterator[Callable[..., Program]]:
    """Return a function that starts `python *arguments` in the apps folder, against the server."""
    started: list[Program] = []

    def start(*arguments: str, **environ: str) -> Program:
        # gunicorn keeps a socket in the user's folder.
        env = environment(settings=server.environ, HOME=str(tmp_path)) | environ
        started.append(Program(*arguments, env=env, folder=APPS))
        return started[-1]

    yield start
    for program in started:
        program.kill()


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """Return a logger that takes everything and passes nothing on."""
    found = logging.getLogger("scenario")
    found.setLevel(logging.DEBUG)
    found.propagate = False
    yield found
    for handler in [each for each in found.handlers if hasattr(each, "ships_to")]:
        found.removeHandler(handler)
    found.disabled = False


@pytest.fixture
def block(server, logger) -> Callable[..., CloudWatchLogging]:
    """Return a maker of blocks that ship the logger's records to the server, at exit unless told else."""

    def make(group: str = "/app", stream: str = "web", **settings) -> CloudWatchLogging:
        given = {"loggers": [logger], "endpoint_url": server.url, "send_interval": 3600}
        return CloudWatchLogging(group, stream, **given | settings)

    return make


@pytest.fixture
def said() -> Iterator[list[str]]:
    """Return what the library says about itself, as it says it."""
    texts: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            texts.append(f"{record.levelname} {record.getMessage()}")

    listener = Listener()
    ours = logging.getLogger("aiowatchtower")
    ours.addHandler(listener)
    yield texts
    ours.removeHandler(listener)
    ours.disabled = False


@pytest.fixture
def elsewhere() -> Callable[..., asyncio.Future]:
    """Return a function that makes a blocking call in a thread, such as one of the server's."""

    def call(function, *arguments, **keywords):
        return asyncio.ensure_future(asyncio.to_thread(function, *arguments, **keywords))

    return call
