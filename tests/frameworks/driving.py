"""Drive an example as its users do: requests or jobs that log, and SIGTERM while they come.

Each of them logs `order N is shown`. What was answered must have arrived, once.
"""

from __future__ import annotations

import http.client
import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.examples.programs import EXAMPLES, environment
from tests.programs import PATIENCE_SECONDS, Program

from aiowatchtower.testing import CloudWatchServer

_SHOWN = re.compile(r"^order (\d+) is shown$")
_PATIENCE_SECONDS = 3


@dataclass
class Outcome:
    """What was logged, as far as that is known from outside, and what has arrived."""

    logged: set[int]
    arrived: Counter[int]
    exit_code: int
    seconds_to_exit: float
    output: str

    @property
    def missing(self) -> set[int]:
        return self.logged - set(self.arrived)

    @property
    def doubled(self) -> set[int]:
        return {number for number, times in self.arrived.items() if times > 1}

    def check(self, *, exit_code: int = 0) -> None:
        """Assert that each order has arrived, once, and that the exit code is the program's own."""
        print(
            f"logged {len(self.logged)} arrived {len(self.arrived)} missing {len(self.missing)} "
            f"doubled {len(self.doubled)} exit {self.exit_code} after {self.seconds_to_exit:.1f} s"
        )
        assert self.logged
        assert not self.missing, self.output
        assert not self.doubled, self.output
        assert self.exit_code == exit_code, self.output
        assert "never awaited" not in self.output


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def orders(server: CloudWatchServer, group: str) -> Counter[int]:
    """Return how often each order's record is in the group."""
    if group not in server.groups:
        return Counter()
    texts = (text for name in server.streams(group) for text in server.messages(group, name))
    return Counter(int(match[1]) for match in map(_SHOWN.match, texts) if match)


@contextmanager
def program(server: CloudWatchServer, home: Path, *command: str, **more: str) -> Iterator[Program]:
    """Run `python COMMAND...` in the examples' folder."""
    # gunicorn and Sanic keep files in the user's folder.
    env = environment(server, HOME=str(home), **more)
    with Program(*command, env=env, folder=EXAMPLES) as started:
        yield started


class Requests:
    """Requests for orders from a few threads, each for another one, until the server is gone."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = iter(range(10**9))
        self._news = threading.Condition()
        self._is_over = False
        self.answered: set[int] = set()
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def _ask_on(self) -> None:
        while not self._is_over:
            with self._news:
                number = next(self._numbers)
            link = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE_SECONDS)
            try:
                link.request("GET", f"/orders/{number}")
                answer = link.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                # Not there yet, or not any more: wait for the news that it is over.
                with self._news:
                    self._news.wait_for(lambda: self._is_over, 0.05)
                continue
            finally:
                link.close()
            if answer.status == 200:
                with self._news:
                    self.answered.add(number)
                    self._news.notify_all()

    def wait_for_answers(self, count: int) -> None:
        with self._news:
            there = self._news.wait_for(lambda: len(self.answered) >= count, PATIENCE_SECONDS)
        assert there, f"{len(self.answered)} answers of {count}"

    def end(self) -> set[int]:
        """Return the orders that were answered, once nobody asks any more."""
        with self._news:
            self._is_over = True
            self._news.notify_all()
        for thread in self._threads:
            thread.join()
        return self.answered


def serve(
    server: CloudWatchServer,
    home: Path,
    command: Callable[[int], tuple[str, ...]],
    group: str,
    *,
    count: int = 200,
    **more: str,
) -> Outcome:
    """Run a server, ask it for orders, end it by SIGTERM while they are asked for."""
    port = free_port()
    with program(server, home, *command(port), **more) as running:
        requests = Requests(port)
        try:
            requests.wait_for_answers(count)
            running.send(signal.SIGTERM)
            began = time.monotonic()
            code = running.finish()
        except BaseException:
            print(running.output)
            raise
        finally:
            logged = requests.end()
    return Outcome(logged, orders(server, group), code, time.monotonic() - began, running.output)
