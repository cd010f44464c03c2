"""Run the examples as a user would: in a process of their own, from their folder."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests import programs
from tests.programs import PATIENCE_SECONDS, Program

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aiowatchtower.testing import CloudWatchServer

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def environment(server: CloudWatchServer, **more: str | None) -> dict[str, str]:
    """Return what a child gets: this environment, the way to the server, and more; None leaves one out."""
    return programs.environment(settings=server.environ, **more)


def serve(*command: str, env: Mapping[str, str], folder: Path = EXAMPLES) -> Program:
    """Start `python COMMAND...` in the folder; leaving the block ends it."""
    return Program(*command, env=env, folder=folder)


def run(
    *command: str, server: CloudWatchServer, folder: Path = EXAMPLES, **more: str | None
) -> subprocess.CompletedProcess[str]:
    """Run `python COMMAND...` to its end; fail when it fails, or gives one of Python's warnings."""
    done = subprocess.run(
        [sys.executable, *command],
        check=False,
        cwd=folder,
        env=environment(server, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stdout
    assert "Warning" not in done.stdout, done.stdout
    return done


def get(url: str, headers: Mapping[str, str] | None = None) -> int:
    """Return the status of a GET."""
    try:
        request = urllib.request.Request(url, headers=dict(headers or {}))
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def get_all(requests: Iterable[tuple[str, Mapping[str, str]]]) -> list[int]:
    """Return the statuses of several GETs, made side by side."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda request: get(*request), requests))
