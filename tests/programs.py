"""Programs of ours as users run them: Python processes whose output is read line by line as it comes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO, TypeVar

import aiowatchtower

if TYPE_CHECKING:
    from typing_extensions import Self

# Where the library under test was imported from, for children that start in another folder.
LIBRARY = Path(aiowatchtower.__file__).parents[1]
# Generous: a neighbour may keep the machine busy, and a test that waits in vain fails all the same.
PATIENCE_SECONDS = 90.0
_Found = TypeVar("_Found")


def environment(*, settings: Mapping[str, str], **more: str | None) -> dict[str, str]:
    """Return what a child gets: this environment, the way to a server, and more; None leaves one out."""
    path = os.pathsep.join(filter(None, [str(LIBRARY), os.environ.get("PYTHONPATH")]))
    ours = {**settings, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    wanted = {**os.environ, **ours, **more}
    return {name: value for name, value in wanted.items() if value is not None}


class Program:
    """`python *ARGUMENTS` in a process group of its own; leaving the block kills what is still there."""

    def __init__(self, *arguments: str, env: Mapping[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            text=True,
            cwd=folder,
            start_new_session=True,
        )
        self._news = threading.Condition()
        self.out: list[str] = []
        self.err: list[str] = []
        self.lines: list[str] = []
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        pipes = ((self._process.stdout, self.out), (self._process.stderr, self.err))
        self._readers = [threading.Thread(target=self._read, args=pair) for pair in pipes]
        self._open_pipes = len(pipes)
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        """What has come on both pipes."""
        return "\n".join(self.lines)

    @property
    def errors(self) -> str:
        """What has come on stderr."""
        return "\n".join(self.err)

    def wait_for_line(self, text: str, times: int = 1) -> str:
        """Return the line that contains `text`, on either pipe, when it has come so often."""
        return self._wait(text, times, lambda line: line if text in line else None)

    def wait_for(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Return the match in the line that is the `times`th to match, on either pipe."""
        return self._wait(pattern, times, lambda line: re.search(pattern, line))

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process alone, as an orchestrator does."""
        self._process.send_signal(number)

    def send_to_all(self, number: signal.Signals) -> None:
        """Send a signal to the process and what it has started, as Ctrl+C in a terminal does."""
        os.killpg(self._process.pid, number)

    def finish(self) -> int:
        """Wait for the end, and return the exit code."""
        code = self._process.wait(PATIENCE_SECONDS)
        self._join()
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal, read what is still said, and return the exit code."""
        self.send(number)
        return self.finish()

    def kill(self) -> None:
        """End it and what it has started, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.finish()

    def _read(self, pipe: TextIO, lines: list[str]) -> None:
        with pipe:
            for line in pipe:
                with self._news:
                    for each in (lines, self.lines):
                        each.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._open_pipes -= 1
            self._news.notify_all()

    def _wait(self, wanted: str, times: int, find: Callable[[str], _Found | None]) -> _Found:
        def found() -> list[_Found]:
            return [each for line in self.lines if (each := find(line)) is not None]

        with self._news:
            self._news.wait_for(
                lambda: len(found()) >= times or not self._open_pipes, PATIENCE_SECONDS
            )
            assert len(found()) >= times, f"no {wanted!r} in:\n{self.output}"
            return found()[times - 1]

    def _join(self) -> None:
        for reader in self._readers:
            reader.join(PATIENCE_SECONDS)
