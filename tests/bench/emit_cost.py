"""Count what one record costs its caller, in operations instead of time.

Opcodes executed and C functions called below `Handler.handle` do not depend on the machine or its
mood, so a test can hold them to `emit_baseline.json`, which has one entry for each Python.

    python tests/bench/emit_cost.py            # print the counts
    python tests/bench/emit_cost.py --write    # make them the baseline of this Python
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from aiowatchtower import CloudWatchLogging

BASELINE = Path(__file__).with_name("emit_baseline.json")
TOLERANCE = 1.03

_RECORDS = 100
_NOWHERE = "http://127.0.0.1:9"
_ENTRY = logging.Logger.callHandlers.__code__
_LOADS: dict[str, tuple[Any, ...]] = {
    "text": (
        "request %08x took %d ms status=%d path=%s",
        0x9E3779B1,
        35,
        200,
        "/api/v2/orders/10001",
    ),
    "mapping": (
        {"request": "9e3779b1", "took_ms": 35, "status": 200, "path": "/api/v2/orders/10001"},
    ),
}

Cost = dict[str, float]


class _Counter:
    """Count the events below the handler's entry, as `sys.settrace` and `sys.setprofile` tell them."""

    def __init__(self) -> None:
        self.opcodes = 0
        self.calls = 0

    def trace(self, frame: FrameType, _event: str, _argument: object) -> Callable[..., Any] | None:
        """Follow opcodes in the handler's frames and in what they call."""
        caller = frame.f_back
        if caller is None or (caller.f_code is not _ENTRY and caller.f_trace != self._opcode):
            return None
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        return self._opcode

    def profile(self, frame: FrameType, event: str, _argument: object) -> None:
        """Count calls into C made by the handler's frames and by what they call."""
        if event != "c_call" or frame.f_code is _ENTRY:
            return
        above = frame.f_back
        while above is not None and above.f_code is not _ENTRY:
            above = above.f_back
        self.calls += above is not None

    def _opcode(self, _frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        self.opcodes += event == "opcode"
        return self._opcode


def _log(logger: logging.Logger, arguments: tuple[Any, ...]) -> None:
    for _ in range(_RECORDS):
        logger.info(*arguments)


def _count(logger: logging.Logger, arguments: tuple[Any, ...]) -> Cost:
    """Log one burst under each tracer, after one that fills the caches.

    Python 3.12 tells of opcodes only from the second `sys.settrace` on.
    """
    for tracer in (_Counter(), counter := _Counter()):
        sys.settrace(tracer.trace)
        _log(logger, arguments)
        sys.settrace(None)
    sys.setprofile(counter.profile)
    _log(logger, arguments)
    sys.setprofile(None)
    return {"opcodes": counter.opcodes / _RECORDS, "calls": counter.calls / _RECORDS}


async def measure() -> dict[str, Cost]:
    """Count the operations for one record of each kind, inside an entered block without a server."""
    logger = logging.getLogger("emit_cost")
    logger.setLevel(logging.INFO)
    block = CloudWatchLogging(
        "/bench/emit",
        loggers=("emit_cost",),
        region_name="us-east-1",
        endpoint_url=_NOWHERE,
        shutdown_timeout=0.01,
    )
    async with block:
        await asyncio.sleep(0)
        return {kind: _count(logger, arguments) for kind, arguments in _LOADS.items()}


def _this_python() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def regressions(counted: dict[str, Cost], baseline: dict[str, Cost]) -> list[str]:
    """Name each count that is more than 3 % above the baseline."""
    return [
        f"{kind}: {what} {counted[kind][what]:.2f}, baseline {allowed:.2f}"
        for kind, costs in baseline.items()
        for what, allowed in costs.items()
        if counted[kind][what] > allowed * TOLERANCE
    ]


def main() -> int:
    """Print the counts, compare or write the baseline, and give the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--write", action="store_true", help="make the counts the baseline of this Python"
    )
    write = parser.parse_args().write
    logging.getLogger("aiowatchtower").setLevel(logging.CRITICAL)
    counted = asyncio.run(measure())
    known = json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.exists() else {}
    if write:
        known = dict(sorted((known | {_this_python(): counted}).items()))
        BASELINE.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(counted))
    worse = regressions(counted, known.get(_this_python(), {}))
    print(*worse, sep="\n", end="\n" if worse else "", file=sys.stderr)
    return int(bool(worse))


if __name__ == "__main__":
    sys.exit(main())
