"""Blocks on a logger of the test's own, and programs that run as users would run them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import aiowatchtower
from aiowatchtower import CloudWatchLogging

APPS = Path(__file__).parent / "apps"
PACKAGE_ROOT = Path(aiowatchtower.__file__).parents[1]
# Generous: a neighbour may keep the machine busy, and a test that waits in vain fails all the same.
PATIENCE = 90.0


class Program:
    """A child process in a group of its own, whose output is read line by line as it comes."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
            text=True,
            cwd=APPS,
            start_new_session=True,
        )
        self._news = threading.Condition()
        self.out: list[str] = []
        self.err: list[str] = []
        pipes = ((self._process.stdout, self.out), (self._process.stderr, self.err))
        self._readers = [threading.Thread(target=self._read, args=pair) for pair in pipes]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe, lines: list[str]) -> None:
        with pipe:
            for line in pipe:
                with self._news:
                    lines.append(line.rstrip("\n"))
                    self._news.notify_all()

    def wait_for_line(self, text: str, times: int = 1) -> str:
        """Return the line that contains `text`, on either output, when it has come so often."""

        def found() -> list[str]:
            return [line for line in (*self.out, *self.err) if text in line]

        with self._news:
            there = self._news.wait_for(lambda: len(found()) >= times, PATIENCE)
            assert there, f"no {text!r} in:\n" + "\n".join([*self.out, *self.err])
            return found()[times - 1]

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process alone, as an orchestrator does."""
        self._process.send_signal(number)

    def send_to_all(self, number: signal.Signals) -> None:
        """Send a signal to the process and what it has started, as Ctrl+C in a terminal does."""
        os.killpg(self._process.pid, number)

    def finish(self) -> int:
        """Wait for the end, and return the exit code."""
        code = self._process.wait(PATIENCE)
        self._join()
        return code

    @property
    def errors(self) -> str:
        """What has come on stderr."""
        return "\n".join(self.err)

    def kill(self) -> None:
        """End it and what it has started, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)
        self._join()

    def _join(self) -> None:
        for reader in self._readers:
            reader.join(PATIENCE)


@pytest.fixture
def run(server, tmp_path) -> Iterator[Callable[..., Program]]:
    """Return a function that starts `python *arguments` in the apps folder, against the server."""
    started: list[Program] = []

    def start(*arguments: str, **environ: str) -> Program:
        path = os.pathsep.join(filter(None, [str(PACKAGE_ROOT), os.environ.get("PYTHONPATH")]))
        given = {**os.environ, **server.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": path}
        # gunicorn keeps a socket in the user's folder.
        given["HOME"] = str(tmp_path)
        started.append(Program([sys.executable, *arguments], given | environ))
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
