"""Kill a service again and again while it answers requests, and account for every record that it promised.

uvicorn runs with two workers on one spool. Each round starts it, has clients send requests, each of which logs
one record, and at a random moment kills all of it, or one worker alone. A record is promised when its client
had the answer 150 ms before the kill; where the disk or the machine hangs for as long, some may be lost all
the same. The service may also be given faults of CloudWatch Logs meanwhile.

    python tests/spool/kills.py --kills 50 [--faults] [--seed N]
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import re
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

sys.path[:1] = [str(Path(__file__).parents[2])]

from tests.chaos.schedules import FAULTS, HANGS  # noqa: E402
from tests.programs import PATIENCE_SECONDS, Program, environment  # noqa: E402

from aiowatchtower.testing import serve  # noqa: E402

GROUP: Final = "/service"
_UVICORN: Final = (
    "-m",
    "uvicorn",
    "service:app",
    "--port",
    "0",
    "--workers",
    "2",
    "--no-access-log",
)
_PROGRAMS: Final = Path(__file__).parent / "programs"
_CLIENTS: Final = 4
# Those that are over soon: kills follow each other faster than a try's deadline of seconds.
_FAULTS: Final = sorted(
    name for name, fault in FAULTS.items() if name not in HANGS and fault.action == "PutLogEvents"
)


@dataclass
class Found:
    """What came of all rounds."""

    kills: int = 0
    faults: int = 0
    confirmed: int = 0
    promised: int = 0
    lost: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    recovered: int = 0
    doubled: int = 0
    possible_duplicates: int = 0
    reports: int = 0
    processes: int = 0
    law_broken: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether every promise was kept."""
        broken = self.lost or self.invented or self.law_broken or self.left or self.said
        return not broken and self.doubled <= self.possible_duplicates and self.promised > 0


class Clients:
    """Threads that send requests, each over one connection, and note which were answered when."""

    def __init__(self, port: int, names: Iterator[int]) -> None:
        self.asked: list[str] = []
        self.answered: list[tuple[float, float, str]] = []
        self._names = names
        self._port = port
        self._is_over = threading.Event()
        self._news = threading.Condition()
        self._threads = [threading.Thread(target=self._send) for _ in range(_CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        while not self._is_over.is_set():
            connection = http.client.HTTPConnection(
                "127.0.0.1", self._port, timeout=PATIENCE_SECONDS
            )
            # A worker was killed, or all of them.
            with (
                contextlib.suppress(OSError, http.client.HTTPException),
                contextlib.closing(connection),
            ):
                while not self._is_over.is_set():
                    name = f"record-{next(self._names)}"
                    self.asked.append(name)
                    asked_at = time.monotonic()
                    connection.request("GET", f"/{name}")
                    connection.getresponse().read()
                    with self._news:
                        self.answered.append((asked_at, time.monotonic(), name))
                        self._news.notify_all()

    def wait_for(self, count: int, seconds: float) -> None:
        """Wait for so many further answers, and until the first one is so old."""

        def is_there() -> bool:
            age = time.monotonic() - self.answered[0][1] if self.answered else 0.0
            return len(self.answered) >= wanted and age > seconds

        with self._news:
            wanted = len(self.answered) + count
            assert self._news.wait_for(is_there, PATIENCE_SECONDS)

    def end(self) -> None:
        """Send no more."""
        self._is_over.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)


def run(
    kills: int, seed: int, folder: Path, *, with_faults: bool, promised_seconds: float = 0.15
) -> Found:
    """Kill so often, then let the service run until nothing is left, and hold what arrived against what was told."""
    moments, found = random.Random(seed), Found()
    spool, reports = folder / "spool", folder / "reports"
    reports.mkdir()
    numbers = iter(range(10**9))
    asked: set[str] = set()
    promised: set[str] = set()
    with serve() as server:
        env = environment(settings=server.environ, SPOOL=str(spool), REPORTS=str(reports))
        while found.kills < kills:
            with Program(*_UVICORN, env=env, folder=_PROGRAMS) as program:
                clients = Clients(_port(program), numbers)
                is_alive, killed_at = True, []
                while is_alive and found.kills < kills:
                    if with_faults:
                        fault = FAULTS[moments.choice(_FAULTS)]
                        server.faults.add(replace(fault, times=moments.randint(1, 3)))
                        found.faults += 1
                    clients.wait_for(moments.randrange(800), seconds=2 * promised_seconds)
                    found.kills += 1
                    is_alive = moments.random() < 0.5
                    killed_at.append(_kill(program, moments, all_of_it=not is_alive))
                killed_at.append(time.monotonic())
                program.kill()
                clients.end()
                promised |= _promised(clients, killed_at, promised_seconds)
                asked.update(clients.asked)
                found.confirmed += len(clients.answered)
                found.said += _complaints(program)
            print(f"{found.kills} kills, {len(promised)} promised", file=sys.stderr, flush=True)
        server.faults.clear()
        with Program(*_UVICORN, env=env, folder=_PROGRAMS) as program:
            _port(program)
            _wait_until_adopted(spool)
            program.stop(signal.SIGTERM)
            found.said += _complaints(program)
        arrived = Counter(server.messages(GROUP))
    found.promised = len(promised)
    found.lost = sorted(promised - set(arrived))
    found.invented = sorted(set(arrived) - asked)
    found.doubled = arrived.total() - len(arrived)
    found.left = [str(path) for path in spool.rglob("*")]
    for path in reports.iterdir():
        _read_reports(path, found)
    return found


def _promised(clients: Clients, kills: list[float], seconds: float) -> set[str]:
    """Return what was answered well before the last kill, and not about the time of one before.

    Whose answer was under way then may have come from the worker that was killed.
    """
    return {
        name
        for asked_at, answered_at, name in clients.answered
        if answered_at < kills[-1] - seconds
        and not any(asked_at - seconds <= each <= answered_at + seconds for each in kills)
    }


def _port(program: Program) -> int:
    match = program.wait_for(r"running on http://127\.0\.0\.1:(\d+)")
    program.wait_for_line("Application startup complete", times=2)
    return int(match[1])


def _kill(program: Program, moments: random.Random, *, all_of_it: bool) -> float:
    """Kill everything, or one worker, which uvicorn replaces; return when."""
    workers = [
        int(each) for each in re.findall(r"Started server process \[(\d+)\]", program.output)
    ]
    at = time.monotonic()
    if all_of_it:
        program.send_to_all(signal.SIGKILL)
    else:
        with contextlib.suppress(ProcessLookupError):
            os.kill(moments.choice(workers[-2:]), signal.SIGKILL)
    return at


def _wait_until_adopted(spool: Path) -> None:
    """Wait until no directory is left but those of the two that live."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while sum(1 for path in spool.iterdir() if path.suffix != ".new") > 2 or any(
        path.stat().st_size for path in spool.glob("*/*.log")
    ):
        assert time.monotonic() < deadline, list(spool.rglob("*"))
        time.sleep(0.05)


def _complaints(program: Program) -> list[str]:
    """Return tracebacks and warnings of a bug or of damage; faults of CloudWatch Logs may be said."""
    return [
        line for line in program.lines if re.search(r"Traceback|a bug in|damaged|set aside", line)
    ]


def _read_reports(path: Path, found: Found) -> None:
    """Check the law in each of a process's reports, and add up what its last one says."""
    # The kill may have torn the last line.
    lines = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    found.processes += 1
    seen: dict[str, Any] = {}
    for line in lines:
        seen = json.loads(line)
        fates = seen["delivered"] + sum(seen["rejected"].values()) + sum(seen["dropped"].values())
        found.reports += 1
        if seen["logged"] + seen["recovered"] != fates + seen["pending"] or seen["dropped"]:
            found.law_broken.append(line)
    if seen:
        found.recovered += seen["recovered"]
        found.possible_duplicates += seen["possible_duplicates"]


def main() -> int:
    """Return 0 when every promise was kept, else 1."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50, help="how often (%(default)s)")
    parser.add_argument("--faults", action="store_true", help="let CloudWatch Logs fail as well")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        found = run(asked.kills, asked.seed, Path(folder), with_faults=asked.faults)
    for name, value in vars(found).items():
        print(f"{name:20} {value if isinstance(value, int) else len(value)}")
        if isinstance(value, list):
            print(*(f"  {each}" for each in value[:5]), sep="\n", end="\n" if value else "")
    return 0 if found.is_well else 1


if __name__ == "__main__":
    raise SystemExit(main())
