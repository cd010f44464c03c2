"""Fixtures for pytest: `pytest_plugins = ["aiowatchtower.testing.pytest_plugin"]` in conftest.py.

`cloudwatch` is a CloudWatch Logs in memory that stands in for AWS during one test; `cloudwatch_server` is one
that is served on loopback from a process of its own, with the environment pointing there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aiowatchtower.testing import CloudWatchLogs, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiowatchtower.testing import CloudWatchServer


@pytest.fixture
def cloudwatch() -> Iterator[CloudWatchLogs]:
    """Let every `CloudWatchLogging` that is entered during the test deliver to this service in memory."""
    with CloudWatchLogs().installed() as service:
        yield service


@pytest.fixture(scope="session")
def _cloudwatch_process() -> Iterator[CloudWatchServer]:
    with serve() as server:
        yield server


@pytest.fixture
def cloudwatch_server(
    _cloudwatch_process: CloudWatchServer, monkeypatch: pytest.MonkeyPatch
) -> CloudWatchServer:
    """Serve CloudWatch Logs and STS on loopback, empty at the start of each test.

    The environment of the test, and of processes that it starts, names the server and its credentials.
    """
    _cloudwatch_process.reset()
    for name, value in _cloudwatch_process.environ.items():
        monkeypatch.setenv(name, value)
    return _cloudwatch_process
