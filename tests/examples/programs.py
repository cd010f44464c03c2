"""Run the examples as a user would: in a process of their own, from their folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import aiowatchtower

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from aiowatchtower.testing import CloudWatchServer

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
# Where the library under test was imported from, for children that start in another folder.
_LIBRARY = str(Path(aiowatchtower.__file__).parents[1])
_PATIENCE_SECONDS = 60


def environment(server: CloudWatchServer, **more: str | None) -> dict[str, str]:
    """Return what a child gets: this environment, the way to the server, and more; None leaves one out."""
    path = os.pathsep.join(filter(None, [_LIBRARY, os.environ.get("PYTHONPATH")]))
    ours = {**server.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    wanted = {**os.environ, **ours, **more}
    return {name: value for name, value in wanted.items() if value is not None}


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
        timeout=_PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stdout
    assert "Warning" not in done.stdout, done.stdout
    return done


class Program:
    """A server started by `python -m COMMAND...`, ended by SIGTERM when the block is left."""

    def __init__(self, *command: str, env: Mapping[str, str], folder: Path = EXAMPLES) -> None:
        self.output = ""
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Return the match in the line that is the `times`th to match, of those not yet read."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output += line
            if match := re.search(pattern, line):
                times -= 1
                if not times:
                    return match
        message = f"ended with {self._process.wait()} before {pattern!r}:\n{self.output}"
        raise AssertionError(message)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal, read what is still said, and return the exit code."""
        self._process.send_signal(how)
        rest, _ = self._process.communicate(timeout=_PATIENCE_SECONDS)
        self.output += rest
        return self._process.returncode


def get(url: str, headers: Mapping[str, str] | None = None) -> int:
    """Return the status of a GET."""
    try:
        request = urllib.request.Request(url, headers=dict(headers or {}))
        with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def get_all(requests: Iterable[tuple[str, Mapping[str, str]]]) -> list[int]:
    """Return the statuses of several GETs, made side by side."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda request: get(*request), requests))
