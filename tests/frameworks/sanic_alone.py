"""Sanic with two workers, without this library: how often does it hang at SIGTERM while requests come?

    python -m tests.frameworks.sanic_alone 20

With Sanic 25.12 on CPython 3.12, 1 of 5 runs did. The tests therefore run Sanic in one process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.frameworks.driving import Requests, free_port

_APPLICATION = """
from sanic import Sanic, text

app = Sanic("plain")


@app.get("/orders/<number:int>")
async def order(request, number):
    return text("here it is")
"""
_PATIENCE_SECONDS = 25


def hangs(folder: str) -> bool:
    """Run Sanic, ask for orders, send SIGTERM; tell whether it has not ended long afterwards."""
    port = free_port()
    command = (sys.executable, "-m", "sanic", "plain:app", "--port", str(port), "--workers", "2")
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, "HOME": folder}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        requests = Requests(port)
        try:
            requests.wait_for_answers(100)
            process.send_signal(signal.SIGTERM)
            process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            return True
        finally:
            requests.end()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return False


if __name__ == "__main__":
    times = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as home:
        Path(home, "plain.py").write_text(_APPLICATION, encoding="utf-8")
        print(f"{sum(hangs(home) for _ in range(times))} of {times} runs hung")
