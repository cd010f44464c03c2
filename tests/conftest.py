"""What every test gets: a loop, an environment without AWS in it, and a CloudWatch Logs to talk to."""

from __future__ import annotations

import inspect
import logging
import os
import sys
from typing import TYPE_CHECKING

import hypothesis
import pytest
from blockbuster import blockbuster_ctx
from tests.virtual_time import Clock, VirtualTimeLoop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from blockbuster import BlockBuster

    from aiowatchtower.testing import CloudWatchLogs, CloudWatchServer

LOOPS = [
    pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
    pytest.param(
        ("asyncio", {"use_uvloop": True}),
        id="uvloop",
        marks=pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows"),
    ),
]
VIRTUAL_TIME = pytest.param(("asyncio", {"loop_factory": VirtualTimeLoop}), id="virtual time")

hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("smoke", deadline=None, max_examples=10, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector, name, obj):
    """Run every coroutine test on anyio's runner, without a marker on each."""
    if collector.istestfunction(obj, name):
        inner = obj.hypothesis.inner_test if hasattr(obj, "hypothesis") else obj
        if inspect.iscoroutinefunction(inner):
            pytest.mark.anyio(obj)
            pytest.mark.usefixtures("anyio_backend")(obj)


def pytest_generate_tests(metafunc):
    """Run what is marked `every_loop` on asyncio and on uvloop, and `virtual_time` on our own loop."""
    if metafunc.definition.get_closest_marker("every_loop"):
        metafunc.parametrize("anyio_backend", LOOPS)
    elif metafunc.definition.get_closest_marker("virtual_time"):
        metafunc.parametrize("anyio_backend", [VIRTUAL_TIME])


def pytest_sessionfinish():
    """Let handlers that tests made and never ran say so to nobody, when this process ends."""
    logging.getLogger("aiowatchtower").addHandler(logging.NullHandler())


@pytest.fixture(scope="session")
def anyio_backend():
    """Name the loop that coroutine tests run on: asyncio's own, or the one `every_loop` gives."""
    return ("asyncio", {"use_uvloop": False})


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the developer's AWS account, and this machine's, out of every test and its children."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "AIOWATCHTOWER_"))]:
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-aws-credentials"))


def _ships(handler: logging.Handler) -> bool:
    return hasattr(handler, "ships_to") or hasattr(getattr(handler, "target", None), "ships_to")


@pytest.fixture(autouse=True)
def _no_handler_left() -> Iterator[None]:
    """Take away what a test leaves on loggers of ours: `configured()` would run its handlers in the next."""
    yield
    root = logging.getLogger()
    named = [each for each in root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    for logger in (root, *named):
        for handler in filter(_ships, logger.handlers[:]):
            logger.removeHandler(handler)
    # So does a block whose loop was closed inside it with its guards, until somebody looks at the loop.
    if guards := sys.modules.get("aiowatchtower._diagnostics.guards"):
        guards.guards.forget_closed_loops()


@pytest.fixture(scope="session")
def _served() -> Iterator[CloudWatchServer]:
    from aiowatchtower.testing import serve

    with serve() as server:
        yield server


@pytest.fixture
def server(_served: CloudWatchServer) -> CloudWatchServer:
    """Return a CloudWatch Logs without groups or faults, served on loopback by another process."""
    _served.reset()
    return _served


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still until it is moved, by `clock.now += seconds`."""
    return Clock()


@pytest.fixture
def cloudwatch() -> CloudWatchLogs:
    """Return a CloudWatch Logs in memory, for `client=cloudwatch.client()` in virtual time."""
    from aiowatchtower.testing import CloudWatchLogs

    return CloudWatchLogs()


@pytest.fixture
def no_blocking() -> Iterator[BlockBuster]:
    """Fail the test when code of the library makes a blocking call in a running loop."""
    with blockbuster_ctx("aiowatchtower") as blockbuster:
        yield blockbuster
