"""Start a server and a client process for one measurement, and join what both saw."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cases import Figures, Spec, environment
from clients import FLOOR

_HERE = Path(__file__).parent
_DEADLINE = 600


@dataclass(frozen=True)
class Order:
    """A named measurement: what the client does, and how the server behaves."""

    name: str
    spec: Spec
    latency: float = 0.0
    hang: bool = False
    streams_exist: bool = False

    def server_arguments(self) -> list[str]:
        """Give the server's command line."""
        switches = {"--hang": self.hang, "--streams-exist": self.streams_exist}
        return ["--latency", str(self.latency), *(name for name, on in switches.items() if on)]


def measure(order: Order) -> Figures:
    """Carry one order out; a client that fails gives its last words under `error`."""
    with _server(order.server_arguments()) as endpoint:
        spec = replace(order.spec, endpoint=endpoint)
        figures = _child(spec)
        if "error" not in figures:
            report = _get(f"{endpoint}/report?expected={figures['logged']}")
            figures |= _judged(order, figures, report)
    return {"name": order.name, "client": order.spec.client, **figures}


def import_time(name: str, module: str) -> Figures:
    """Measure the seconds of CPU time that importing a module takes in a fresh interpreter."""
    clock = "from time import process_time as now; begun = now()"
    done = _python("-c", f"{clock}; import {module}; print(now() - begun)")
    if done.returncode:
        return {"name": name, "client": module, "error": done.stderr.strip()[-2000:]}
    return {"name": name, "client": module, "seconds": float(done.stdout)}


def _judged(order: Order, figures: Figures, report: Figures) -> Figures:
    """Add what follows from both sides, unless nothing was to be delivered."""
    if order.hang or order.spec.client == FLOOR:
        return {}
    if report["message_bytes"]:
        report["wire_ratio"] = report["wire_bytes"] / report["message_bytes"]
    if "wall_s" in figures:
        report["server_share"] = report["server_cpu"] / figures["wall_s"]
    return report


@contextlib.contextmanager
def _server(arguments: list[str]) -> Iterator[str]:
    command = [sys.executable, str(_HERE / "server.py"), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def _child(spec: Spec) -> Figures:
    done = _python(str(_HERE / "child.py"), json.dumps(asdict(spec)))
    if done.returncode:
        return {"error": done.stderr.strip()[-2000:]}
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures | {"stderr": done.stderr[-2000:]}


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=_DEADLINE, check=False
    )


def _get(url: str) -> Figures:
    with urllib.request.urlopen(url, timeout=_DEADLINE) as answer:
        figures: Figures = json.load(answer)
    return figures
