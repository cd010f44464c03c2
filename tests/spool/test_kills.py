"""Processes that die without a word, and what the next one delivers in their place.

The oracle is outside: each victim tells what it has logged, and when, before it is killed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.spool import kills

_PROGRAM = Path(__file__).parent / "programs" / "victim.py"
_GROUP = "/victims"
# What is logged in so many seconds before a kill may be lost.
_PROMISED_SECONDS = 0.15


class Victim:
    """A service that is killed, and what it has told of its records."""

    def __init__(self, spool: Path, server, name: str, mode: str = "steady") -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(_PROGRAM), str(spool), server.url, name, mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Otherwise communicate() would lose what readline() has read ahead.
            bufsize=0,
        )
        self.lines: list[bytes] = []
        self.died_at = float("inf")

    def read(self, count: int) -> None:
        """Wait until it has told of so many records."""
        assert self.process.stdout is not None
        while len(self.lines) < count:
            line = self.process.stdout.readline()
            assert line, self.process.communicate()[1].decode()
            self.lines.append(line)

    def die(self) -> None:
        """Send SIGKILL; from before that moment on, nothing is promised."""
        self.died_at = min(self.died_at, time.monotonic())
        self.process.kill()

    def kill(self) -> None:
        self.die()
        self.end()

    def end(self) -> None:
        out, self.errors = self.process.communicate(timeout=60)
        self.lines += out.splitlines(keepends=True)

    @property
    def logged(self) -> set[str]:
        return {name for _, name in self._told()}

    def promised(self) -> set[str]:
        """Return the names of the records that must not be lost."""
        until = min(self.died_at, self._told()[-1][0] + _PROMISED_SECONDS) - _PROMISED_SECONDS
        return {name for at, name in self._told() if at < until}

    def _told(self) -> list[tuple[float, str]]:
        told = [line.split() for line in self.lines if line.endswith(b"\n")]
        return [(float(at), name.decode()) for at, name in told if at[:1].isdigit()]


def _drained(spool: Path, server, adopters: int = 1) -> tuple[int, int]:
    """Start processes that deliver what is left; return how many they recovered, and how many in doubt."""
    started = [Victim(spool, server, f"drain{number}", "drain") for number in range(adopters)]
    for each in started:
        each.read(1)
    deadline = time.monotonic() + 60
    while any(path for path in spool.iterdir() if (path / "00000001.log").exists()):
        assert time.monotonic() < deadline, list(spool.rglob("*"))
        time.sleep(0.05)
    recovered = in_doubt = 0
    for each in started:
        assert each.process.stdin is not None
        each.process.stdin.write(b"\n")
        each.process.stdin.flush()
        each.end()
        assert each.process.returncode == 0, each.errors
        found = each.lines[-1].split()
        recovered, in_doubt = recovered + int(found[0]), in_doubt + int(found[1])
    return recovered, in_doubt


def _check(server, victims: list[Victim], in_doubt: int) -> None:
    seen = Counter(server.messages(_GROUP))
    promised = set().union(*(victim.promised() for victim in victims))
    assert promised
    assert promised <= set(seen), f"lost {len(promised - set(seen))} of {len(promised)}"
    assert sum(seen.values()) - len(seen) <= in_doubt, "more are doubled than were counted"


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.mark.servers
@pytest.mark.parametrize("mode", ["steady", "blocked"])
def test_a_killed_process_loses_nothing(server, spool, mode):
    """SIGKILL, with the loop running or blocked for good, costs no record that was logged 150 ms before."""
    victim = Victim(spool, server, "v", mode)
    victim.read(600)
    victim.kill()
    recovered, in_doubt = _drained(spool, server)
    assert recovered > 0
    _check(server, [victim], in_doubt)
    assert list(spool.iterdir()) == []


@pytest.mark.servers
def test_a_segmentation_fault_loses_nothing(server, spool):
    """A crash of the interpreter itself costs no record either."""
    victim = Victim(spool, server, "v", "segfault")
    victim.read(401)
    victim.end()
    assert victim.process.returncode == -signal.SIGSEGV
    _, in_doubt = _drained(spool, server)
    _check(server, [victim], in_doubt)
    assert {f"v-{number}" for number in range(401)} <= set(server.messages(_GROUP))


@pytest.mark.servers
def test_a_forked_child_that_lives_on_does_not_hold_up_the_records(server, spool):
    """A killed parent's records are delivered while its child still runs."""
    victim = Victim(spool, server, "v", "fork")
    victim.read(300)
    child = next(int(line.split()[1]) for line in victim.lines if line.startswith(b"child"))
    try:
        victim.die()
        victim.process.wait()
        os.kill(child, 0)
        _, in_doubt = _drained(spool, server)
    finally:
        os.kill(child, signal.SIGKILL)
        victim.end()
    _check(server, [victim], in_doubt)


@pytest.mark.servers
def test_several_adopters_share_what_several_have_left(server, spool):
    """Several workers are killed, several start at once: each record arrives once."""
    victims = [Victim(spool, server, f"v{number}") for number in range(3)]
    for victim in victims:
        victim.read(200)
    for victim in victims:
        victim.die()
    for victim in victims:
        victim.end()
    _, in_doubt = _drained(spool, server, adopters=3)
    _check(server, victims, in_doubt)
    assert list(spool.iterdir()) == []


@pytest.mark.servers
def test_kills_one_after_the_other_lose_nothing(server, spool):
    """Each process adopts what the one before has left, and is killed as well, at a random moment."""
    moments = random.Random(7)
    victims = []
    for number in range(5):
        victim = Victim(spool, server, f"v{number}")
        victim.read(moments.randrange(50, 600))
        victim.kill()
        victims.append(victim)
    _drained(spool, server)
    seen = Counter(server.messages(_GROUP))
    promised = set().union(*(victim.promised() for victim in victims))
    assert promised <= set(seen)
    assert list(spool.iterdir()) == []


@pytest.mark.servers
def test_a_service_killed_again_and_again_loses_nothing(tmp_path):
    """The workers of uvicorn are killed, together or one of them, while CloudWatch Logs has faults: the law holds."""
    # A neighbour may keep the disk busy for longer than the 150 ms that a run by hand allows for.
    found = kills.run(4, seed=11, folder=tmp_path, with_faults=True, promised_seconds=1.0)
    assert found.is_well, found
    assert found.kills == 4
    assert found.recovered > 0
