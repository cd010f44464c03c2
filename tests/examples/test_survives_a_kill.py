from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = Path(__file__).parents[2] / "examples" / "survives_a_kill.py"


def _start(server, spool: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, **server.environ, "SPOOL_DIRECTORY": str(spool)}
    return subprocess.Popen(
        [sys.executable, str(_PROGRAM)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _recovered(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline().rpartition(":")[2])


@pytest.mark.servers
def test_a_killed_worker_is_delivered_by_the_next_one(server, tmp_path):
    """The example is killed, started again, and says that it delivers what the first one has left."""
    spool = tmp_path / "spool"
    first = _start(server, spool)
    assert _recovered(first) == 0
    first.kill()
    first.communicate()
    second = _start(server, spool)
    while not _recovered(second):
        pass
    server.wait_for(100, group="/examples/worker")
    second.kill()
    second.communicate()
    jobs = [text for text in server.messages("/examples/worker") if f"process {first.pid} " in text]
    assert [int(text.split()[1]) for text in jobs][:90] == list(range(1, 91))
