"""Real servers as child processes, real requests, real signals while they log."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import signal
import threading
from urllib.parse import urlsplit

import pytest
from tests.programs import PATIENCE_SECONDS

pytestmark = pytest.mark.servers

UVICORN = ("-m", "uvicorn", "web:app", "--port", "0")
GUNICORN = ("-m", "gunicorn", "web:app", "-k", "uvicorn_worker.UvicornWorker", "-b", "127.0.0.1:0")
COMMANDS = {
    "uvicorn": (UVICORN, 1),
    "uvicorn with workers": ((*UVICORN, "--workers", "2"), 2),
    "gunicorn": ((*GUNICORN, "-w", "2"), 2),
    "gunicorn with preload": ((*GUNICORN, "-w", "2", "--preload"), 2),
    "aiohttp": (("aio.py",), 1),
}
# Preloading changes what happens before the workers are forked: one way to end them is enough.
CASES = [
    pytest.param(name, number, id=f"{name}-{number.name}")
    for name in COMMANDS
    for number in (signal.SIGTERM, signal.SIGINT)
    if "preload" not in name or number == signal.SIGTERM
]


class Traffic:
    """Requests from a few threads, one after the other in each, until the server is gone."""

    def __init__(self, url, paths):
        self._address = urlsplit(url).netloc
        self._news = threading.Condition()
        self.answers: list[list[str]] = []
        self._threads = [threading.Thread(target=self._ask_on, args=[paths]) for _ in range(3)]
        for thread in self._threads:
            thread.start()

    def _ask_on(self, paths):
        for path in itertools.cycle(paths):
            # Not long: aiohttp never answers a connection that it accepts while it shuts down.
            link = http.client.HTTPConnection(self._address, timeout=3)
            try:
                link.request("GET", path)
                answer = json.loads(link.getresponse().read())
            except TimeoutError:
                continue
            except (OSError, http.client.HTTPException):
                return
            finally:
                link.close()
            with self._news:
                self.answers.append(answer)
                self._news.notify_all()

    def wait_for_answers(self, count):
        with self._news:
            assert self._news.wait_for(lambda: len(self.answers) >= count, PATIENCE_SECONDS)

    def join(self):
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
        return [record for answer in self.answers for record in answer]


def _address(program):
    """Return the URL that the server says it listens on."""
    found = re.search(r"http://127\.0\.0\.1:\d+", program.wait_for_line("http://127.0.0.1:"))
    assert found is not None
    return found.group()


def _started(run, name, ship):
    command, workers = COMMANDS[name]
    program = run(*command, SHIP=ship)
    url = _address(program)
    program.wait_for_line("started", times=workers)
    return program, url


def _ended(program, number):
    """Send the signal as it usually comes: Ctrl+C to the whole group, SIGTERM to the one that was started."""
    if number == signal.SIGINT:
        program.send_to_all(number)
    else:
        program.send(number)
    return program.finish()


@pytest.mark.parametrize(("name", "number"), CASES)
def test_signal_while_requests_log(server, run, name, number):
    """Every record up to the end of the lifespan arrives once; the exit code is what it is without the library."""
    program, url = _started(run, name, "1")
    traffic = Traffic(url, ["/async"] if name == "aiohttp" else ["/async", "/sync"])
    traffic.wait_for_answers(50)
    code = _ended(program, number)
    reports = [json.loads(line) for line in program.out if line.startswith("{")]
    assert len(reports) == COMMANDS[name][1], program.errors
    # Neither a warning of ours nor a traceback through it; asyncio 3.13.0 has one of its own.
    assert "aiowatchtower" not in program.errors, program.errors
    wanted = {(report["pid"], n) for report in reports for n in range(report["records"])}
    texts = [text for stream in server.streams("/app") for text in server.messages("/app", stream)]
    arrived = [tuple(map(int, text.split()[:2])) for text in texts]
    assert len(arrived) == len(set(arrived))
    assert set(arrived) == wanted
    assert set(traffic.join()) <= set(texts)
    assert sorted(server.streams("/app")) == sorted(str(report["pid"]) for report in reports)
    for report in reports:
        mine = server.messages("/app", str(report["pid"]))
        assert (mine[0].split(" ", 2)[2], mine[-1].split(" ", 2)[2]) == ("starts", "ends")
    if name in {"uvicorn", "aiohttp"}:
        accesses = [text for text in server.messages("/access") if "GET /" in text]
        assert len(accesses) == reports[0]["requests"] >= 50
    without, _ = _started(run, name, "0")
    assert code == _ended(without, number)


def test_dead_endpoint_does_not_hold_the_server(server, run):
    """With an endpoint that answers nothing the server serves, and ends within the block's timeout."""
    server.faults.hang()
    program = run(*UVICORN, SHIP="1", SHUTDOWN="0.5")
    url = _address(program)
    program.wait_for_line("started")
    traffic = Traffic(url, ["/async"])
    traffic.wait_for_answers(20)
    program.send(signal.SIGTERM)
    program.finish()
    traffic.join()
    warnings = [line for line in program.err if "could not be delivered" in line]
    assert warnings
    assert all(re.match(r"\d+ records to /(app|access) \(\d+\) could", line) for line in warnings)
